/// How a model adapts to the text that it reads; what is `nil` is not done.
public struct Adaptation: Sendable, Equatable {
  /// Weights that move with the text.
  public var dynamic: DynamicEvaluation?
  /// A cache of what the network made of the contexts so far.
  public var cache: NeuralCache?

  /// None.
  public init() {}

  /// Whether nothing is adapted.
  public var isEmpty: Bool { self == Adaptation() }
}

/// Dynamic evaluation (Krause et al. 2018): after every segment of a text, its loss moves the weights:
///
///     θ ← θ + λ r ⊙ (θ₀ − θ) − η g / (m + ε)
///
/// where m is the root of the mean square of each weight's gradients in training, r = m / mean(m), at most 1/λ, and θ₀ are the weights as trained.
public struct DynamicEvaluation: Sendable, Equatable {
  /// η; what is good grows with the segment.
  public var rate = 2e-4
  /// λ: how strongly weights return to what they were.
  public var decay = 2e-3
  /// ε: ten times that of Krause et al., with which rare words' embeddings, whose m is next to nothing, run away at rates that suit the others.
  public var epsilon = 2e-4
  /// Tokens between two steps.
  public var segment = 20

  /// The usual constants.
  public init() {}
}

/// The neural cache (Grave et al. 2017): what came after contexts like this one is likely to come again:
///
///     p(w) = (1 − λ) p_model(w | h_t) + λ Σ_i softmax_i(θ h_t·h_i) [w_{i+1} = w]
///
/// i runs over the last N contexts.
public struct NeuralCache: Sendable, Equatable {
  /// N.
  public var size = 500
  /// λ.
  public var weight = 0.15
  /// θ, for features as they are, whatever their length.
  public var flatness = 0.6

  /// The usual constants.
  public init() {}
}

/// A model that can adapt to what it reads.
public protocol AdaptableModel<State>: LanguageModel {
  /// A text by this model, of which nothing was read.
  ///
  /// - Throws: a `UserError` where the model cannot do what is asked for.
  func makeStream(_ adaptation: Adaptation, context: ContextMode) throws -> any TextStream

  /// ln p of each token of a text if the share of the neural cache is 0, and then, for each of some θ, if it is 1.
  ///
  /// p is linear in the share, so this is all that a choice of both needs; the network runs once.
  func cacheScores(
    of tokens: [TokenID], _ adaptation: Adaptation, flatnesses: [Double], context: ContextMode,
    watch: (Int) throws -> Void
  ) throws -> [[Float]]
}
