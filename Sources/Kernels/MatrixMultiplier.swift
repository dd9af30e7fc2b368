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

  /// C[M × N] = start + op(A)[M × K] · op(B)[K × N], row-major; C must not overlap A or B.
  public func multiply(
    m: Int, n: Int, k: Int, _ a: Factor, _ b: Factor, start: ProductStart,
    into c: UnsafeMutablePointer<Float>, stride cStride: Int
  ) {
    precondition(m >= 0 && n >= 0 && k >= 0, "the sizes of a product must not be negative")
    if m == 0 || n == 0 { return }
    let threads = m * n * k < 50_000 ? 1 : pool.threadCount
    let product = BlockedProduct(
      kernels: kernels, m: m, n: n, k: k, a: a, b: b, start: start, c: c, cStride: cStride, threads: threads)
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

/// One product and how it is cut into blocks.
///
/// For each block of K the threads pack one factor together; then each takes its share of the other factor, in blocks
/// that it packs for itself and that stay in its second-level cache. With enough columns each thread takes columns,
/// else rows.
struct BlockedProduct {
  let kernels: KernelTable
  let m: Int
  let n: Int
  let k: Int
  let a: Factor
  let b: Factor
  let start: ProductStart
  let c: UnsafeMutablePointer<Float>
  let cStride: Int
  let threads: Int

  private var panels: Int { kernels.panels(columns: n) }
  private var depthBlocks: Int { blocks(k, limit: BlockLimits.depth) }
  private var largestDepth: Int { (k + depthBlocks - 1) / depthBlocks }
  private var panelLimit: Int { BlockLimits.columns / kernels.panelWidth }

  /// Whether the threads split the columns; the alternative is the rows.
  private var splitsColumns: Bool {
    let tiles = blocks(m, limit: kernels.tileRows)
    return panels >= 8 * threads || balance(panels) >= balance(tiles)
  }

  /// The share of the time that threads are busy if they split `count` units.
  private func balance(_ count: Int) -> Double {
    Double(count) / Double(threads * ((count + threads - 1) / threads))
  }

  /// The floats of the shared buffer.
  var sharedCount: Int { largestDepth * (splitsColumns ? m : panels * kernels.panelWidth) }

  /// Whether A is read where it lies: rows of it that meet few panels are not worth packing.
  private var readsAInPlace: Bool { !splitsColumns && !a.isTransposed && panels <= 24 }

  /// The floats of each thread's own buffer.
  var ownCount: Int {
    largestDepth * (splitsColumns ? min(panels, panelLimit) * kernels.panelWidth : min(m, BlockLimits.rows))
  }

  /// The share of one thread.
  func run(
    thread: Int, shared: UnsafeMutablePointer<Float>, own: UnsafeMutablePointer<Float>, barrier: () -> Void
  ) {
    for block in 0..<depthBlocks {
      let steps = part(block, of: depthBlocks, k)
      if block > 0 { barrier() }
      if splitsColumns {
        packRowBlocks(steps, thread: thread, into: shared)
        barrier()
        multiplyColumns(part(thread, of: threads, panels), steps, packedA: shared, own)
      } else {
        packPanels(part(thread, of: threads, panels), steps, into: shared, first: 0)
        barrier()
        multiplyRows(part(thread, of: threads, m), steps, own, packedB: shared)
      }
    }
  }

  private func multiplyColumns(
    _ panels: Range<Int>, _ steps: Range<Int>, packedA: UnsafeMutablePointer<Float>,
    _ own: UnsafeMutablePointer<Float>
  ) {
    let columnBlocks = blocks(panels.count, limit: panelLimit)
    let rowBlocks = blocks(m, limit: BlockLimits.rows)
    for columnBlock in 0..<columnBlocks {
      let block = part(columnBlock, of: columnBlocks, panels.count)
      let first = panels.lowerBound + block.lowerBound
      packPanels(first..<first + block.count, steps, into: own, first: first)
      for rowBlock in 0..<rowBlocks {
        let rows = part(rowBlock, of: rowBlocks, m)
        for panel in 0..<block.count {
          multiply(
            rows, panel: first + panel, steps, packedA + rows.lowerBound * steps.count,
            own + panel * kernels.panelWidth * steps.count)
        }
      }
    }
  }

  private func multiplyRows(
    _ rows: Range<Int>, _ steps: Range<Int>, _ own: UnsafeMutablePointer<Float>,
    packedB: UnsafeMutablePointer<Float>
  ) {
    let rowBlocks = blocks(rows.count, limit: BlockLimits.rows)
    for rowBlock in 0..<rowBlocks {
      let block = part(rowBlock, of: rowBlocks, rows.count)
      let first = rows.lowerBound + block.lowerBound
      let tiles = RowTiles(rows: block.count, tileRows: kernels.tileRows)
      for tile in 0..<(readsAInPlace ? 0 : tiles.count) {
        packTile(
          first + tiles.start(tile), tiles.rows(tile), steps, into: own + tiles.start(tile) * steps.count)
      }
      for panel in 0..<panels {
        multiply(
          first..<first + block.count, panel: panel, steps,
          readsAInPlace ? a.pointer + first * a.stride + steps.lowerBound : UnsafePointer(own),
          aRowStride: readsAInPlace ? a.stride : 0,
          packedB + panel * kernels.panelWidth * steps.count)
      }
    }
  }

  /// Packs a thread's share of all row tiles of A, in the blocks that `multiplyColumns` takes them in.
  private func packRowBlocks(_ steps: Range<Int>, thread: Int, into target: UnsafeMutablePointer<Float>) {
    let rowBlocks = blocks(m, limit: BlockLimits.rows)
    for rowBlock in 0..<rowBlocks {
      let rows = part(rowBlock, of: rowBlocks, m)
      let tiles = RowTiles(rows: rows.count, tileRows: kernels.tileRows)
      for tile in part(thread, of: threads, tiles.count) {
        let row = rows.lowerBound + tiles.start(tile)
        packTile(row, tiles.rows(tile), steps, into: target + row * steps.count)
      }
    }
  }

  private func packTile(
    _ row: Int, _ count: Int, _ steps: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) {
    kernels.pack(
      PackedPart(
        source: a.pointer + row * a.rowStride + steps.lowerBound * a.columnStride, stepStride: a.columnStride,
        laneStride: a.rowStride, depth: steps.count, count: count, width: count, gather: nil, target: target))
  }

  private func packPanels(
    _ panels: Range<Int>, _ steps: Range<Int>, into target: UnsafeMutablePointer<Float>, first: Int
  ) {
    var part = b
    part.pointer += steps.lowerBound * b.rowStride
    let origin = target - first * kernels.panelWidth * steps.count
    kernels.packPanels(part, k: steps.count, n: n, panels: panels, into: origin)
  }

  private func multiply(
    _ rows: Range<Int>, panel: Int, _ steps: Range<Int>, _ a: UnsafePointer<Float>, aRowStride: Int = 0,
    _ packedB: UnsafePointer<Float>
  ) {
    let column = panel * kernels.panelWidth
    let target = c + rows.lowerBound * cStride + column
    let isFirst = steps.lowerBound == 0
    let (initial, initialStride) = (isFirst ? start : .accumulate).initial(target, cStride, column: column)
    kernels.multiplyPanel(
      PanelProduct(
        rows: rows.count, depth: steps.count, columns: min(kernels.panelWidth, n - column), a: a,
        aRowStride: aRowStride, b: packedB, initial: initial, initialStride: initialStride, c: target,
        cStride: cStride))
  }
}
