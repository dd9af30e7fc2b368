import Threads

/// Measures what the processor can do and what the kernels make of it.
public struct SpeedProbe {
  public let kernels: KernelTable
  public let pool: ThreadPool

  public init(kernels: KernelTable, pool: ThreadPool) { (self.kernels, self.pool) = (kernels, pool) }

  /// The speed of multiply-adds in registers on all threads of the pool, in GFLOP/s: the best of several short runs.
  public func peak(seconds: Double = 0.2) -> Double {
    // As many as take about a millisecond: an emulated processor is a thousand times slower.
    var iterations = 1000
    while Self.time({ _ = kernels.multiplyAddChains(iterations, 0.5) }) < 0.001 {
      iterations *= 2
    }
    let results = AlignedBuffer(count: pool.threadCount * 16)
    let operations = Double(pool.threadCount * iterations * kernels.peakOperations)
    return Self.rate(operations, seconds: seconds) {
      pool.run { results.pointer[$0 * 16] = kernels.multiplyAddChains(iterations, 0.5) }
    }
  }

  /// The speed of multiply-adds whose operands come from the first-level cache, on all threads of the pool, in GFLOP/s: a register tile
  /// of a product, each of whose steps loads two vectors of B and broadcasts a number of A for every row. No product is faster.
  public func peakWithLoads(seconds: Double = 0.2) -> Double {
    let (rows, columns) = (kernels.tileRows, kernels.panelWidth)
    // A and B take three quarters of the smallest first-level caches, of 32 KB.
    let depth = 6 * 1024 / (rows + columns)
    let repetitions = 1000
    let operands = (0..<pool.threadCount).map { _ in
      (a: Self.filled(rows * depth), b: Self.filled(depth * columns), c: Self.filled(rows * columns))
    }
    let operations = 2 * Double(rows * depth * columns * repetitions * pool.threadCount)
    return Self.rate(operations, seconds: seconds) {
      pool.run { thread in
        let (a, b, c) = operands[thread]
        var product = PanelProduct(
          rows: rows, depth: depth, columns: columns, a: a.pointer, aRowStride: 0, b: b.pointer, initial: nil,
          initialStride: 0, c: c.pointer, cStride: columns)
        product.aDepth = depth
        for _ in 0..<repetitions { kernels.multiplyPanel(product) }
      }
    }
  }

  /// The speed of C[M × N] = op(A)[M × K] · op(B)[K × N] on all threads of the pool, in GFLOP/s.
  public func product(
    m: Int, n: Int, k: Int, aTransposed: Bool = false, bTransposed: Bool = false, accumulate: Bool = false,
    seconds: Double = 0.3
  ) -> Double {
    let (a, b, c) = (Self.filled(m * k), Self.filled(k * n), Self.filled(m * n))
    let multiplier = MatrixMultiplier(kernels: kernels, pool: pool)
    return Self.rate(2 * Double(m) * Double(n) * Double(k), seconds: seconds) {
      multiplier.multiply(
        m: m, n: n, k: k, Factor(a.pointer, stride: aTransposed ? m : k, isTransposed: aTransposed),
        Factor(b.pointer, stride: bTransposed ? k : n, isTransposed: bTransposed),
        start: accumulate ? .accumulate : .zero, into: ProductTarget(c.pointer, stride: n))
    }
  }

  /// The speed of a recurrent step's product C[M × N] += A[M × K] · B[K × N] with packed B and a barrier after each, in
  /// GFLOP/s.
  public func recurrentStep(m: Int, n: Int, k: Int, seconds: Double = 0.3) -> Double {
    let (a, b, c) = (Self.filled(m * k), Self.filled(k * n), Self.filled(m * n))
    let packed = AlignedBuffer(count: kernels.packedCount(k: k, n: n))
    let panels = kernels.panels(columns: n)
    kernels.packPanels(Factor(b.pointer, stride: n), k: k, n: n, panels: 0..<panels, into: packed.pointer)
    let steps = 20
    return Self.rate(2 * Double(m) * Double(n) * Double(k * steps), seconds: seconds) {
      pool.run { thread in
        for step in 0..<steps {
          kernels.multiplyPacked(
            m: m, n: n, k: k, a.pointer, stride: k, packed: packed.pointer,
            panels: pool.share(panels, of: thread), start: .accumulate, descending: step % 2 == 1,
            into: c.pointer, stride: n)
          pool.barrier()
        }
      }
    }
  }

  /// The time of one barrier of all threads, in nanoseconds.
  public func barrier(seconds: Double = 0.1) -> Double {
    let count = 10_000
    return 1
      / Self.rate(Double(count), seconds: seconds) {
        pool.run { _ in for _ in 0..<count { pool.barrier() } }
      }
  }

  /// Billions of operations a second in the fastest run of `body`, which does `operations` of them.
  private static func rate(_ operations: Double, seconds: Double, _ body: () -> Void) -> Double {
    let watch = Stopwatch()
    body()
    var best = Double.infinity
    repeat { best = min(best, time(body)) } while watch.seconds < seconds
    return operations / best / 1e9
  }

  /// Seconds that `body` takes.
  private static func time(_ body: () -> Void) -> Double {
    let watch = Stopwatch()
    body()
    return watch.seconds
  }

  /// Small numbers of both signs.
  private static func filled(_ count: Int) -> AlignedBuffer {
    let buffer = AlignedBuffer(count: count)
    for i in 0..<count { buffer.pointer[i] = Float(i &* 7919 % 1000) / 1000 - 0.5 }
    return buffer
  }
}
