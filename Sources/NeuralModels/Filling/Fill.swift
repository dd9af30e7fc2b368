import Glibc
import LanguageModels
import Tensors
import Threads

/// Filling gaps: predicting each token of a sentence from all others.
///
/// A place of an epoch is a batch of sentences of like length (`LengthBatches`) with at most B·T tokens; in training, sentences of more than
/// `longest` tokens are divided, and their parts see no further than one token beyond their ends. Ends of sentences are seen, but not predicted.
public final class Fill: Task {
  let vocabulary: Vocabulary
  private let configuration: FillConfiguration
  private let options: TrainingOptions
  let network: FillNetwork
  private let text: [TokenID]
  private let rows: [FillRow]
  private var batches: LengthBatches
  /// The epoch of the batches that were asked for last.
  private var epoch = 0

  /// The tokens of the longest row of a batch.
  static let longest = 512

  /// The task of a new network on `text`, in which every sentence ends with its end.
  public init(
    text: [TokenID], vocabulary: Vocabulary, configuration: FillConfiguration, options: TrainingOptions,
    engine: Engine
  ) {
    (self.vocabulary, self.configuration, self.options) = (vocabulary, configuration, options)
    self.text = text
    network = FillNetwork(configuration, vocabularySize: vocabulary.count, engine: engine)
    network.arena.allocate()
    let positions = options.batchSize * options.sequenceLength
    let rows = FillRow.rows(of: text, longest: min(Self.longest, positions), margin: 0)
    self.rows = rows
    batches = LengthBatches(lengths: rows.map(\.steps.count), positions: positions, seed: options.seed)
    network.output.learn(counts: vocabulary.counts(of: text))
  }

  public var arena: ParameterArena { network.arena }
  public var engine: Engine { network.engine }
  public func initialize(using generator: inout SeededGenerator) { network.initialize(using: &generator) }

  // MARK: Batches

  public var epochLength: Int { batches.count }
  public var batchesPerEpoch: Int { batches.count }
  public var largestBatch: (places: Int, targets: Int) { (1, batches.mostSteps) }
  public var hasEqualBatches: Bool { true }
  public func targetCount(_ places: Range<Int>) -> Int { batches.stepCount(places) }
  public func rateFactor(_ places: Range<Int>, batches: Int) -> Double { 1 }

  public func end(ofBatchAt place: Int, epoch: Int) -> Int {
    self.epoch = epoch
    return place + 1
  }

  public func lossAndGradients(_ training: TrainingBatch) -> Double {
    let targets = Double(max(1, training.targetsOfUpdate))
    let batch = FillBatch(
      batches.rows(at: training.places.lowerBound, epoch: epoch).map { rows[$0] }, of: text)
    return network.lossAndGradients(
      batch, scale: Float(1 / targets), weight: Double(batch.targetCount) / targets,
      dropoutKey: training.dropoutKey)
  }

  public func forget() {}
  public var carried: Tensor? { nil }
  public func restoreCarried(from checkpoint: Checkpoint) throws {}

  // MARK: Measuring

  /// The measure of a text, whose cross-entropy is the mean −ln p of each token but the ends of sentences, given all others.
  public func measure(_ heldOut: [TokenID], watch: (_ done: Int, _ all: Int) throws -> Void) throws
    -> Evaluation
  {
    var done = 0
    return try network.evaluation(of: heldOut) { count in
      done += count
      try watch(done, heldOut.count)
    }
  }

  public func loss(of measurement: Evaluation) -> Double { measurement.crossEntropy }

  /// From some of the text.
  public func secondsToMeasure(_ heldOut: [TokenID]) -> Double {
    let some = Array(heldOut.prefix(Filler.positions)) + [Vocabulary.endOfSentence]
    _ = network.logProbabilities(some) { _ in }
    let watch = Stopwatch()
    _ = network.logProbabilities(some) { _ in }
    return watch.seconds / Double(some.count) * Double(heldOut.count)
  }

  /// From the beginning of the text.
  public func sampleLoss(targets: Int) -> (mean: Double, standardError: Double) {
    var end = min(targets, text.count)
    while end < text.count, text[end - 1] != Vocabulary.endOfSentence { end += 1 }
    var evaluation = Evaluation()
    let some = Array(text[..<end])
    let scores = network.logProbabilities(some) { _ in }
    evaluation.add(some[...], logProbabilities: scores[...], scoresEnds: false)
    return (evaluation.crossEntropy, evaluation.standardError)
  }

  /// ln of the tokens that can be in a gap.
  public var guessing: (loss: Double, name: String) {
    (log(Double(vocabulary.count)), "guessing among \(vocabulary.count) tokens")
  }
  public var regularization: Regularization { configuration.encoder.regularization }
  public func usualRate(of optimizer: OptimizerKind) -> Double {
    optimizer.usualRate(for: configuration.encoder.kind)
  }

  public func makeModel() -> Filler {
    Filler(network, vocabulary: vocabulary, configuration: configuration)
  }
}
