/// A probability distribution over the next token, given the tokens before it: state in, state out.
///
/// All logarithms are natural. A state is a value: it can be kept, copied and gone back to. Evaluation, sampling and search are
/// written once against this contract; a model that has a faster way of doing several states or tokens at once overrides that. What only some models can do has a contract of
/// its own (`UnnormalizedModel` and those beside it).
public protocol LanguageModel: Sendable {
  /// What the model remembers of the tokens so far.
  associatedtype State: Sendable

  /// The tokens that it gives probabilities to.
  var vocabulary: Vocabulary { get }

  /// Whether the context restarts with each sentence where nobody says otherwise.
  var defaultContext: ContextMode { get }

  /// The state at the beginning of a text or of a sentence.
  var initialState: State { get }

  /// ln p(token | state) and the state after the token.
  func logProbability(of token: TokenID, after state: State) -> (Float, State)

  /// Writes ln p(w | state) for all V tokens w of the vocabulary; `output` is overwritten.
  func logProbabilities(after state: State, into output: inout [Float])

  /// Writes ln p(w | state) for all V tokens w and each of B states, one after the other: [B × V]; `output` is overwritten.
  func logProbabilities(after states: [State], into output: inout [Float])

  /// The state after one more token.
  func advance(_ state: State, by token: TokenID) -> State

  /// The states after one more token each.
  func advance(_ states: [State], by tokens: [TokenID]) -> [State]

  /// Appends ln p of each of `tokens`, given what came before, and moves the state behind the last.
  ///
  /// What came before is the state and all tokens before it; in long texts a model may leave out what lies further back than it
  /// says (`shortestContext`). With `context` `.sentence`, the state returns to the initial one after each end of sentence, and nothing of
  /// a sentence is left out.
  func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float])

  /// Scores as `score(_:context:after:into:)` does, for texts that take their time: `watch` hears from time to time how many more
  /// tokens are scored, and stops the scoring when it throws.
  func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float],
    watch: (Int) throws -> Void) rethrows

  /// How many tokens before it `score` sees at least for each token of a stream, however long that is; `nil` for all of them.
  var shortestContext: Int? { get }

  /// How many tokens before it a token depends on at most; `nil` if there is no limit.
  var contextLength: Int? { get }
}

extension LanguageModel {
  /// All tokens.
  public var shortestContext: Int? { nil }

  /// No limit.
  public var contextLength: Int? { nil }

  /// One after the other.
  public func logProbabilities(after states: [State], into output: inout [Float]) {
    output.removeAll(keepingCapacity: true)
    var one: [Float] = []
    for state in states {
      logProbabilities(after: state, into: &one)
      output += one
    }
  }

  /// By way of the token's probability.
  public func advance(_ state: State, by token: TokenID) -> State {
    logProbability(of: token, after: state).1
  }

  /// One after the other.
  public func advance(_ states: [State], by tokens: [TokenID]) -> [State] {
    zip(states, tokens).map { advance($0, by: $1) }
  }

  /// Token by token.
  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float]
  ) {
    for token in tokens {
      let (logProbability, next) = logProbability(of: token, after: state)
      output.append(logProbability)
      state = context == .sentence && token == Vocabulary.endOfSentence ? initialState : next
    }
  }

  /// All at once.
  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float],
    watch: (Int) throws -> Void
  ) rethrows {
    score(tokens, context: context, after: &state, into: &output)
    try watch(tokens.count)
  }
}

/// What a sentence is predicted from.
public enum ContextMode: String, CaseIterable, Sendable {
  /// Everything before it: the context runs on across lines, as is the convention for recurrent models.
  case stream
  /// Itself: the context restarts at each line, as is the convention for n-grams.
  case sentence
}
