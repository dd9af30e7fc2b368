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

    /// How many there are.
    public var count: Int {
      switch self {
      case .float32(let values): values.count
      case .uint32(let values): values.count
      case .uint8(let values): values.count
      }
    }

    /// Calls `body` with the elements' bytes.
    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
      switch self {
      case .float32(let values): try values.withUnsafeBytes(body)
      case .uint32(let values): try values.withUnsafeBytes(body)
      case .uint8(let values): try values.withUnsafeBytes(body)
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
    }
  }

  /// Bytes of its elements.
  public var byteCount: Int { dataType.size * elements.count }
}
