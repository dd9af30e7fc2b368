import Glibc

/// What an evaluation counts, and what unknown tokens cost.
public struct ScoringRules: Sendable, Equatable {
  /// n: UNK stands for so many types, each of which gets the nth part of its probability (IRSTLM's dictionary upper bound, less the
  /// words that are known).
  public var unknownTypes = 1
  /// Nats that each unknown token costs on top.
  public var unknownPenalty = 0.0
  /// Whether the ends of sentences are scored; if not, they are only contexts.
  public var scoresEnds = true
  /// Whether n-grams know where a sentence begins.
  public var knowsBeginnings = true

  /// The usual rules.
  public init() {}

  /// What is taken from ln p of each unknown token.
  private var unknownCost: Float { Float(log(Double(unknownTypes)) + unknownPenalty) }

  /// Lets unknown tokens cost what they should.
  func apply(_ tokens: ArraySlice<TokenID>, to logProbabilities: inout [Float]) {
    let cost = unknownCost
    if cost == 0 { return }
    for (i, token) in tokens.enumerated() where token == Vocabulary.unknown { logProbabilities[i] -= cost }
  }
}
