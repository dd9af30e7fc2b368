/// One factor of a product as it lies in memory, row-major.
public struct Factor {
  /// The first element.
  public var pointer: UnsafePointer<Float>
  /// The distance in memory from a row to the next.
  public var stride: Int
  /// Whether the product takes the transpose of what lies in memory.
  public var isTransposed: Bool

  public init(_ pointer: UnsafePointer<Float>, stride: Int, isTransposed: Bool = false) {
    (self.pointer, self.stride, self.isTransposed) = (pointer, stride, isTransposed)
  }

  var rowStride: Int { isTransposed ? 1 : stride }
  var columnStride: Int { isTransposed ? stride : 1 }
}

/// What the sums of a product begin with.
public enum ProductStart {
  /// Zero: C is overwritten.
  case zero
  /// C itself: the product is added to it.
  case accumulate
  /// A row of N floats that is added to every row of the product: C is overwritten.
  case bias(UnsafePointer<Float>)

  /// The initial values, and their row stride, of the block of C at `c` whose first column is `column`.
  func initial(_ c: UnsafeMutablePointer<Float>, _ cStride: Int, column: Int) -> (UnsafePointer<Float>?, Int)
  {
    switch self {
    case .zero: (nil, 0)
    case .accumulate: (UnsafePointer(c), cStride)
    case .bias(let bias): (bias + column, 0)
    }
  }
}

/// The `index`-th of `parts` nearly equal runs of 0..<count.
@inline(__always)
func part(_ index: Int, of parts: Int, _ count: Int) -> Range<Int> {
  count * index / parts..<count * (index + 1) / parts
}

/// How many blocks of at most `limit` cover `count`, at least one.
@inline(__always)
func blocks(_ count: Int, limit: Int) -> Int { max(1, (count + limit - 1) / limit) }
