import Kernels

/// A view of a matrix in panels (see `Factor`) that somebody else owns: for matrices that are too wide to walk down a column of, and
/// only met by products and row by row.
public struct PanelMatrix {
  /// The first element.
  public let pointer: UnsafeMutablePointer<Float>
  public let rows: Int
  public let columns: Int
  /// The columns of a panel.
  public let panelWidth: Int
  /// The distance in memory from a panel to the next.
  public let panelStride: Int

  /// The matrix at the beginning of `buffer`, which grows if it has to.
  public init(_ buffer: AlignedBuffer, rows: Int, columns: Int, kernels: KernelTable) {
    precondition(rows >= 0 && columns >= 0, "the sizes of a matrix must not be negative")
    (self.rows, self.columns, panelWidth) = (rows, columns, kernels.panelWidth)
    // An odd number of rows keeps the panels of a row in different sets of a cache.
    panelStride = (rows | 1) * panelWidth
    buffer.reserve(kernels.panels(columns: columns) * panelStride)
    pointer = buffer.pointer
  }

  /// Where a row begins in the first panel.
  public func row(_ row: Int) -> UnsafeMutablePointer<Float> {
    assert(row >= 0 && row < rows, "row out of range")
    return pointer + row * panelWidth
  }

  /// The columns of a panel as a matrix.
  public func panel(_ index: Int) -> MatrixView {
    MatrixView(
      pointer + index * panelStride, rows: rows, columns: min(panelWidth, columns - index * panelWidth),
      stride: panelWidth)
  }

  /// How many panels there are.
  public var panelCount: Int { (columns + panelWidth - 1) / panelWidth }
}
