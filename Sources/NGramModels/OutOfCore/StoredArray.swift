import LanguageModels

/// Numbers in a temporary file.
struct StoredArray<Element: BitwiseCopyable>: Sendable {
  /// The numbers one after the other, as they lie in memory.
  let file: TemporaryFile
  /// How many there are.
  let count: Int

  /// The first `count` of them.
  func prefix(_ count: Int) -> StoredArray { StoredArray(file: file, count: count) }

  /// The numbers with these indices.
  func read(_ range: Range<Int>) throws -> [Element] {
    try [Element](unsafeUninitializedCapacity: range.count) { buffer, initialized in
      try read(from: range.lowerBound, into: UnsafeMutableBufferPointer(rebasing: buffer[..<range.count]))
      initialized = range.count
    }
  }

  /// All of them.
  func read() throws -> [Element] { try read(0..<count) }

  /// Reads the numbers from index `start` on, as many as `buffer` holds.
  func read(from start: Int, into buffer: UnsafeMutableBufferPointer<Element>) throws {
    try file.read(at: start * MemoryLayout<Element>.stride, into: UnsafeMutableRawBufferPointer(buffer))
  }
}

/// Memory for the numbers that are on the way to a file, or from it.
final class Block<Element: BitwiseCopyable> {
  let elements: UnsafeMutableBufferPointer<Element>

  init(bytes: Int) { elements = .allocate(capacity: max(1, bytes / MemoryLayout<Element>.stride)) }

  deinit { elements.deallocate() }
}

/// Writes a `StoredArray` from front to back.
struct StoredArrayWriter<Element: BitwiseCopyable> {
  private let file: TemporaryFile
  private let block: Block<Element>
  private var used = 0
  private var written = 0

  /// How many numbers were written.
  var count: Int { written + used }

  init(in folder: String, blockSize: Int = 1 << 16) throws {
    file = try TemporaryFile(in: folder)
    block = Block(bytes: blockSize)
  }

  @inline(__always)
  mutating func append(_ element: Element) throws {
    if used == block.elements.count { try flush() }
    block.elements[used] = element
    used += 1
  }

  /// What was written; nothing may be added any more.
  mutating func finish() throws -> StoredArray<Element> {
    try flush()
    return StoredArray(file: file, count: written)
  }

  @inline(never)
  private mutating func flush() throws {
    try file.write(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: block.elements[..<used])))
    written += used
    used = 0
  }
}

/// Reads the numbers of a `StoredArray` one after the other.
struct StoredArrayReader<Element: BitwiseCopyable> {
  private let array: StoredArray<Element>
  private let block: Block<Element>
  private var place = 0
  private var filled = 0
  /// The index of what comes behind the block.
  private var position: Int

  /// A reader of the numbers from index `start` on.
  init(_ array: StoredArray<Element>, from start: Int = 0, blockSize: Int = 1 << 16) {
    self.array = array
    block = Block(bytes: blockSize)
    position = start
  }

  /// How many numbers the array has.
  var count: Int { array.count }

  /// Whether all have been read.
  var isAtEnd: Bool { place == filled && position == array.count }

  /// The next number; there must be one.
  @inline(__always)
  mutating func next() throws -> Element {
    if place == filled { try fill() }
    place += 1
    return block.elements[place - 1]
  }

  @inline(never)
  private mutating func fill() throws {
    filled = min(block.elements.count, array.count - position)
    precondition(filled > 0, "no number is left")
    try array.read(
      from: position, into: UnsafeMutableBufferPointer(rebasing: block.elements[..<filled]))
    position += filled
    place = 0
  }
}

/// Reads numbers of a `StoredArray` at several places by turns, each time near to what was read there before: it keeps a page for each
/// place.
struct PagedReader<Element: BitwiseCopyable> {
  private static var pageSize: Int { 2048 }

  private let array: StoredArray<Element>
  private let block: Block<Element>
  /// Which page of the array stands there for each place.
  private var pages: [Int]

  init(_ array: StoredArray<Element>, places: Int) {
    self.array = array
    block = Block(bytes: places * Self.pageSize * MemoryLayout<Element>.stride)
    pages = [Int](repeating: -1, count: places)
  }

  /// The number with this index, read at a place.
  subscript(index: Int, place: Int) -> Element {
    @inline(__always)
    mutating get throws {
      let page = index / Self.pageSize
      if pages[place] != page { try read(page, at: place) }
      return block.elements[place * Self.pageSize + index % Self.pageSize]
    }
  }

  @inline(never)
  private mutating func read(_ page: Int, at place: Int) throws {
    let start = page * Self.pageSize
    let room = block.elements[
      place * Self.pageSize..<place * Self.pageSize + min(Self.pageSize, array.count - start)]
    try array.read(from: start, into: UnsafeMutableBufferPointer(rebasing: room))
    pages[place] = page
  }
}
