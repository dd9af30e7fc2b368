import LanguageModels
import Synchronization
import Tensors

/// A trained network that translates.
public final class Translator: Sendable {
  /// The tokens of sources and of translations.
  public let source, target: Vocabulary
  /// The shape of the network.
  public let configuration: TranslatorConfiguration
  let network: Mutex<Box>

  /// A network goes from thread to thread only behind a lock.
  struct Box: @unchecked Sendable {
    let network: TranslationNetwork
  }

  /// Pairs that are scored at once, and about as many rows of a search.
  static let rows = 64
  /// The name of the vocabulary of sources in a checkpoint; that of translations is the first.
  public static let sourceVocabulary = "source"

  init(
    _ network: TranslationNetwork, source: Vocabulary, target: Vocabulary,
    configuration: TranslatorConfiguration
  ) {
    (self.source, self.target, self.configuration) = (source, target, configuration)
    self.network = Mutex(Box(network: network))
  }

  /// The number of parameters.
  public var parameterCount: Int? { network.withLock { $0.network.arena.parameterCount } }

  /// −ln p(target | source) of each pair, the end of the translation among its tokens.
  ///
  /// Pairs of like length are scored side by side. `watch` hears how many more are done.
  public func losses(of pairs: [SentencePair], watch: (Int) throws -> Void) rethrows -> [Double] {
    try network.withLock { try $0.network.losses(of: pairs, watch: watch) }
  }

  /// The same, without a word on the way.
  public func losses(of pairs: [SentencePair]) -> [Double] { losses(of: pairs) { _ in } }

  /// −ln p of each token of a translation, its end last.
  public func tokenLosses(of pair: SentencePair) -> [Double] {
    network.withLock { $0.network.losses(PairBatch([pair])) }
  }

  /// How much each token of a translation, and its end, attends to each token of its source, and its end; empty without attention.
  public func attention(of pairs: [SentencePair]) -> [[[Float]]] {
    var result = [[[Float]]](repeating: [], count: pairs.count)
    network.withLock { box in
      for rows in Self.groups(of: Self.rows, pairs.map(\.source.count)) {
        for (row, shares) in zip(rows, box.network.attention(PairBatch(rows.map { pairs[$0] }))) {
          result[row] = shares
        }
      }
    }
    return result
  }

  /// The likeliest translations of each source, best first.
  ///
  /// - Parameters:
  ///   - coverageWeight: β: translations of which β Σ_i ln min(Σ_t a_ti, 1) is less, as they pass over parts of the source, come later.
  public func translations(
    of sources: [[TokenID]], _ search: BeamSearch, coverageWeight: Double = 0
  ) -> [[Hypothesis]] {
    run(sources, width: search.width, coverageWeight: coverageWeight) { rows, _ in search.runAll(rows) }
  }

  /// A translation of each source, drawn at random; which, the seed and the number of the source, as given in `numbers`, decide.
  public func samples(
    of sources: [[TokenID]], numbers: [Int], _ options: SamplingOptions, seed: UInt64
  ) -> [Hypothesis] {
    run(sources, width: 1, coverageWeight: 0) { rows, group in
      RowSampler(options: options, seed: seed).run(rows, numbers: group.map { numbers[$0] }).map { [$0] }
    }.map { $0[0] }
  }

  private func run(
    _ sources: [[TokenID]], width: Int, coverageWeight: Double,
    _ body: (any StateRows, _ numbers: [Int]) -> [[Hypothesis]]
  ) -> [[Hypothesis]] {
    var result = [[Hypothesis]](repeating: [], count: sources.count)
    network.withLock { box in
      for group in Self.groups(of: max(1, 2 * Self.rows / width), sources.map(\.count)) {
        let rows = TranslationRows(
          box.network, TokenRows(sources: group.map { sources[$0] }), vocabularySize: target.count,
          width: width, coverageWeight: coverageWeight)
        for (index, found) in zip(group, body(rows, group)) { result[index] = found }
      }
    }
    return result
  }

  /// What is done side by side, of like length so that few steps are for nothing.
  fileprivate static func groups(of size: Int, _ lengths: [Int]) -> [[Int]] {
    let order = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
    return stride(from: 0, to: order.count, by: size).map {
      Array(order[$0..<min(order.count, $0 + size)])
    }
  }
}

extension TranslationNetwork {
  /// −ln p(target | source) of each pair; those of like length side by side.
  func losses(of pairs: [SentencePair], watch: (Int) throws -> Void) rethrows -> [Double] {
    var losses = [Double](repeating: 0, count: pairs.count)
    for rows in Translator.groups(of: Translator.rows, pairs.map { $0.source.count + $0.target.count }) {
      let batch = PairBatch(rows.map { pairs[$0] })
      for (position, loss) in self.losses(batch).enumerated() { losses[rows[position % rows.count]] += loss }
      try watch(rows.count)
    }
    return losses
  }
}

extension TranslatorConfiguration {
  /// Makes sure that the tensors of `checkpoint` are as many numbers as the sizes ask for, before memory is taken for a network.
  ///
  /// - Throws: `CheckpointError` when they are not.
  public func check(_ checkpoint: Checkpoint, engine: Engine) throws {
    _ = try network(checkpoint, source: Translator.sourceVocabulary(of: checkpoint, self), engine)
  }

  /// The network of `checkpoint`, declared.
  fileprivate func network(_ checkpoint: Checkpoint, source: Vocabulary, _ engine: Engine) throws
    -> TranslationNetwork
  {
    let target = checkpoint.vocabulary
    if let conflict = network.softmax.conflict(vocabularySize: target.count) {
      throw CheckpointError("damaged: 'configuration' has \(conflict)")
    }
    let declared = TranslationNetwork(
      self, sourceSize: source.count, targetSize: target.count, engine: engine)
    try declared.arena.check(checkpoint)
    return declared
  }
}

extension Translator {
  /// The tokens of the sources of the translator in `checkpoint`.
  ///
  /// - Throws: `CheckpointError` when they are missing.
  public static func sourceVocabulary(of checkpoint: Checkpoint, _ configuration: TranslatorConfiguration)
    throws -> Vocabulary
  {
    configuration.sharesVocabulary ? checkpoint.vocabulary : try checkpoint.vocabulary(sourceVocabulary)
  }

  /// The translator in `checkpoint`.
  ///
  /// - Throws: `CheckpointError` when its parts do not fit together.
  public convenience init(_ checkpoint: Checkpoint, engine: Engine) throws {
    let configuration = try TranslatorConfiguration(json: checkpoint.configuration)
    let target = checkpoint.vocabulary
    let source = try Self.sourceVocabulary(of: checkpoint, configuration)
    let network = try configuration.network(checkpoint, source: source, engine)
    try network.load(checkpoint)
    self.init(network, source: source, target: target, configuration: configuration)
  }
}
