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
  /// The text rules of all of them; `nil` if they do not say.
  let rules: Tokenizer?

  init(_ sources: [ByteSource], times: [Int]) throws {
    self.times = times
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
  /// - Throws: `TextError` where a sum is too large to be read again.
  mutating func forEach(_ body: (UnsafeRawBufferPointer, UInt64) throws -> Void) throws {
    while let first = heads.first {
      ngram.removeAll(keepingCapacity: true)
      ngram.append(contentsOf: first.line.ngram)
      var sum: UInt64 = 0
      while let head = heads.first, head.line.ngram.elementsEqual(ngram) {
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
  }

  private static func precedes(_ a: (line: CountLine, source: Int), _ b: (line: CountLine, source: Int))
    -> Bool
  {
    CountText.precedes(a.line.ngram, b.line.ngram)
  }
}
