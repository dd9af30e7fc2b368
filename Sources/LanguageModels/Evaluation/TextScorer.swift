import Threads

/// Scores a text sentence by sentence as it is read.
public struct TextScorer<Model: LanguageModel> {
  /// One line of the text, scored.
  public struct Line {
    /// What the line was; an empty line has no tokens.
    public let kind: SentenceReader.Line
    /// Its tokens, with the end of sentence.
    public let tokens: [TokenID]
    /// ln p of each token.
    public let logProbabilities: [Float]
    /// The length of the n-gram that each probability rests on, where asked for and the model has n-grams.
    public let matchedOrders: [Int]
  }

  /// The sums so far. What the model's probabilities sum to is measured by `scoreAll` only.
  public private(set) var evaluation = Evaluation()

  /// How often the likeliest token was right, where that was asked for.
  public var accuracy: TokenAccuracy? { judge?.accuracy }

  private var judge: TokenJudge<Model>?
  private let model: Model
  private let context: ContextMode
  private let rules: ScoringRules
  private let reportsOrders: Bool
  private var cache: UnigramCache?
  /// The cache before the text.
  private let firstCache: UnigramCache?
  /// The text by a model that adapts to it; `nil` if it stays as it is.
  private let stream: (any TextStream)?
  private var state: Model.State
  private var tokens: [TokenID] = []
  private var logProbabilities: [Float] = []
  private var logNormalizers: [Float] = []

  /// A scorer that starts from the model's initial state, and from an empty cache if there is one to mix in; and again so with each new
  /// document.
  ///
  /// - Parameter stream: what scores the text in the model's place, if that adapts to it.
  public init(
    model: Model, context: ContextMode, stream: (any TextStream)? = nil, cache: UnigramCache? = nil,
    rules: ScoringRules = ScoringRules(),
    reportsOrders: Bool = false, accuracy place: TokenAccuracy.Place? = nil
  ) {
    judge = place.map { TokenJudge(model, place: $0, context: context, scoresEnds: rules.scoresEnds) }
    self.cache = cache
    firstCache = cache
    self.stream = stream
    self.model = model
    self.context = context
    self.rules = rules
    self.reportsOrders = reportsOrders
    state = model.initialState
  }

  /// Reads and scores the next line; `nil` at the end of the text.
  public mutating func nextLine(from reader: SentenceReader) throws -> Line? {
    tokens.removeAll(keepingCapacity: true)
    guard let kind = try Self.read(from: reader, model.vocabulary, into: &tokens) else { return nil }
    if kind == .separator { restart() }
    let orders = reportsOrders ? matchedOrders() : []
    score(normalizer: nil) { _ in }
    evaluation.take(sizesOf: reader.statistics, scoresEnds: rules.scoresEnds)
    return Line(kind: kind, tokens: tokens, logProbabilities: logProbabilities, matchedOrders: orders)
  }

  /// Reads and scores the rest of the text in large blocks, which models that work in batches do faster. While one block is scored, the
  /// next is read.
  ///
  /// `watch` hears from time to time how many more tokens are scored.
  public mutating func scoreAll(from reader: SentenceReader, watch: (Int) throws -> Void = { _ in }) throws {
    let vocabulary = model.vocabulary
    var next = try Self.readBlock(from: reader, vocabulary)
    if let next, let size = reader.sourceSize, reader.statistics.bytes > 0 {
      (model as? any BulkScoring)?.prepare(
        toScore: next.tokens.count * max(1, size / reader.statistics.bytes))
    }
    while let block = next {
      tokens = block.tokens
      let ahead = Ahead { Result { try Self.readBlock(from: reader, vocabulary) } }
      defer { ahead.wait() }
      if !tokens.isEmpty { try score(normalizer: model.normalizer, watch: watch) }
      if block.endsDocument { restart() }
      next = try ahead.value.get()
    }
    evaluation.take(sizesOf: reader.statistics, scoresEnds: rules.scoresEnds)
  }

  /// Another document begins.
  private mutating func restart() {
    state = model.initialState
    stream?.restart()
    cache = firstCache
    judge?.restart()
  }

  /// Sentences that are scored at once.
  private struct Block: Sendable {
    var tokens: [TokenID] = []
    var endsDocument = false
  }

  /// The next sentences of a document; `nil` at the end of the text.
  private static func readBlock(from reader: SentenceReader, _ vocabulary: Vocabulary) throws -> Block? {
    var block = Block()
    block.tokens.reserveCapacity(scoringBlockSize + scoringBlockSize / 16)
    while block.tokens.count < scoringBlockSize {
      guard let kind = try read(from: reader, vocabulary, into: &block.tokens) else {
        return block.tokens.isEmpty ? nil : block
      }
      if kind == .separator {
        block.endsDocument = true
        break
      }
    }
    return block
  }

  private static func read(
    from reader: SentenceReader, _ vocabulary: Vocabulary, into tokens: inout [TokenID]
  ) throws -> SentenceReader.Line? {
    let kind = try reader.next()
    if kind == .sentence {
      vocabulary.append(idsOf: reader.tokens, to: &tokens)
      tokens.append(Vocabulary.endOfSentence)
    }
    return kind
  }

  private mutating func score(
    normalizer: (any UnnormalizedModel<Model.State>)?, watch: (Int) throws -> Void
  ) rethrows {
    logProbabilities.removeAll(keepingCapacity: true)
    if let stream {
      try stream.score(tokens[...], into: &logProbabilities, watch: watch)
      return take()
    }
    if let normalizer {
      logNormalizers.removeAll(keepingCapacity: true)
      normalizer.logNormalizers(of: tokens[...], context: context, after: state, into: &logNormalizers)
      cache?.mix(intoLogNormalizers: &logNormalizers)
      evaluation.add(logNormalizers: logNormalizers)
    }
    try model.score(tokens[...], context: context, after: &state, into: &logProbabilities, watch: watch)
    take()
  }

  /// Counts the tokens with the logarithms that the model gave them.
  private mutating func take() {
    cache?.mix(tokens[...], into: &logProbabilities)
    rules.apply(tokens[...], to: &logProbabilities)
    evaluation.add(tokens[...], logProbabilities: logProbabilities[...], scoresEnds: rules.scoresEnds)
    judge?.add(tokens[...])
  }

  private func matchedOrders() -> [Int] {
    guard let model = model as? any OrderReporting<Model.State> else { return [] }
    var state = state
    return tokens.map { token in
      let order = model.matchedOrder(of: token, after: state)
      state = self.model.advance(state, by: token)
      return order
    }
  }
}

/// Tokens that are scored at once, but for the rest of the last sentence.
private let scoringBlockSize = 1 << 17

extension LanguageModel {
  /// The model itself, if what its probabilities sum to is to be measured.
  fileprivate var normalizer: (any UnnormalizedModel<State>)? {
    guard let model = self as? any UnnormalizedModel<State>, model.isNormalized, !model.sumsToOne else {
      return nil
    }
    return model
  }

  /// Measures the model on a text that has been read, in the same blocks as `TextScorer`, so that the figures are the same.
  ///
  /// `watch` hears from time to time how many more tokens are scored, and stops the measurement when it throws. The caller adds
  /// the text's bytes.
  public func evaluate(
    _ tokens: [TokenID], context: ContextMode, watch: (Int) throws -> Void
  ) rethrows -> Evaluation {
    var evaluation = Evaluation()
    var state = initialState
    var scores: [Float] = []
    var normalizers: [Float] = []
    var first = 0
    (self as? any BulkScoring)?.prepare(toScore: tokens.count)
    let normalizer = normalizer
    while first < tokens.count {
      var end = min(first + scoringBlockSize, tokens.count)
      while end < tokens.count, tokens[end - 1] != Vocabulary.endOfSentence { end += 1 }
      if let normalizer {
        normalizers.removeAll(keepingCapacity: true)
        normalizer.logNormalizers(of: tokens[first..<end], context: context, after: state, into: &normalizers)
        evaluation.add(logNormalizers: normalizers)
      }
      scores.removeAll(keepingCapacity: true)
      try score(tokens[first..<end], context: context, after: &state, into: &scores, watch: watch)
      evaluation.add(tokens[first..<end], logProbabilities: scores[...])
      first = end
    }
    return evaluation
  }
}
