import LanguageModels

/// All n-grams of a text up to an order, with their counts, in temporary files: what `NGramCounts` is, for what does not fit into
/// memory. Levels, their order and the numbers of words are the same; nodes are numbered from 0 in each level.
struct StoredCounts: Sendable {
  /// The n-grams of one order.
  struct Level: Sendable {
    /// The last word of each.
    let words: StoredArray<UInt32>
    /// How often each occurs.
    let counts: StoredArray<UInt32>
    /// How many n-grams of the next order have each as their context; of the highest order, none are kept.
    let childCounts: StoredArray<UInt32>
    /// The first that begins with `<s>`.
    let sentenceStart: Int

    /// How many there are.
    var count: Int { words.count }
  }

  /// V, the number of words without `<s>`.
  let vocabularySize: Int
  /// The n-grams of each order from 1.
  let levels: [Level]
  let limit: CountingLimit

  /// The order of the longest n-grams.
  var order: Int { levels.count }

  /// The n-grams of order k.
  func level(_ k: Int) -> Level { levels[k - 1] }

  /// Why counts cannot be those of a text.
  enum Inconsistency: Error, CustomStringConvertible {
    /// The suffix of an n-gram of this order is missing.
    case noSuffix(order: Int)
    /// Nothing stands before an n-gram of this order, not even the beginning of a sentence.
    case nothingBefore(order: Int)

    var description: String {
      let what =
        switch self {
        case .noSuffix(let k): "has an n-gram of order \(k), but not the one of its last \(k - 1) words"
        case .nothingBefore(let k):
          "has an n-gram of order \(k), but none of order \(k + 1) that ends with it"
        }
      return what + "; these cannot be all the counts of a text, as lmctl count writes them"
    }
  }

  /// Counts the n-grams of `text`.
  ///
  /// The text is sorted in parts that fit into the limit; these are merged.
  ///
  /// - Throws: `FileError` when the temporary files cannot be written, or there are more n-grams than can be numbered.
  init(
    _ text: some Spool, order: Int, vocabularySize: Int, numbers: [UInt32]?, limit: CountingLimit
  ) throws {
    var runs: [SortedRun] = []
    try text.forEachPart(
      of: limit.sortingSize(vocabularySize: vocabularySize), order: order, vocabularySize: vocabularySize,
      numbers: numbers
    ) { part in
      runs.append(try SortedRun(part, order: order, in: limit.folder))
      if runs.count == CountingLimit.maximumRuns {
        runs = [try SortedRun(merging: runs, order: order, limit: limit)]
      }
    }
    try self.init(runs, order: order, vocabularySize: vocabularySize, limit: limit)
  }

  /// The sums of `runs`.
  private init(_ runs: [SortedRun], order: Int, vocabularySize: Int, limit: CountingLimit) throws {
    var merger = try RunMerger(
      runs, order: order, blockSize: limit.blockSize(streams: runs.count + 3 * order))
    var builder = try StoredCountsBuilder(order: order, vocabularySize: vocabularySize, limit: limit)
    while try merger.next() { try builder.add(merger.ngram, count: merger.count) }
    levels = try builder.finish()
    self.vocabularySize = vocabularySize
    self.limit = limit
  }

  /// A walk through counts in files.
  struct Walk: CountWalk {
    private var words: [StoredArrayReader<UInt32>]
    private var counts: [StoredArrayReader<UInt32>]
    private var childCounts: [StoredArrayReader<UInt32>]

    /// A walk from the beginning, or from the n-grams that begin with `<s>`.
    init(_ stored: StoredCounts, fromSentenceStart: Bool = false) {
      let blockSize = stored.limit.blockSize(streams: 6 * stored.order)
      func readers(_ array: (Level) -> StoredArray<UInt32>) -> [StoredArrayReader<UInt32>] {
        stored.levels.map { level in
          StoredArrayReader(
            array(level), from: min(array(level).count, fromSentenceStart ? level.sentenceStart : 0),
            blockSize: blockSize)
        }
      }
      words = readers(\.words)
      counts = readers(\.counts)
      childCounts = readers(\.childCounts)
    }

    mutating func next(level k: Int) throws -> (word: Int, count: UInt32, children: Int) {
      let children = k < words.count ? Int(try childCounts[k - 1].next()) : 0
      return (Int(try words[k - 1].next()), try counts[k - 1].next(), children)
    }
  }
}

/// Takes sorted n-grams apart into levels.
private struct StoredCountsBuilder {
  private struct Level {
    var words: StoredArrayWriter<UInt32>
    var counts: StoredArrayWriter<UInt32>
    var childCounts: StoredArrayWriter<UInt32>
    var sentenceStart: Int?
    /// Of the n-gram that is not closed yet.
    var count: UInt32 = 0
    var children: UInt32 = 0
  }

  private let vocabularySize: Int
  private let limit: CountingLimit
  private var levels: [Level]
  /// The n-gram that was added last.
  private var path: [UInt32] = []
  /// The word that stands next in level 1, which holds all of the vocabulary.
  private var nextWord = 0

  init(order: Int, vocabularySize: Int, limit: CountingLimit) throws {
    self.vocabularySize = vocabularySize
    self.limit = limit
    let blockSize = limit.blockSize(streams: 2 * CountingLimit.maximumRuns + 3 * order)
    levels = try (0..<order).map { _ in
      Level(
        words: try StoredArrayWriter(in: limit.folder, blockSize: blockSize),
        counts: try StoredArrayWriter(in: limit.folder, blockSize: blockSize),
        childCounts: try StoredArrayWriter(in: limit.folder, blockSize: blockSize))
    }
  }

  /// Adds what occurs `count` times; it must stand behind what was added before.
  mutating func add(_ ngram: ArraySlice<UInt32>, count: UInt32) throws {
    var shared = 0
    while shared < min(path.count, ngram.count), path[shared] == ngram[ngram.startIndex + shared] {
      shared += 1
    }
    try close(downTo: shared)
    for k in shared..<ngram.count {
      let word = ngram[ngram.startIndex + k]
      path.append(word)
      if k == 0 {
        try addWords(upTo: Int(word))
        nextWord += 1
        if Int(word) == vocabularySize {
          for k in levels.indices { levels[k].sentenceStart = levels[k].words.count }
        }
      } else {
        levels[k - 1].children += 1
      }
      try levels[k].words.append(word)
    }
    for k in ngram.indices { levels[k - ngram.startIndex].count += count }
  }

  /// Words that the text does not have.
  private mutating func addWords(upTo end: Int) throws {
    while nextWord < end {
      try levels[0].words.append(UInt32(nextWord))
      try levels[0].counts.append(0)
      if levels.count > 1 { try levels[0].childCounts.append(0) }
      nextWord += 1
    }
  }

  /// Closes n-grams until the path has `length` words.
  private mutating func close(downTo length: Int) throws {
    while path.count > length {
      path.removeLast()
      try levels[path.count].counts.append(levels[path.count].count)
      if path.count + 1 < levels.count {
        try levels[path.count].childCounts.append(levels[path.count].children)
      }
      (levels[path.count].count, levels[path.count].children) = (0, 0)
    }
  }

  mutating func finish() throws -> [StoredCounts.Level] {
    try close(downTo: 0)
    try addWords(upTo: vocabularySize + 1)
    let nodes = levels.reduce(0) { $0 + $1.words.count }
    guard nodes < UInt32.max else {
      throw FileError(
        path: "the text",
        reason: "has \(nodes) different n-grams, and lmctl can number 4,294,967,294; lower --order")
    }
    let order = (levels.lastIndex { $0.words.count > 0 } ?? 0) + 1
    var result: [StoredCounts.Level] = []
    for k in 0..<order {
      let words = try levels[k].words.finish()
      result.append(
        StoredCounts.Level(
          words: words, counts: try levels[k].counts.finish(),
          childCounts: try levels[k].childCounts.finish(),
          sentenceStart: levels[k].sentenceStart ?? (k == 0 ? vocabularySize : words.count)))
    }
    return result
  }
}
