/// A text and what it is labelled with.
public struct LabelledText: Sendable, Equatable {
  /// Its tokens, without an end.
  public var tokens: [TokenID]
  /// The numbers of its labels.
  public var labels: [Int]
  /// How many labels it has besides, which have no number.
  public var unknownLabels: Int

  public init(tokens: [TokenID], labels: [Int], unknownLabels: Int = 0) {
    (self.tokens, self.labels, self.unknownLabels) = (tokens, labels, unknownLabels)
  }
}

extension [LabelledText] {
  /// The sentences of `corpus` with their labels by name, each text cut to its first `lengthLimit` tokens.
  public init(_ corpus: Corpus, labels: some Collection<[String]>, among names: [String], lengthLimit: Int) {
    let numbers = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    self = []
    reserveCapacity(corpus.sentences)
    var start = 0
    var rest = labels.makeIterator()
    for (end, token) in corpus.tokens.enumerated() where token == Vocabulary.endOfSentence {
      let own = rest.next() ?? []
      let known = own.compactMap { numbers[$0] }
      append(
        LabelledText(
          tokens: [TokenID](corpus.tokens[start..<Swift.min(end, start + lengthLimit)]), labels: known,
          unknownLabels: own.count - known.count))
      start = end + 1
    }
  }
}
