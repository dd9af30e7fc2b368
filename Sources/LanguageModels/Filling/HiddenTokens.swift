/// Tokens of a text that are hidden, one in each of some sentences, to see whether a model finds them.
public struct HiddenTokens: Sendable {
  /// The sentences, without their ends.
  public let sentences: [[TokenID]]
  /// Where in each sentence the token is that is hidden.
  public let places: [Int]

  /// Hides a token in each of `count` sentences of a text, or in all if there are fewer. Which ones depends on the seed and on the lengths of the
  /// sentences, not on the numbers of the tokens: two models that read a text alike get the same.
  public init(_ count: Int, of text: [TokenID], seed: UInt64) {
    let all = text.split(separator: Vocabulary.endOfSentence)
    var generator = SeededGenerator(seed: seed)
    var order = Array(all.indices)
    let count = min(count, order.count)
    for i in 0..<count { order.swapAt(i, Int.random(in: i..<order.count, using: &generator)) }
    let chosen = order[..<count].sorted()
    sentences = chosen.map { Array(all[$0]) }
    places = chosen.map { Int.random(in: 0..<all[$0].count, using: &generator) }
  }

  /// How many are hidden.
  public var count: Int { places.count }
  /// The token that is hidden in sentence i.
  public func token(_ i: Int) -> TokenID { sentences[i][places[i]] }
  /// Sentence i with a gap.
  public func sentence(_ i: Int) -> GappedSentence {
    GappedSentence(
      parts: [Array(sentences[i][..<places[i]]), Array(sentences[i][(places[i] + 1)...])], gaps: [.anyToken])
  }
}
