import Kernels
import Threads

/// Products of matrices on all threads of a pool, in the three forms that a layer needs. C must not overlap A or B.
///
/// Every element of C is one chain of multiply-adds in the order of the inner dimension, so its bits do not depend on
/// the number of threads, nor on how a caller cuts the rows or columns of C, or the inner dimension, into pieces.
public final class MatrixProducts {
  public let kernels: KernelTable
  public let pool: ThreadPool
  private let multiplier: MatrixMultiplier

  public init(kernels: KernelTable, pool: ThreadPool) {
    (self.kernels, self.pool) = (kernels, pool)
    multiplier = MatrixMultiplier(kernels: kernels, pool: pool)
  }

  /// C[M × N] (=|+=) A[M × K] · B[K × N], or = 1 · biasᵀ + A · B: a layer's output from its input and weights.
  public func multiply(
    _ a: MatrixView, _ b: MatrixView, into c: MatrixView, accumulate: Bool = false,
    bias: UnsafePointer<Float>? = nil
  ) {
    precondition(a.rows == c.rows && b.columns == c.columns && a.columns == b.rows, "the sizes do not match")
    multiply(c, a.columns, Factor(a), Factor(b), accumulate, bias)
  }

  /// C[M × N] (=|+=) A[M × K] · B[N × K]ᵀ: the gradient of a layer's input from that of its output.
  public func multiply(
    _ a: MatrixView, transposed b: MatrixView, into c: MatrixView, accumulate: Bool = false,
    bias: UnsafePointer<Float>? = nil
  ) {
    precondition(a.rows == c.rows && b.rows == c.columns && a.columns == b.columns, "the sizes do not match")
    multiply(c, a.columns, Factor(a), Factor(b, isTransposed: true), accumulate, bias)
  }

  /// C[M × N] (=|+=) A[K × M]ᵀ · B[K × N]: the gradient of a layer's weights.
  public func multiply(
    transposed a: MatrixView, _ b: MatrixView, into c: MatrixView, accumulate: Bool = false
  ) {
    precondition(a.columns == c.rows && b.columns == c.columns && a.rows == b.rows, "the sizes do not match")
    multiply(c, a.rows, Factor(a, isTransposed: true), Factor(b), accumulate, nil)
  }

  /// C[M × N] = 1 · biasᵀ + A[M × K] · B[K × N], or A · B[N × K]ᵀ if `transposed`, with C in panels.
  public func multiply(
    _ a: MatrixView, _ b: MatrixView, transposed: Bool, into c: PanelMatrix, bias: UnsafePointer<Float>
  ) {
    let (inner, columns) = transposed ? (b.columns, b.rows) : (b.rows, b.columns)
    precondition(a.rows == c.rows && columns == c.columns && a.columns == inner, "the sizes do not match")
    multiplier.multiply(
      m: c.rows, n: c.columns, k: inner, Factor(a), Factor(b, isTransposed: transposed), start: .bias(bias),
      into: ProductTarget(c.pointer, stride: c.panelWidth, panelStride: c.panelStride))
  }

  /// C[M × N] = A[M × K] · B[K × N], or A · B[N × K]ᵀ if `transposed`, with A in panels.
  public func multiply(_ a: PanelMatrix, _ b: MatrixView, transposed: Bool, into c: MatrixView) {
    let (inner, columns) = transposed ? (b.columns, b.rows) : (b.rows, b.columns)
    precondition(a.rows == c.rows && columns == c.columns && a.columns == inner, "the sizes do not match")
    multiply(c, inner, Factor(a), Factor(b, isTransposed: transposed), false, nil)
  }

  /// C[M × N] += A[K × M]ᵀ · B[K × N] with B in panels.
  public func addProduct(transposed a: MatrixView, _ b: PanelMatrix, to c: MatrixView) {
    precondition(a.columns == c.rows && b.columns == c.columns && a.rows == b.rows, "the sizes do not match")
    multiply(c, a.rows, Factor(a, isTransposed: true), Factor(b), true, nil)
  }

  /// C[M × N] += A[K × M]ᵀ · B[K × N] with A in panels.
  public func addProduct(transposed a: PanelMatrix, _ b: MatrixView, to c: MatrixView) {
    precondition(a.columns == c.rows && b.columns == c.columns && a.rows == b.rows, "the sizes do not match")
    multiply(c, a.rows, Factor(a, isTransposed: true), Factor(b), true, nil)
  }

  private func multiply(
    _ c: MatrixView, _ k: Int, _ a: Factor, _ b: Factor, _ accumulate: Bool, _ bias: UnsafePointer<Float>?
  ) {
    precondition(!accumulate || bias == nil, "a product is added to C or to a bias, not to both")
    let start = accumulate ? ProductStart.accumulate : bias.map { .bias($0) } ?? .zero
    multiplier.multiply(
      m: c.rows, n: c.columns, k: k, a, b, start: start,
      into: ProductTarget(c.pointer, stride: c.stride))
  }
}

extension Factor {
  init(_ matrix: MatrixView, isTransposed: Bool = false) {
    self.init(matrix.pointer, stride: matrix.stride, isTransposed: isTransposed)
  }
}

extension Factor {
  init(_ matrix: PanelMatrix, isTransposed: Bool = false) {
    self.init(
      panels: matrix.pointer, panelWidth: matrix.panelWidth, panelStride: matrix.panelStride,
      isTransposed: isTransposed)
  }
}
