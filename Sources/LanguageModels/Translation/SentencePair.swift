/// A sentence and its translation.
public struct SentencePair: Sendable, Equatable {
  /// The tokens of the sentence, without an end.
  public var source: [TokenID]
  /// The tokens of its translation, without an end.
  public var target: [TokenID]

  public init(source: [TokenID], target: [TokenID]) { (self.source, self.target) = (source, target) }
}
