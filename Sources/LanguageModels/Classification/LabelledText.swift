/// A text and what it is labelled with.
public struct LabelledText: Sendable, Equatable {
  /// Its tokens, without an end.
  public var tokens: [TokenID]
  /// The numbers of its labels.
  public var labels: [Int]

  public init(tokens: [TokenID], labels: [Int]) { (self.tokens, self.labels) = (tokens, labels) }
}
