import LanguageModels
import Synchronization
import Tensors

/// A trained network that fills gaps in sentences.
public final class Filler: Sendable {
  /// The tokens that it knows.
  public let vocabulary: Vocabulary
  /// The shape of the network.
  public let configuration: FillConfiguration
  let network: Mutex<Box>

  /// A network goes from thread to thread only behind a lock.
  struct Box: @unchecked Sendable {
    let network: FillNetwork
  }

  /// Positions that go through the network at once when a text is scored.
  static let positions = 4096
  /// Sentences of more tokens are scored in parts of at most this many.
  static let longest = 1024
  /// The tokens on either side that a token of such a part is predicted from at least, where its sentence has them.
  public static let leastContext = 256

  init(_ network: FillNetwork, vocabulary: Vocabulary, configuration: FillConfiguration) {
    (self.vocabulary, self.configuration) = (vocabulary, configuration)
    self.network = Mutex(Box(network: network))
  }

  /// The number of parameters.
  public var parameterCount: Int? { network.withLock { $0.network.arena.parameterCount } }

  /// ln p of each token of a text given all others of its sentence, 0 for the ends of sentences, with which every sentence ends.
  ///
  /// - Parameter watch: hears from time to time how many more tokens are scored, and stops the scoring when it throws.
  public func logProbabilities(_ text: [TokenID], watch: (Int) throws -> Void) rethrows -> [Float] {
    try network.withLock { try $0.network.logProbabilities(text, watch: watch) }
  }

  /// The measure of a text: its cross-entropy is the mean of −ln p of each token but the ends of sentences, given all others, whose
  /// exponential is the pseudo-perplexity (Salazar et al. 2020, section 2.1), which no perplexity can be compared with.
  public func evaluate(_ text: [TokenID], watch: (Int) throws -> Void) rethrows -> Evaluation {
    try network.withLock { try $0.network.evaluation(of: text, watch: watch) }
  }

  /// ln p of every token in a gap of each sentence: [sentences × V]; `result` is overwritten.
  ///
  /// - Parameters:
  ///   - sentences: of one length, without their ends; what stands in the gap does not matter.
  ///   - gap: the place of the gap.
  public func logDistributions(_ sentences: [[TokenID]], gap: Int, into result: inout [Float]) {
    let steps = max(0, gap - Self.longest)..<min(sentences[0].count, gap + 1 + Self.longest)
    let rows = sentences.indices.map { i in
      let first = i * sentences[0].count
      return FillRow(
        sentence: first..<first + sentences[0].count,
        steps: first + steps.lowerBound..<first + steps.upperBound, targets: first + gap..<first + gap + 1)
    }
    let batch = FillBatch(rows, of: sentences.flatMap { $0 })
    network.withLock { $0.network.logDistributions(batch, into: &result) }
  }
}

extension FillNetwork {
  /// ln p of each token given all others of its sentence, 0 for ends of sentences; sentences of like length side by side.
  func logProbabilities(_ text: [TokenID], watch: (Int) throws -> Void) rethrows -> [Float] {
    var scores = [Float](repeating: 0, count: text.count)
    let rows = FillRow.rows(of: text, longest: Filler.longest, margin: Filler.leastContext)
    let order = rows.indices.sorted { (rows[$0].steps.count, $1) > (rows[$1].steps.count, $0) }
    var first = 0
    while first < order.count {
      let longest = rows[order[first]].steps.count
      let end = min(order.count, first + max(1, Filler.positions / max(1, longest)))
      let group = order[first..<end].map { rows[$0] }
      let batch = FillBatch(group, of: text)
      let losses = losses(batch)
      for (b, row) in group.enumerated() {
        for i in row.targets {
          scores[i] = Float(-losses[(i - row.steps.lowerBound) * batch.rows + b])
        }
      }
      try watch(batch.targetCount)
      first = end
    }
    return scores
  }

  /// The measure of a text; see `Filler.evaluate`.
  func evaluation(of text: [TokenID], watch: (Int) throws -> Void) rethrows -> Evaluation {
    var evaluation = Evaluation()
    let scores = try logProbabilities(text, watch: watch)
    evaluation.add(text[...], logProbabilities: scores[...], scoresEnds: false)
    return evaluation
  }
}

extension Filler {
  /// The filler in `checkpoint`.
  ///
  /// - Throws: `CheckpointError` when its parts do not fit together.
  public convenience init(_ checkpoint: Checkpoint, engine: Engine) throws {
    let configuration = try FillConfiguration(json: checkpoint.configuration)
    try configuration.encoder.checkSoftmax(checkpoint)
    let network = FillNetwork(configuration, vocabularySize: checkpoint.vocabulary.count, engine: engine)
    try network.load(checkpoint)
    self.init(network, vocabulary: checkpoint.vocabulary, configuration: configuration)
  }
}
