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
