import Glibc
import LanguageModels
import Tensors
import Threads

/// Labelling texts.
///
/// A place of an epoch is a batch: the texts are shuffled, and those of like length among some hundreds that follow each other make a batch, so
/// that few steps are for nothing.
public final class Classify: Task {
  private let texts: [LabelledText]
  private let vocabulary: Vocabulary
  private let labels: [String]
  private let configuration: ClassifierConfiguration
  private let options: TrainingOptions
  private let network: ClassifierNetwork
  /// The texts of each batch of an epoch.
  private var order: (epoch: Int, texts: [Int]) = (-1, [])
  /// Parameters that stay as they are.
  private let frozen: [Parameter]

  /// The task of a new network on labelled texts.
  ///
  /// - Parameters:
  ///   - labelWeights: how much each label counts; the same for all, if `nil`.
  ///   - freezes: whether embeddings and layers stay what they begin with.
  public init(
    _ texts: [LabelledText], vocabulary: Vocabulary, labels: [String], configuration: ClassifierConfiguration,
    labelWeights: [Float]? = nil, freezes: Bool = false, options: TrainingOptions, engine: Engine
  ) {
    (self.vocabulary, self.labels, self.configuration) = (vocabulary, labels, configuration)
    self.options = options
    network = ClassifierNetwork(
      configuration, vocabularySize: vocabulary.count, labelCount: labels.count, engine: engine)
    network.arena.allocate()
    if let labelWeights { network.head.labelWeights = labelWeights }
    let features = network.wordFeatures
    self.texts = texts.map { LabelledText(tokens: features($0.tokens), labels: $0.labels) }
    frozen = freezes ? network.arena.parameters.filter { Self.isOfEncoder($0.name) } : []
  }

  /// Whether a parameter is one of the embeddings and layers, which a language model has too.
  static func isOfEncoder(_ name: String) -> Bool {
    !name.hasPrefix("labels.") && !name.hasPrefix("pool.")
  }

  public var arena: ParameterArena { network.arena }
  public var engine: Engine { network.engine }
  public func initialize(using generator: inout SeededGenerator) { network.initialize(using: &generator) }

  /// Takes embeddings and layers from a language model of the same shape.
  ///
  /// - Throws: `CheckpointError` when one is missing or of another shape.
  public func takeEncoder(from checkpoint: Checkpoint) throws {
    for parameter in arena.parameters where Self.isOfEncoder(parameter.name) {
      let values = try checkpoint.finiteFloats(parameter.name, shape: parameter.shape)
      parameter.value.pointer.update(from: values, count: parameter.count)
    }
    arena.valuesChanged()
  }

  // MARK: Batches

  /// B.
  private var size: Int { max(1, min(options.batchSize, texts.count)) }
  public var epochLength: Int { (texts.count + size - 1) / size }
  public var batchesPerEpoch: Int { epochLength }
  public var largestBatch: (places: Int, targets: Int) { (1, size) }
  public var hasEqualBatches: Bool { true }
  public func targetCount(_ places: Range<Int>) -> Int {
    min(places.upperBound * size, texts.count) - min(places.lowerBound * size, texts.count)
  }
  public func rateFactor(_ places: Range<Int>, batches: Int) -> Double { 1 }

  /// Batches among which texts of like length are looked for.
  private static let pool = 20

  public func end(ofBatchAt place: Int, epoch: Int) -> Int {
    if order.epoch != epoch { order = (epoch, shuffled(epoch)) }
    return place + 1
  }

  private func shuffled(_ epoch: Int) -> [Int] {
    var generator = SeededGenerator(seed: options.seed, stream: epoch + 1)
    let mixed = Array(texts.indices).shuffled(using: &generator)
    var batches: [[Int]] = []
    for first in stride(from: 0, to: mixed.count, by: Self.pool * size) {
      let pool = mixed[first..<min(first + Self.pool * size, mixed.count)]
        .sorted { (texts[$0].tokens.count, $0) < (texts[$1].tokens.count, $1) }
      for start in stride(from: 0, to: pool.count, by: size) {
        batches.append(Array(pool[start..<min(start + size, pool.count)]))
      }
    }
    // The only batch that is not full stays the last.
    let last = batches.last.map { $0.count < size } == true ? batches.removeLast() : []
    batches.shuffle(using: &generator)
    return (batches + [last]).flatMap { $0 }
  }

  public func lossAndGradients(_ training: TrainingBatch) -> Double {
    let first = training.places.lowerBound * size
    let rows = order.texts[first..<min(order.texts.count, first + training.places.count * size)]
    let loss = network.lossAndGradients(
      TextBatch(rows.map { texts[$0] }), scale: 1 / Float(max(1, training.targetsOfUpdate)),
      dropoutKey: training.dropoutKey)
    for parameter in frozen {
      if let sparse = parameter.sparseRows {
        for row in sparse.marked { parameter.gradient.row(row).update(repeating: 0, count: sparse.columns) }
      } else {
        parameter.gradient.pointer.update(repeating: 0, count: parameter.count)
      }
    }
    return loss
  }

  public func forget() {}
  public var carried: Tensor? { nil }
  public func restoreCarried(from checkpoint: Checkpoint) throws {}

  // MARK: Measuring

  public func measure(_ heldOut: [LabelledText], watch: (_ done: Int, _ all: Int) throws -> Void) throws
    -> ClassificationReport
  {
    var done = 0
    let result = try network.evaluate(heldOut) { count in
      done += count
      try watch(done, heldOut.count)
    }
    return ClassificationReport(
      labels: labels, isMultiple: configuration.isMultiple, texts: heldOut,
      probabilities: result.probabilities, losses: result.losses)
  }

  /// The share of texts whose likeliest label is wrong.
  public func loss(of measurement: ClassificationReport) -> Double { 1 - measurement.accuracy }

  public func secondsToMeasure(_ heldOut: [LabelledText]) -> Double {
    let some = Array(heldOut.prefix(Classifier.rows))
    _ = network.evaluate(some) { _ in }
    let watch = Stopwatch()
    _ = network.evaluate(some) { _ in }
    return watch.seconds / Double(max(1, some.count)) * Double(heldOut.count)
  }

  public func sampleLoss(targets: Int) -> (mean: Double, standardError: Double) {
    let some = Array(texts.prefix(targets))
    let losses = some.isEmpty ? [] : network.evaluateFeatures(some)
    let mean = losses.reduce(0, +) / Double(max(1, losses.count))
    let variance = losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, losses.count))
    return (mean, (variance / Double(max(1, losses.count))).squareRoot())
  }

  public var guessing: (loss: Double, name: String) {
    configuration.isMultiple
      ? (Double(labels.count) * log(2), "guessing each of \(labels.count) labels")
      : (log(Double(labels.count)), "guessing among \(labels.count) labels")
  }
  public var regularization: Regularization { configuration.encoder.regularization }
  public func usualRate(of optimizer: OptimizerKind) -> Double {
    optimizer.usualRate(for: configuration.encoder.kind)
  }

  public func makeModel() -> Classifier {
    Classifier(network, vocabulary: vocabulary, labels: labels, configuration: configuration)
  }
}

extension ClassifierNetwork {
  /// The loss of each text, whose tokens are the numbers of vectors already.
  fileprivate func evaluateFeatures(_ texts: [LabelledText]) -> [Double] {
    stride(from: 0, to: texts.count, by: Classifier.rows).flatMap { first in
      evaluate(TextBatch(texts[first..<min(first + Classifier.rows, texts.count)])).losses
    }
  }
}
