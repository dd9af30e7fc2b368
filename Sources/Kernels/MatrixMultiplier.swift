import Threads

/// Products of large matrices on all threads of a pool: C[M × N] (=|+=) op(A)[M × K] · op(B)[K × N].
///
/// Every element is one chain of multiply-adds in the order of k, so its bits are the same for any number of threads.
/// It owns the buffers that the factors are packed into and serves one caller at a time.
public final class MatrixMultiplier {
  public let kernels: KernelTable
  public let pool: ThreadPool

  /// The packed block of the factor that all threads share.
  private let shared = AlignedBuffer()
  /// Each thread's packed block of the other factor.
  private let own: [AlignedBuffer]

  public init(kernels: KernelTable, pool: ThreadPool) {
    self.kernels = kernels
    self.pool = pool
    own = (0..<pool.threadCount).map { _ in AlignedBuffer() }
  }

  /// C[M × N] = start + op(A)[M × K] · op(B)[K × N]; C must not overlap A or B. B in panels must not be transposed.
  public func multiply(
    m: Int, n: Int, k: Int, _ a: Factor, _ b: Factor, start: ProductStart, into c: ProductTarget
  ) {
    precondition(m >= 0 && n >= 0 && k >= 0, "the sizes of a product must not be negative")
    precondition(b.panelStride == nil || !b.isTransposed, "a matrix in panels cannot be the transposed B")
    if m == 0 || n == 0 { return }
    let threads = m * n * k < 50_000 ? 1 : pool.threadCount
    let product = BlockedProduct(
      kernels: kernels, m: m, n: n, k: k, a: a, b: b, start: start, c: c, threads: threads)
    shared.reserve(product.sharedCount)
    for thread in 0..<threads { own[thread].reserve(product.ownCount) }
    if threads == 1 {
      product.run(thread: 0, shared: shared.pointer, own: own[0].pointer) {}
    } else {
      pool.run { thread in
        product.run(thread: thread, shared: shared.pointer, own: own[thread].pointer) { pool.barrier() }
      }
    }
  }
}
