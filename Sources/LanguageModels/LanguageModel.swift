import Glibc

/// A probability distribution over the next token, given all tokens before it: state in, state out.
///
/// All logarithms are natural. A state is a value: it can be kept, copied and gone back to. Evaluation and sampling are
/// written once against this contract; a model that has a faster way of doing several tokens at once overrides `score`.
public protocol LanguageModel: Sendable {
  /// What the model remembers of the tokens so far.
  associatedtype State: Sendable

  /// The tokens that it gives probabilities to.
  var vocabulary: Vocabulary { get }

  /// Whether the probabilities of all tokens sum to one; if not, they are scores, and there is no perplexity.
  var isNormalized: Bool { get }

  /// Whether Σ_w p(w | h) is one after every context h by the way the model is made, but for rounding; if not, evaluation
  /// measures the sums.
  var sumsToOne: Bool { get }

  /// Whether the context restarts with each sentence where nobody says otherwise.
  var defaultContext: ContextMode { get }

  /// The state at the beginning of a text or of a sentence.
  var initialState: State { get }

  /// ln p(token | state) and the state after the token.
  func logProbability(of token: TokenID, after state: State) -> (Float, State)

  /// Writes ln p(w | state) for all V tokens w of the vocabulary; `output` is overwritten.
  func logProbabilities(after state: State, into output: inout [Float])

  /// ln Σ_w p(w | state), which is 0 where the probabilities sum to one.
  func logNormalizer(after state: State) -> Float

  /// Appends ln Σ_w p(w | h) of the context h of each of `tokens`; arguments as of `score`.
  func logNormalizers(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: State, into output: inout [Float])

  /// The state after one more token.
  func advance(_ state: State, by token: TokenID) -> State

  /// Appends ln p of each of `tokens`, given the state and the tokens before it, and moves the state behind the last.
  ///
  /// With `context` `.sentence`, the state returns to the initial one after each end of sentence.
  func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float])

  /// The same, for texts that take their time: `watch` hears from time to time how many more tokens are scored, and stops the
  /// scoring when it throws.
  func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float],
    watch: (Int) throws -> Void) rethrows

  /// Lets the model make what it scores long texts with, when about so many tokens are to come.
  func prepare(toScore tokens: Int)

  /// The length of the n-gram that the probability of `token` rests on; `nil` for models without n-grams.
  func matchedOrder(of token: TokenID, after state: State) -> Int?

  /// A way of drawing from p(w | state)^(1/temperature), divided by its sum over all w, without visiting the whole vocabulary; `nil` if the model
  /// has none.
  func makeTokenSampler(temperature: Double) -> (@Sendable (State, inout SeededGenerator) -> TokenID)?
}

extension LanguageModel {
  /// They do.
  public var isNormalized: Bool { true }

  /// Those that are probabilities do.
  public var sumsToOne: Bool { isNormalized }

  /// The sum over the whole vocabulary.
  public func logNormalizer(after state: State) -> Float {
    if sumsToOne { return 0 }
    var all: [Float] = []
    logProbabilities(after: state, into: &all)
    return Float(log(all.reduce(0.0) { $0 + exp(Double($1)) }))
  }

  /// Context by context.
  public func logNormalizers(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: State, into output: inout [Float]
  ) {
    var state = state
    for token in tokens {
      output.append(logNormalizer(after: state))
      let isEnd = context == .sentence && token == Vocabulary.endOfSentence
      state = isEnd ? initialState : advance(state, by: token)
    }
  }

  /// By way of the token's probability.
  public func advance(_ state: State, by token: TokenID) -> State {
    logProbability(of: token, after: state).1
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

  /// Nothing to make.
  public func prepare(toScore tokens: Int) {}

  /// No n-grams.
  public func matchedOrder(of token: TokenID, after state: State) -> Int? { nil }

  /// No such way.
  public func makeTokenSampler(
    temperature: Double
  ) -> (@Sendable (State, inout SeededGenerator) -> TokenID)? { nil }
}

/// What a sentence is predicted from.
public enum ContextMode: String, CaseIterable, Sendable {
  /// Everything before it: the context runs on across lines, as is the convention for recurrent models.
  case stream
  /// Itself: the context restarts at each line, as is the convention for n-grams.
  case sentence
}
