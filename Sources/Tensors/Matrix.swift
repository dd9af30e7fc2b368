import Kernels

/// A view of row-major floats that somebody else owns: `rows` rows of `columns` floats, `stride` apart.
public struct MatrixView {
  /// The first element.
  public let pointer: UnsafeMutablePointer<Float>
  public let rows: Int
  public let columns: Int
  /// The distance in memory from a row to the next, at least `columns`.
  public let stride: Int

  public init(_ pointer: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
    precondition(rows >= 0 && columns >= 0, "the sizes of a matrix must not be negative")
    precondition(stride ?? columns >= columns, "the stride must not be less than the columns")
    (self.pointer, self.rows, self.columns) = (pointer, rows, columns)
    self.stride = stride ?? columns
  }

  /// The first element of a row.
  @inlinable public func row(_ row: Int) -> UnsafeMutablePointer<Float> {
    assert(row >= 0 && row < rows, "row out of range")
    return pointer + row * stride
  }

  @inlinable public subscript(row: Int, column: Int) -> Float {
    get { self.row(row)[column] }
    nonmutating set { self.row(row)[column] = newValue }
  }

  /// Some neighbouring rows.
  public func rows(_ range: Range<Int>) -> MatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows out of range")
    return MatrixView(
      pointer + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// Some neighbouring columns.
  public func columns(_ range: Range<Int>) -> MatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns out of range")
    return MatrixView(pointer + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// Overwrites every element.
  public func fill(_ value: Float) {
    for row in 0..<rows { self.row(row).update(repeating: value, count: columns) }
  }

  /// Overwrites every element with that of a matrix of the same size.
  public func copy(from other: MatrixView) {
    precondition(rows == other.rows && columns == other.columns, "the sizes of the matrices differ")
    for row in 0..<rows { self.row(row).update(from: other.row(row), count: columns) }
  }
}

/// A matrix that owns its floats, which begin at a multiple of 64 bytes; zero at first.
public final class Matrix {
  public let view: MatrixView
  private let buffer: AlignedBuffer

  public init(rows: Int, columns: Int) {
    buffer = AlignedBuffer(count: rows * columns)
    view = MatrixView(buffer.pointer, rows: rows, columns: columns)
  }

  public subscript(row: Int, column: Int) -> Float {
    get { view[row, column] }
    set { view[row, column] = newValue }
  }
}
