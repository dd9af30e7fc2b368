import Kernels

/// Products of matrices on all threads of a pool, in the three forms that a layer needs. C must not overlap A or B.
///
/// Every element of C is one chain of multiply-adds in the order of the inner dimension, so its bits do not depend on
/// the number of threads, nor on how a caller cuts the rows or columns of C, or the inner dimension, into chunks.
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

  private func multiply(
    _ c: MatrixView, _ k: Int, _ a: Factor, _ b: Factor, _ accumulate: Bool, _ bias: UnsafePointer<Float>?
  ) {
    precondition(!accumulate || bias == nil, "a product is added to C or to a bias, not to both")
    let start = accumulate ? ProductStart.accumulate : bias.map { .bias($0) } ?? .zero
    multiplier.multiply(m: c.rows, n: c.columns, k: k, a, b, start: start, into: c.pointer, stride: c.stride)
  }
}

extension Factor {
  init(_ matrix: MatrixView, isTransposed: Bool = false) {
    self.init(matrix.pointer, stride: matrix.stride, isTransposed: isTransposed)
  }
}
