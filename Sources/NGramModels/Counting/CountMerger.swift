import LanguageModels

/// Adds up sorted counts from several sources as they stream by, each as often as is said: a mixture of counts.
///
/// Memory: a block of each source.
struct CountMerger {
  private let readers: [CountLineReader]
  /// How often the counts of each source are taken.
  private let times: [Int]
  /// The next line of each source that has one.
  private var heads = MergeHeap<(line: CountLine, source: Int)>()
  private var ngram: [UInt8] = []
  /// Of each source.
  private var extents: [Extent]
  /// The text rules of all of them; `nil` if they do not say.
  let rules: Tokenizer?

  /// How long the n-grams of a source are.
  private struct Extent {
    /// Words of the longest.
    var longest = 0
    /// Whether one of these does not end a sentence, so that only the order can have ended it.
    var isCut = false

    mutating func add(_ ngram: UnsafeRawBufferPointer) {
      let words = ngram.reduce(1) { $0 + ($1 == 0x20 ? 1 : 0) }
      guard words >= longest else { return }
      if words > longest { (longest, isCut) = (words, false) }
      if !isCut { isCut = !ngram.suffix(4).elementsEqual("</s>".utf8) }
    }
  }

  init(_ sources: [ByteSource], times: [Int]) throws {
    self.times = times
    extents = sources.map { _ in Extent() }
    readers = sources.map { CountLineReader($0) }
    var counted: [CountLineReader] = []
    for (source, reader) in readers.enumerated() {
      if let line = try reader.next() {
        heads.insert((line, source), by: Self.precedes)
        counted.append(reader)
      }
    }
    rules = counted.first?.rules
    if let first = counted.first, let other = counted.first(where: { $0.rules != first.rules }) {
      func text(_ reader: CountLineReader) -> String { reader.rules?.json.text ?? "plain words" }
      throw FileError(
        path: other.name,
        reason: "was counted by other text rules (\(text(other))) than \(first.name) (\(text(first))); "
          + "counts of different tokens do not add up")
    }
  }

  /// Calls `body` with each n-gram, in order, and the sum of its counts.
  ///
  /// - Throws: `TextError` where a sum is too large to be read again; at the end `FileError` where sources were counted up to different
  ///   orders.
  mutating func forEach(_ body: (UnsafeRawBufferPointer, UInt64) throws -> Void) throws {
    while let first = heads.first {
      ngram.removeAll(keepingCapacity: true)
      ngram.append(contentsOf: first.line.ngram)
      var sum: UInt64 = 0
      while let head = heads.first, head.line.ngram.elementsEqual(ngram) {
        extents[head.source].add(head.line.ngram)
        let (product, isTooLarge) = head.line.count.multipliedReportingOverflow(
          by: UInt64(times[head.source]))
        let (total, overflows) = sum.addingReportingOverflow(product)
        sum = total
        guard !isTooLarge, !overflows, sum < CountText.limit else {
          throw readers[head.source].problem(
            "the counts of this n-gram sum to \(CountText.limit) or more, which is more than a file of counts can hold"
          )
        }
        let next = try readers[head.source].next()
        heads.replaceFirst(with: next.map { ($0, head.source) }, by: Self.precedes)
      }
      try ngram.withUnsafeBytes { try body($0, sum) }
    }
    try checkOrders()
  }

  private func checkOrders() throws {
    guard let most = extents.indices.max(by: { extents[$0].longest < extents[$1].longest }) else { return }
    if let other = extents.indices.first(where: {
      extents[$0].isCut && extents[$0].longest < extents[most].longest
    }) {
      throw FileError(
        path: readers[other].name,
        reason: "was counted up to order \(extents[other].longest), and \(readers[most].name) up to "
          + "\(extents[most].longest); count both with the same --order")
    }
  }

  private static func precedes(_ a: (line: CountLine, source: Int), _ b: (line: CountLine, source: Int))
    -> Bool
  {
    CountText.precedes(a.line.ngram, b.line.ngram)
  }
}
