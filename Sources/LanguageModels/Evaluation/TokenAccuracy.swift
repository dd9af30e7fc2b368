/// How often the likeliest token is the right one, at some places of a text.
public struct TokenAccuracy: Sendable {
  /// The places.
  public enum Place: Sendable, Equatable {
    /// Every token.
    case all
    /// The last token of each line, before its end.
    case lineEnd
    /// Every token behind this one.
    case after(TokenID)
  }

  public let place: Place
  /// How many tokens were judged.
  public private(set) var judged = 0
  /// How many of them were the likeliest after what came before; of equally likely ones, the first of the vocabulary counts.
  public private(set) var correct = 0
  private var counts: [TokenID: Int] = [:]

  /// Nothing yet.
  public init(_ place: Place) { self.place = place }

  /// The share of correct ones; NaN of none.
  public var share: Double { Double(correct) / Double(judged) }

  /// √(p (1 − p) / n)
  public var standardError: Double { (share * (1 - share) / Double(judged)).squareRoot() }

  /// What is reached without looking: the share of the token that is right most often there.
  public var chance: Double { Double(counts.values.max() ?? 0) / Double(judged) }

  mutating func add(_ token: TokenID, guess: TokenID) {
    judged += 1
    correct += token == guess ? 1 : 0
    counts[token, default: 0] += 1
  }
}

/// Judges a text that comes in blocks of whole sentences.
struct TokenJudge<Model: LanguageModel> {
  private(set) var accuracy: TokenAccuracy
  private let model: Model
  private let context: ContextMode
  private let scoresEnds: Bool
  /// Of a context that runs on.
  private var state: Model.State
  private var previous = Vocabulary.endOfSentence
  private var distributions: [Float] = []

  /// Sentences side by side, where each begins anew.
  private static var rows: Int { 64 }

  init(_ model: Model, place: TokenAccuracy.Place, context: ContextMode, scoresEnds: Bool) {
    (self.model, self.context, self.scoresEnds) = (model, context, scoresEnds)
    accuracy = TokenAccuracy(place)
    state = model.initialState
  }

  /// Another document begins.
  mutating func restart() { (state, previous) = (model.initialState, Vocabulary.endOfSentence) }

  /// Judges some more sentences.
  mutating func add(_ tokens: ArraySlice<TokenID>) {
    if context == .stream { return addStream(tokens) }
    var sentences = tokens.split(separator: Vocabulary.endOfSentence, omittingEmptySubsequences: false)
      .dropLast().map { $0.startIndex..<$0.endIndex + 1 }
    // Those of one length end together.
    sentences.sort { ($0.count, $0.lowerBound) < ($1.count, $1.lowerBound) }
    for first in stride(from: 0, to: sentences.count, by: Self.rows) {
      addSideBySide(Array(sentences[first..<min(first + Self.rows, sentences.count)]), of: tokens)
    }
  }

  private mutating func addStream(_ tokens: ArraySlice<TokenID>) {
    for i in tokens.indices {
      let next = i + 1 < tokens.endIndex ? tokens[i + 1] : nil
      if isJudged(tokens[i], next: next, previous: previous) { judge([tokens[i]], after: [state]) }
      state = model.advance(state, by: tokens[i])
      previous = tokens[i]
    }
  }

  private mutating func addSideBySide(_ sentences: [Range<Int>], of tokens: ArraySlice<TokenID>) {
    var states = sentences.map { _ in model.initialState }
    var rows = Array(sentences.indices)
    var step = 0
    while !rows.isEmpty {
      let places = rows.map { sentences[$0].lowerBound + step }
      let judged = rows.indices.filter { i in
        let (place, end) = (places[i], sentences[rows[i]].upperBound)
        return isJudged(
          tokens[place], next: place + 1 < end ? tokens[place + 1] : nil,
          previous: step > 0 ? tokens[place - 1] : Vocabulary.endOfSentence)
      }
      if !judged.isEmpty {
        judge(judged.map { tokens[places[$0]] }, after: judged.map { states[$0] })
      }
      let staying = rows.indices.filter { places[$0] + 1 < sentences[rows[$0]].upperBound }
      states = model.advance(staying.map { states[$0] }, by: staying.map { tokens[places[$0]] })
      rows = staying.map { rows[$0] }
      step += 1
    }
  }

  private func isJudged(_ token: TokenID, next: TokenID?, previous: TokenID) -> Bool {
    switch accuracy.place {
    case .all: scoresEnds || token != Vocabulary.endOfSentence
    case .lineEnd: token != Vocabulary.endOfSentence && next == Vocabulary.endOfSentence
    case .after(let mark): previous == mark && (scoresEnds || token != Vocabulary.endOfSentence)
    }
  }

  private mutating func judge(_ tokens: [TokenID], after states: [Model.State]) {
    model.logProbabilities(after: states, into: &distributions)
    let size = model.vocabulary.count
    for (row, token) in tokens.enumerated() {
      var best = 0
      for w in 1..<size where distributions[row * size + w] > distributions[row * size + best] { best = w }
      accuracy.add(token, guess: TokenID(best))
    }
  }
}
