/// A named array of numbers in a checkpoint.
public struct Tensor: Sendable {
  /// What it is called.
  public let name: String
  /// Its extents, outermost first; their product is the number of elements.
  public let shape: [Int]
  /// Its elements in row-major order.
  public let elements: Elements

  /// The elements by type.
  public enum Elements: Sendable {
    case float32([Float])
    case uint32([UInt32])
    case uint8([UInt8])
    /// So many elements of a type, in a temporary file.
    case stored(TemporaryFile, DataType, count: Int)

    /// How many there are.
    public var count: Int {
      switch self {
      case .float32(let values): values.count
      case .uint32(let values): values.count
      case .uint8(let values): values.count
      case .stored(_, _, let count): count
      }
    }

    /// Calls `body` with the elements' bytes, all at once if they are in memory, otherwise `blockSize` at a time.
    func forEachBlock(of blockSize: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
      switch self {
      case .float32(let values): try values.withUnsafeBytes(body)
      case .uint32(let values): try values.withUnsafeBytes(body)
      case .uint8(let values): try values.withUnsafeBytes(body)
      case .stored(let file, let type, let count):
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: blockSize, alignment: 16)
        defer { block.deallocate() }
        for start in stride(from: 0, to: count * type.size, by: blockSize) {
          let part = UnsafeMutableRawBufferPointer(
            rebasing: block[..<min(blockSize, count * type.size - start)])
          try file.read(at: start, into: part)
          try body(UnsafeRawBufferPointer(part))
        }
      }
    }
  }

  /// The types that a checkpoint can hold.
  public enum DataType: String, CaseIterable, Sendable {
    case float32
    case uint32
    case uint8

    /// Bytes of an element.
    public var size: Int { self == .uint8 ? 1 : 4 }
  }

  /// A tensor of floats.
  public init(_ name: String, shape: [Int]? = nil, _ values: [Float]) {
    self.init(name: name, shape: shape ?? [values.count], elements: .float32(values))
  }

  /// A tensor of whole numbers.
  public init(_ name: String, shape: [Int]? = nil, _ values: [UInt32]) {
    self.init(name: name, shape: shape ?? [values.count], elements: .uint32(values))
  }

  /// A tensor of bytes.
  public init(_ name: String, shape: [Int]? = nil, _ values: [UInt8]) {
    self.init(name: name, shape: shape ?? [values.count], elements: .uint8(values))
  }

  /// A tensor of `count` elements of a type, which a temporary file holds as they lie in memory.
  public init(_ name: String, _ file: TemporaryFile, _ type: DataType, count: Int) {
    self.init(name: name, shape: [count], elements: .stored(file, type, count: count))
  }

  init(name: String, shape: [Int], elements: Elements) {
    self.name = name
    self.shape = shape
    self.elements = elements
  }

  /// The type of its elements.
  public var dataType: DataType {
    switch elements {
    case .float32: .float32
    case .uint32: .uint32
    case .uint8: .uint8
    case .stored(_, let type, _): type
    }
  }

  /// Bytes of its elements.
  public var byteCount: Int { dataType.size * elements.count }
}
