import LanguageModels

/// Adds up sorted counts from several sources as they stream by: a heap of the sources' next lines.
///
/// Memory: a block of each source.
struct CountMerger {
  private let readers: [CountLineReader]
  /// The next line of each source.
  private var heads: [CountLine?]
  /// Sources by their next lines: each stands before both of its children, 2i + 1 and 2i + 2.
  private var heap: [Int] = []
  private var ngram: [UInt8] = []

  init(_ sources: [ByteSource]) throws {
    readers = sources.map { CountLineReader($0) }
    heads = try readers.map { try $0.next() }
    for i in heads.indices where heads[i] != nil {
      heap.append(i)
      var place = heap.count - 1
      while place > 0, precedes(heap[place], heap[(place - 1) / 2]) {
        heap.swapAt(place, (place - 1) / 2)
        place = (place - 1) / 2
      }
    }
  }

  /// Calls `body` with each n-gram, in order, and the sum of its counts.
  mutating func forEach(_ body: (UnsafeRawBufferPointer, UInt64) throws -> Void) throws {
    while let first = heap.first, let head = heads[first] {
      ngram.removeAll(keepingCapacity: true)
      ngram.append(contentsOf: head.ngram)
      var sum: UInt64 = 0
      while let next = heap.first, let head = heads[next], head.ngram.elementsEqual(ngram) {
        sum += head.count
        heads[next] = try readers[next].next()
        if heads[next] == nil {
          heap[0] = heap[heap.count - 1]
          heap.removeLast()
        }
        sink()
      }
      try ngram.withUnsafeBytes { try body($0, sum) }
    }
  }

  /// Restores the heap after its first element has changed.
  private mutating func sink() {
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2]
      where child < heap.count && precedes(heap[child], heap[least]) {
        least = child
      }
      if least == place { return }
      heap.swapAt(place, least)
      place = least
    }
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    guard let left = heads[a], let right = heads[b] else { return false }
    return CountText.precedes(left.ngram, right.ngram)
  }
}

/// Writes lines of counts in blocks.
struct CountLineWriter {
  /// How many lines were written.
  private(set) var lines = 0
  private var output: [UInt8] = []
  private let write: (UnsafeRawBufferPointer) throws -> Void

  init(_ write: @escaping (UnsafeRawBufferPointer) throws -> Void) { self.write = write }

  mutating func append(_ ngram: some Collection<UInt8>, _ count: UInt64) throws {
    output.append(contentsOf: ngram)
    output.append(UInt8(ascii: "\t"))
    output.append(contentsOf: String(count).utf8)
    output.append(UInt8(ascii: "\n"))
    lines += 1
    if output.count > 1 << 18 { try flush() }
  }

  mutating func flush() throws {
    try output.withUnsafeBytes(write)
    output.removeAll(keepingCapacity: true)
  }
}
