import Kernels

/// The right factor of many products with few rows, packed once into panels of neighbouring columns: the weights of a
/// recurrent step.
///
/// Inside `ThreadPool.run` each thread packs, and then multiplies, the panels that `panels(of:)` gives it. Which
/// columns those are follows from `columns(of:)`.
public final class PackedMatrix {
  /// K and N.
  public let rows, columns: Int
  public let kernels: KernelTable
  private let buffer: AlignedBuffer

  /// Room for a matrix of `rows` × `columns`.
  public init(rows: Int, columns: Int, kernels: KernelTable) {
    (self.rows, self.columns, self.kernels) = (rows, columns, kernels)
    buffer = AlignedBuffer(count: kernels.packedCount(k: rows, n: columns))
  }

  /// The number of panels, each `kernels.panelWidth` columns.
  public var panelCount: Int { kernels.panels(columns: columns) }

  /// The columns of some panels.
  public func columns(of panels: Range<Int>) -> Range<Int> {
    min(
      panels.lowerBound * kernels.panelWidth, columns)..<min(panels.upperBound * kernels.panelWidth, columns)
  }

  /// Packs some panels, nil for all, of B[K × N], or of B[N × K]ᵀ if `transposed`, on the calling thread.
  public func pack(_ b: MatrixView, transposed: Bool = false, panels: Range<Int>? = nil) {
    let (k, n) = transposed ? (b.columns, b.rows) : (b.rows, b.columns)
    precondition(k == rows, "the rows of the matrix are not those of the packed one")
    let panels = panels ?? 0..<panelCount
    precondition(panels.lowerBound >= 0 && panels.upperBound <= panelCount, "panels out of range")
    precondition(n == columns, "the columns of the matrix are not those of the packed one")
    kernels.packPanels(
      Factor(b, isTransposed: transposed), k: k, n: n, panels: panels, into: buffer.pointer)
  }

  /// C[M × panels] (=|+=) A[M × K] · B[K × panels], or = 1 · biasᵀ + A · B, on the calling thread; the other columns of
  /// C[M × N] are not touched.
  ///
  /// - Parameters:
  ///   - panels: nil for all.
  ///   - bias: N floats, in the order of the packed columns.
  ///   - descending: takes the last panel first. Steps that alternate the direction find the end of weights that are
  ///     larger than the cache still there; the bits are the same.
  public func multiply(
    _ a: MatrixView, panels: Range<Int>? = nil, into c: MatrixView, accumulate: Bool = false,
    bias: UnsafePointer<Float>? = nil, descending: Bool = false
  ) {
    precondition(a.columns == rows && c.columns == columns && a.rows == c.rows, "the sizes do not match")
    precondition(!accumulate || bias == nil, "a product is added to C or to a bias, not to both")
    let panels = panels ?? 0..<panelCount
    precondition(panels.lowerBound >= 0 && panels.upperBound <= panelCount, "panels out of range")
    kernels.multiplyPacked(
      m: a.rows, n: columns, k: rows, a.pointer, stride: a.stride, packed: buffer.pointer, panels: panels,
      start: accumulate ? .accumulate : bias.map { .bias($0) } ?? .zero, descending: descending,
      into: c.pointer, stride: c.stride)
  }
}
