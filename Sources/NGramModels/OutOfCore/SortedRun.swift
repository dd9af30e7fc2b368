import LanguageModels

/// Sorted n-grams with their counts in a temporary file, none of which is the beginning of another.
///
/// Each stands there as a number that tells how many words it shares with the one before (8 bits), how many it has (8 bits)
/// and its count (16 bits; if these are all ones, the count is the next number), and the words that it does not share.
struct SortedRun {
  fileprivate let records: StoredArray<UInt32>

  /// A count that does not fit into a record's first number.
  fileprivate static let escape: UInt32 = 0xFFFF

  /// Sorts the n-grams of up to `order` words that begin in `text`.
  init(_ text: PaddedText, order: Int, in folder: String) throws {
    let sorted = SortedPositions(text, order: order)
    var writer = try SortedRunWriter(in: folder)
    try text.words.withUnsafeBufferPointer { words in
      var (shared, length, count) = (0, 0, UInt32(0))
      var ngram = words[..<0]
      func close() throws {
        if count > 0 { try writer.append(ngram, shared: shared, count: count) }
      }
      for (i, position) in sorted.positions.enumerated() {
        let position = Int(position)
        let weight = text.isWeighted ? words[position - 1] : 1
        // Neighbours that share all of their words are the same n-gram.
        if count > 0, Int(sorted.shared[i]) == length, Int(sorted.lengths[i]) == length {
          count += weight
          continue
        }
        try close()
        (shared, length, count) = (Int(sorted.shared[i]), Int(sorted.lengths[i]), weight)
        ngram = words[position..<position + length]
      }
      try close()
    }
    records = try writer.finish()
  }

  /// The sum of `runs`.
  init(merging runs: [SortedRun], order: Int, limit: CountingLimit) throws {
    var writer = try SortedRunWriter(in: limit.folder)
    var merger = try RunMerger(runs, order: order, blockSize: limit.blockSize(streams: runs.count))
    var previous: [UInt32] = []
    while try merger.next() {
      let ngram = merger.ngram
      var shared = 0
      while shared < min(previous.count, ngram.count), previous[shared] == ngram[shared] { shared += 1 }
      try writer.append(ngram, shared: shared, count: merger.count)
      previous.removeAll(keepingCapacity: true)
      previous.append(contentsOf: ngram)
    }
    records = try writer.finish()
  }
}

/// Writes the n-grams of a `SortedRun`.
private struct SortedRunWriter {
  private var output: StoredArrayWriter<UInt32>

  init(in folder: String) throws { output = try StoredArrayWriter(in: folder) }

  mutating func append(_ ngram: some RandomAccessCollection<UInt32>, shared: Int, count: UInt32) throws {
    try output.append(
      UInt32(shared) | UInt32(ngram.count) << 8 | min(count, SortedRun.escape) << 16)
    if count >= SortedRun.escape { try output.append(count) }
    for word in ngram.dropFirst(shared) { try output.append(word) }
  }

  mutating func finish() throws -> StoredArray<UInt32> { try output.finish() }
}

/// Adds up sorted runs as they stream by.
struct RunMerger {
  private let order: Int
  private var readers: [StoredArrayReader<UInt32>]
  /// The next n-gram of each run, `order` words with zeros behind its end; a word is its number and one.
  private let heads: Block<UInt32>
  /// How many words it has, and how often it occurs.
  private var lengths: [Int]
  private var counts: [UInt32]
  /// Runs by their next n-grams, with the first two words of these.
  private var heap = MergeHeap<(key: UInt64, run: Int)>()
  /// The n-gram that `next` found, and room behind it.
  private var words: [UInt32]
  private var length = 0

  /// The count of the n-gram that `next` found.
  private(set) var count: UInt32 = 0
  /// The words of the n-gram that `next` found.
  var ngram: ArraySlice<UInt32> { words[..<length] }

  init(_ runs: [SortedRun], order: Int, blockSize: Int) throws {
    self.order = order
    readers = runs.map { StoredArrayReader($0.records, blockSize: blockSize) }
    heads = Block(bytes: runs.count * order * MemoryLayout<UInt32>.stride)
    heads.elements.initialize(repeating: 0)
    lengths = [Int](repeating: 0, count: runs.count)
    counts = [UInt32](repeating: 0, count: runs.count)
    words = [UInt32](repeating: 0, count: order)
    for run in runs.indices where try advance(run) { heap.insert((key(run), run), by: precedes) }
  }

  /// Finds the next n-gram and the sum of its counts; false at the end.
  mutating func next() throws -> Bool {
    guard let first = heap.first else { return false }
    length = lengths[first.run]
    for i in 0..<length { words[i] = heads.elements[first.run * order + i] - 1 }
    count = 0
    while let next = heap.first, isCurrent(next.run) {
      count += counts[next.run]
      heap.replaceFirst(with: try advance(next.run) ? (key(next.run), next.run) : nil, by: precedes)
    }
    return true
  }

  /// Whether the next n-gram of `run` is the one that was found.
  private func isCurrent(_ run: Int) -> Bool {
    guard lengths[run] == length else { return false }
    for i in 0..<length where heads.elements[run * order + i] != words[i] + 1 { return false }
    return true
  }

  /// Reads the next n-gram of `run`; false at its end.
  private mutating func advance(_ run: Int) throws -> Bool {
    guard !readers[run].isAtEnd else { return false }
    let record = try readers[run].next()
    let (shared, length) = (Int(record & 0xFF), Int(record >> 8 & 0xFF))
    counts[run] = record >> 16 == SortedRun.escape ? try readers[run].next() : record >> 16
    for i in shared..<length { heads.elements[run * order + i] = try readers[run].next() + 1 }
    for i in length..<max(length, lengths[run]) { heads.elements[run * order + i] = 0 }
    lengths[run] = length
    return true
  }

  private func key(_ run: Int) -> UInt64 {
    UInt64(heads.elements[run * order]) << 32 | (order > 1 ? UInt64(heads.elements[run * order + 1]) : 0)
  }

  /// Whether run `a` has a lesser n-gram next than run `b`.
  private var precedes: ((key: UInt64, run: Int), (key: UInt64, run: Int)) -> Bool {
    let (heads, order) = (heads, order)
    return { a, b in
      if a.key != b.key { return a.key < b.key }
      for i in 0..<order where heads.elements[a.run * order + i] != heads.elements[b.run * order + i] {
        return heads.elements[a.run * order + i] < heads.elements[b.run * order + i]
      }
      return false
    }
  }
}
