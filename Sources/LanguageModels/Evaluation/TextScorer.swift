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
  public mutating func next(from reader: SentenceReader) throws -> Line? {
    tokens.removeAll(keepingCapacity: true)
    logProbabilities.removeAll(keepingCapacity: true)
    let vocabulary = model.vocabulary
    guard let kind = try reader.next({ tokens.append(vocabulary.id(of: $0)) }) else { return nil }
    var orders: [Int] = []
    if kind == .sentence {
      tokens.append(Vocabulary.endOfSentence)
      if context == .sentence { state = model.initialState }
      if reportsOrders { orders = matchedOrders() }
      model.score(tokens[...], after: &state, into: &logProbabilities)
      evaluation.add(tokens[...], logProbabilities: logProbabilities[...])
      evaluation.bytes = reader.statistics.sentenceBytes
    }
    return Line(kind: kind, tokens: tokens, logProbabilities: logProbabilities, matchedOrders: orders)
  }

  private func matchedOrders() -> [Int] {
    var state = state
    return tokens.compactMap { token in
      let order = model.matchedOrder(of: token, after: state)
      state = model.logProbability(of: token, after: state).1
      return order
    }
  }
}
