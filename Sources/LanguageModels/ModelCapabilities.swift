import Glibc

/// A model whose probabilities need not sum to one after a context: rounded ones, those of other programs, or mere scores.
public protocol UnnormalizedModel<State>: LanguageModel {
  /// Whether the probabilities are meant to sum to one; if not, they are scores, and there is no perplexity.
  var isNormalized: Bool { get }

  /// Whether Σ_w p(w | h) is one after every context h by the way the model is made, but for rounding; if not, evaluation
  /// measures the sums.
  var sumsToOne: Bool { get }

  /// ln Σ_w p(w | state), which is 0 where the probabilities sum to one.
  func logNormalizer(after state: State) -> Float

  /// Appends ln Σ_w p(w | h) of the context h of each of `tokens`; arguments as of `score`.
  func logNormalizers(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: State, into output: inout [Float])
}

extension UnnormalizedModel {
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
}

extension LanguageModel {
  /// Whether there is a perplexity: whether the probabilities are meant to sum to one.
  public var isNormalized: Bool { (self as? any UnnormalizedModel)?.isNormalized ?? true }

  /// Whether the probabilities sum to one after every context, by the way the model is made.
  public var sumsToOne: Bool { (self as? any UnnormalizedModel)?.sumsToOne ?? true }
}

/// A model that can draw tokens without visiting the whole vocabulary.
public protocol TokenDrawing<State>: LanguageModel {
  /// A way of drawing from p(w | state)^(1/temperature), divided by its sum over all w; `nil` if this model has none.
  func makeTokenSampler(temperature: Double) -> (@Sendable (State, inout SeededGenerator) -> TokenID)?
}

/// A model of n-grams.
public protocol OrderReporting<State>: LanguageModel {
  /// The length of the context that the next token is predicted from: of the longest that the model holds.
  func contextOrder(of state: State) -> Int

  /// The length of the n-gram that the probability of `token` rests on.
  func matchedOrder(of token: TokenID, after state: State) -> Int
}

/// A model that scores long texts with something that takes time to make.
public protocol BulkScoring: LanguageModel {
  /// Makes it, when about so many tokens are to come.
  func prepare(toScore tokens: Int)
}
