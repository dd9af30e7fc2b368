import LanguageModels

/// What `NGramTrie` is, in temporary files; words and suffixes are kept from the bigrams on, as in a checkpoint.
struct StoredTrie: Sendable {
  let levelStarts: [Int]
  let words: StoredArray<UInt32>
  let suffixes: StoredArray<UInt32>
  let firstChildren: StoredArray<UInt32>
  let logProbabilities: StoredArray<Float>
  let logBackoffs: StoredArray<Float>

  /// How many n-grams there are of each order.
  var levelCounts: [Int] { zip(levelStarts.dropFirst(), levelStarts).map { $0 - $1 } }

  /// The model's numbers, for the checkpoint; see `NGramModel.tensors`.
  var tensors: [Tensor] {
    [
      Tensor("words", words.file, .uint32, count: words.count),
      Tensor("suffixes", suffixes.file, .uint32, count: suffixes.count),
      Tensor("first_children", firstChildren.file, .uint32, count: firstChildren.count),
      Tensor("log_probabilities", logProbabilities.file, .float32, count: logProbabilities.count),
      Tensor("log_backoffs", logBackoffs.file, .float32, count: logBackoffs.count),
    ]
  }

  /// The same in memory.
  func load() throws -> NGramTrie {
    let unigrams = levelStarts[1]
    return NGramTrie(
      levelStarts: levelStarts, words: try Array(0..<UInt32(unigrams)) + words.read(),
      suffixes: try [UInt32](repeating: 0, count: unigrams) + suffixes.read(),
      firstChildren: try firstChildren.read(), logProbabilities: try logProbabilities.read(),
      logBackoffs: try logBackoffs.read())
  }
}

/// A model in temporary files: what comes of texts that memory cannot hold.
public struct StoredModel: Sendable {
  public let vocabulary: Vocabulary
  let options: NGramModel.Options
  let trie: StoredTrie
  let record: [JSONValue.Member]

  /// How many n-grams there are of each order.
  public var levelCounts: [Int] { trie.levelCounts }

  /// The model's options and sizes, for the checkpoint.
  public var configuration: JSONValue {
    NGramModel.configuration(
      levelCounts: levelCounts, requestedOrder: options.order, smoothing: options.smoothing,
      context: options.context, record: record)
  }

  /// The model's numbers, for the checkpoint.
  public var tensors: [Tensor] { trie.tensors }

  /// The model in memory.
  public func load() throws -> NGramModel {
    NGramModel(
      vocabulary: vocabulary, context: options.context, trie: try trie.load(), smoothing: options.smoothing,
      record: record, requestedOrder: options.order)
  }
}

extension StoredTrie: TrieNumbers {
  /// Asks the files.
  struct Reader: TrieReader {
    private let unigrams: Int
    private var words: PagedReader<UInt32>
    private var firstChildren: PagedReader<UInt32>
    private var logProbabilities: PagedReader<Float>
    private var logBackoffs: PagedReader<Float>

    init(_ trie: StoredTrie) {
      unigrams = trie.levelStarts[1]
      let order = trie.levelStarts.count - 1
      words = PagedReader(trie.words, places: order)
      firstChildren = PagedReader(trie.firstChildren, places: order)
      logProbabilities = PagedReader(trie.logProbabilities, places: order)
      logBackoffs = PagedReader(trie.logBackoffs, places: order)
    }

    mutating func word(of node: Int, level k: Int) throws -> Int {
      k == 1 ? node : Int(try words[node - unigrams, k - 1])
    }
    mutating func firstChild(of node: Int, level k: Int) throws -> Int { Int(try firstChildren[node, k - 1]) }
    mutating func logProbability(of node: Int, level k: Int) throws -> Float {
      try logProbabilities[node, k - 1]
    }
    mutating func logBackoff(of node: Int, level k: Int) throws -> Float { try logBackoffs[node, k - 1] }
  }

  func makeReader() -> Reader { Reader(self) }
}
