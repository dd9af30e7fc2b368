import LanguageModels

/// The numbers of a back-off model in flat arrays: one node for each n-gram, level after level.
///
/// Node numbers run through all levels: first the V + 1 unigrams (node w is word w, node V is `<s>`), then the bigrams, and so
/// on. Within a level, nodes are sorted by context and then by word, so the children of a node are neighbours.
public struct NGramTrie: Sendable {
  /// Level k is the nodes `levelStarts[k - 1]..<levelStarts[k]`.
  public let levelStarts: [Int]
  /// The last word of each n-gram.
  public let words: [UInt32]
  /// The node of each n-gram without its first word; 0 and without meaning for unigrams.
  public let suffixes: [UInt32]
  /// The children of node i are `firstChildren[i]..<firstChildren[i + 1]`; none are kept for the highest level.
  public let firstChildren: [UInt32]
  /// ln p(w | h) of each n-gram hw.
  public let logProbabilities: [Float]
  /// ln of the factor for words that do not follow each n-gram; none are kept for the highest level.
  public let logBackoffs: [Float]

  /// The highest order there can be: the length of a context is a byte.
  static let maximumOrder = 255

  /// The order of the longest n-grams.
  public var order: Int { levelStarts.count - 1 }
  /// V, the number of words without `<s>`.
  public var vocabularySize: Int { levelStarts[1] - 1 }
  /// How many n-grams there are of each order.
  public var levelCounts: [Int] { zip(levelStarts.dropFirst(), levelStarts).map { $0 - $1 } }
  /// The nodes that can have children.
  var innerCount: Int { levelStarts[order - 1] }

  /// The level of `node`.
  func level(of node: Int) -> Int { (levelStarts.firstIndex { node < $0 }) ?? order + 1 }

  /// The children of `node`, which must not be of the highest level.
  @inline(__always)
  func children(of node: Int) -> Range<Int> { Int(firstChildren[node])..<Int(firstChildren[node + 1]) }

  /// The child of `node` with `word`.
  @inline(__always)
  func child(of node: Int, word: UInt32) -> Int? {
    words.withUnsafeBufferPointer { words in
      let children = firstChildren.withUnsafeBufferPointer { Int($0[node])..<Int($0[node + 1]) }
      let child = children.partitionPoint { words[$0] < word }
      return child < children.upperBound && words[child] == word ? child : nil
    }
  }
}
