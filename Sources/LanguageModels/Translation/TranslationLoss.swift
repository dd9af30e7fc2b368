import Glibc

/// How well translations are predicted, given their sources.
public struct TranslationLoss: Sendable, Equatable {
  /// Pairs.
  public private(set) var sentences = 0
  /// Tokens of translations, their ends among them.
  public private(set) var tokens = 0
  /// −Σ ln p.
  public private(set) var sum = 0.0

  /// Of some pairs, given −ln p of each.
  public init(pairs: [SentencePair], losses: [Double]) {
    sentences = pairs.count
    tokens = pairs.reduce(0) { $0 + $1.target.count + 1 }
    sum = losses.reduce(0, +)
  }

  /// −ln p per token, in nats.
  public var crossEntropy: Double { sum / Double(tokens) }
  /// e to the cross-entropy.
  public var perplexity: Double { exp(crossEntropy) }
}
