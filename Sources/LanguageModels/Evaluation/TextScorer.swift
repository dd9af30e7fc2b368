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

  /// The sums so far.
  public private(set) var evaluation = Evaluation()

  private let model: Model
  private let context: ContextMode
  private let reportsOrders: Bool
  private var state: Model.State
  private var tokens: [TokenID] = []
  private var logProbabilities: [Float] = []

  /// A scorer that starts from the model's initial state.
  public init(model: Model, context: ContextMode, reportsOrders: Bool = false) {
    self.model = model
    self.context = context
    self.reportsOrders = reportsOrders
    state = model.initialState
  }

  /// Reads and scores the next line; `nil` at the end of the text.
  public mutating func nextLine(from reader: SentenceReader) throws -> Line? {
    tokens.removeAll(keepingCapacity: true)
    guard let kind = try read(from: reader) else { return nil }
    let orders = reportsOrders ? matchedOrders() : []
    score()
    evaluation.bytes = reader.statistics.sentenceBytes
    return Line(kind: kind, tokens: tokens, logProbabilities: logProbabilities, matchedOrders: orders)
  }

  /// Reads and scores many lines at once, which models that work in batches do faster; false at the end of the text.
  public mutating func nextBlock(from reader: SentenceReader) throws -> Bool {
    tokens.removeAll(keepingCapacity: true)
    var isAtEnd = false
    while tokens.count < Self.blockSize, !isAtEnd { isAtEnd = try read(from: reader) == nil }
    score()
    evaluation.bytes = reader.statistics.sentenceBytes
    return !isAtEnd
  }

  /// Tokens of a block, but for the rest of its last sentence.
  private static var blockSize: Int { 1 << 17 }

  private mutating func read(from reader: SentenceReader) throws -> SentenceReader.Line? {
    let vocabulary = model.vocabulary
    let kind = try reader.next { tokens.append(vocabulary.id(of: $0)) }
    if kind == .sentence { tokens.append(Vocabulary.endOfSentence) }
    return kind
  }

  private mutating func score() {
    logProbabilities.removeAll(keepingCapacity: true)
    model.score(tokens[...], context: context, after: &state, into: &logProbabilities)
    evaluation.add(tokens[...], logProbabilities: logProbabilities[...])
  }

  private func matchedOrders() -> [Int] {
    var state = state
    return tokens.compactMap { token in
      let order = model.matchedOrder(of: token, after: state)
      state = model.advance(state, by: token)
      return order
    }
  }
}
