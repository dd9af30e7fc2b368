import Glibc
import LanguageModels
import Tensors
import Threads

/// Translating.
///
/// A place of an epoch is a token of a translation, its end among them; a batch is B pairs of like length (`PooledBatches`).
public final class Translate: Task {
  private let pairs: [SentencePair]
  private let source, target: Vocabulary
  private let configuration: TranslatorConfiguration
  private let options: TrainingOptions
  private let network: TranslationNetwork
  private let batches: PooledBatches
  /// How likely the decoder is given the token that it would have written in the place of the right one.
  private let ownTokens: Double
  /// The pairs of an epoch in their order, and where each batch begins, and the last ends, among the tokens of all.
  private var order: (epoch: Int, pairs: [Int], places: [Int]) = (-1, [], [])

  /// The task of a new network on pairs.
  ///
  /// - Parameter ownTokens: the probability that the decoder is given its own likeliest token in place of the right one (scheduled
  ///   sampling; Bengio et al. 2015, always alike).
  public init(
    _ pairs: [SentencePair], source: Vocabulary, target: Vocabulary, configuration: TranslatorConfiguration,
    ownTokens: Double = 0, options: TrainingOptions, engine: Engine
  ) {
    (self.pairs, self.source, self.target, self.configuration) = (pairs, source, target, configuration)
    (self.options, self.ownTokens) = (options, ownTokens)
    network = TranslationNetwork(
      configuration, sourceSize: source.count, targetSize: target.count, engine: engine)
    network.arena.allocate()
    batches = PooledBatches(
      size: max(1, min(options.batchSize, pairs.count)),
      // The longer of two translations of one source comes later, and sources of translations of one length likewise.
      lengths: pairs.map { $0.target.count << 20 + min($0.source.count, 1 << 20 - 1) }, seed: options.seed)
    epochLength = pairs.reduce(0) { $0 + $1.target.count + 1 }
    let counts = target.counts(of: pairs.flatMap { $0.target + [Vocabulary.endOfSentence] })
    network.output.learn(counts: counts)
    let longest = pairs.map(\.target.count).sorted(by: >).prefix(batches.size)
    largestBatch = (longest.reduce(0) { $0 + $1 + 1 }, longest.reduce(0) { $0 + $1 + 1 })
  }

  public var arena: ParameterArena { network.arena }
  public var engine: Engine { network.engine }
  public func initialize(using generator: inout SeededGenerator) { network.initialize(using: &generator) }

  // MARK: Batches

  public let epochLength: Int
  public var batchesPerEpoch: Int { (pairs.count + batches.size - 1) / batches.size }
  public let largestBatch: (places: Int, targets: Int)
  public var hasEqualBatches: Bool { false }
  public func targetCount(_ places: Range<Int>) -> Int { places.count }
  public func rateFactor(_ places: Range<Int>, batches: Int) -> Double { 1 }

  public func end(ofBatchAt place: Int, epoch: Int) -> Int {
    if order.epoch != epoch {
      let mixed = batches.order(epoch: epoch)
      var (places, sum) = ([0], 0)
      for (i, pair) in mixed.enumerated() {
        sum += pairs[pair].target.count + 1
        if (i + 1) % batches.size == 0 || i == mixed.count - 1 { places.append(sum) }
      }
      order = (epoch, mixed, places)
    }
    return order.places.first { $0 > place } ?? epochLength
  }

  public func lossAndGradients(_ training: TrainingBatch) -> Double {
    let index = order.places.lastIndex { $0 <= training.places.lowerBound } ?? 0
    let first = index * batches.size
    var batch = PairBatch(
      order.pairs[first..<min(order.pairs.count, first + batches.size)].map { pairs[$0] })
    if ownTokens > 0 { batch = network.withOwnTokens(batch, share: ownTokens, training.generator) }
    return network.lossAndGradients(
      batch, scale: 1 / Float(max(1, training.targetsOfUpdate)), dropoutKey: training.dropoutKey)
  }

  public func forget() {}
  public var carried: Tensor? { nil }
  public func restoreCarried(from checkpoint: Checkpoint) throws {}

  // MARK: Measuring

  public func measure(_ heldOut: [SentencePair], watch: (_ done: Int, _ all: Int) throws -> Void) throws
    -> TranslationLoss
  {
    var done = 0
    let losses = try network.losses(of: heldOut) { count in
      done += count
      try watch(done, heldOut.count)
    }
    return TranslationLoss(pairs: heldOut, losses: losses)
  }

  public func loss(of measurement: TranslationLoss) -> Double { measurement.crossEntropy }

  public func secondsToMeasure(_ heldOut: [SentencePair]) -> Double {
    let some = Array(heldOut.prefix(Translator.rows))
    _ = network.losses(of: some) { _ in }
    let watch = Stopwatch()
    _ = network.losses(of: some) { _ in }
    return watch.seconds / Double(max(1, some.count)) * Double(heldOut.count)
  }

  public func sampleLoss(targets: Int) -> (mean: Double, standardError: Double) {
    // From all parts of the text.
    let number = min(pairs.count, max(1, targets * pairs.count / max(1, epochLength)))
    let some = (0..<number).map { pairs[$0 * pairs.count / number] }
    let count = some.reduce(0) { $0 + $1.target.count + 1 }
    let losses = network.losses(of: some) { _ in }
    let mean = losses.reduce(0, +) / Double(max(1, count))
    // Pairs, not their tokens, are what is drawn.
    let variance = zip(losses, some).reduce(0.0) { sum, one in
      let difference = one.0 - mean * Double(one.1.target.count + 1)
      return sum + difference * difference
    }
    return (mean, variance.squareRoot() / Double(max(1, count)))
  }

  public var guessing: (loss: Double, name: String) {
    (log(Double(target.count)), "guessing among \(target.count) tokens")
  }
  public var regularization: Regularization { configuration.network.regularization }
  public func usualRate(of optimizer: OptimizerKind) -> Double {
    optimizer.usualRate(for: configuration.network.kind)
  }

  public func makeModel() -> Translator {
    Translator(network, source: source, target: target, configuration: configuration)
  }
}

extension TranslationNetwork {
  /// A batch in which the decoder is given its own likeliest tokens in place of a share of the right ones, one step after the other.
  func withOwnTokens(_ batch: PairBatch, share: Double, _ generator: SeededGenerator) -> PairBatch {
    var (batch, generator, tokens) = (batch, generator, batch.inputs.tokens)
    let rows = batch.inputs.rows
    read(batch.source, encoder.pass(batch.source, dropoutKey: nil))
    var (f, distributions) = (MatrixView?.none, [Float]())
    for t in 0..<batch.inputs.steps - 1 {
      f = decoder.advance(
        by: Array(tokens[t * rows..<(t + 1) * rows]), previous: f, sources: Array(0..<rows))
      let chosen = (0..<rows).map { _ in generator.uniform() < share }
      guard let f, chosen.contains(true) else { continue }
      output.logDistributions(f, into: &distributions)
      let size = distributions.count / rows
      for row in 0..<rows where chosen[row] && t + 1 < batch.inputs.lengths[row] {
        let own = distributions[row * size..<(row + 1) * size]
        let likeliest = own.indices.reduce(own.startIndex) { own[$1] > own[$0] ? $1 : $0 }
        tokens[(t + 1) * rows + row] = TokenID(likeliest - own.startIndex)
      }
    }
    batch.inputs.replace(tokens)
    return batch
  }
}
