/// How tokens are drawn from a model's distribution.
public struct SamplingOptions: Sendable {
  /// Probabilities are raised to the power 1/temperature; 0, or what is too near to it for that power to be a number, takes the
  /// likeliest token every time.
  public var temperature = 1.0
  /// Draw from the k likeliest tokens only.
  public var topK: Int?
  /// Draw from the smallest set of likeliest tokens that holds this much probability (Holtzman et al. 2020).
  public var topP: Double?
  /// Draw UNK as well; if not, the other tokens share its probability in proportion to theirs.
  public var drawsUnknown = true
  /// A sentence is broken off after so many tokens.
  public var maximumTokens = 1000
  /// A sample has exactly so many tokens, the ends of sentences on the way among them, instead of one sentence.
  public var length: Int?
  /// Within a sample of a given length, whether the model goes on from the sentence before, or each sentence starts afresh.
  public var context = ContextMode.sentence

  /// Draws from the model's own distribution.
  public init() {}

  /// Whether a sample is whole that has `count` tokens, of which `token` is the last.
  func isWhole(count: Int, last token: TokenID) -> Bool {
    count >= length ?? maximumTokens || (length == nil && token == Vocabulary.endOfSentence)
  }

  /// Whether the sentence after the end `token` starts afresh.
  public func restarts(after token: TokenID) -> Bool {
    context == .sentence && token == Vocabulary.endOfSentence
  }
}
