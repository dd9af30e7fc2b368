/// One factor of a product as it lies in memory: row-major, or in panels.
///
/// A matrix [R × N] in panels is cut into panels of `panelWidth` neighbouring columns, one after the other, each row-major:
/// element (r, n) is at `n / panelWidth * panelStride + r * panelWidth + n % panelWidth`. What a product does with it then lies in
/// one piece, however many columns there are.
public struct Factor {
  /// The first element.
  public var pointer: UnsafePointer<Float>
  /// The distance in memory from a row to the next.
  public var stride: Int
  /// Whether the product takes the transpose of what lies in memory.
  public var isTransposed: Bool
  /// The distance from a panel to the next; nil for a row-major matrix.
  public var panelStride: Int?

  /// A row-major matrix.
  public init(_ pointer: UnsafePointer<Float>, stride: Int, isTransposed: Bool = false) {
    (self.pointer, self.stride, self.isTransposed) = (pointer, stride, isTransposed)
  }

  /// A matrix in panels of `panelWidth` columns.
  public init(
    panels pointer: UnsafePointer<Float>, panelWidth: Int, panelStride: Int, isTransposed: Bool = false
  ) {
    (self.pointer, stride, self.isTransposed) = (pointer, panelWidth, isTransposed)
    self.panelStride = panelStride
  }

  var rowStride: Int { isTransposed ? 1 : stride }
  var columnStride: Int { isTransposed ? stride : 1 }
}

/// Where a product goes: a row-major matrix, or one in panels (see `Factor`).
public struct ProductTarget {
  /// The first element.
  public var pointer: UnsafeMutablePointer<Float>
  /// The distance in memory from a row to the next: the panel's width, if there are panels.
  public var stride: Int
  /// The distance from a panel to the next; nil for a row-major matrix.
  public var panelStride: Int?

  public init(_ pointer: UnsafeMutablePointer<Float>, stride: Int, panelStride: Int? = nil) {
    (self.pointer, self.stride, self.panelStride) = (pointer, stride, panelStride)
  }
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
