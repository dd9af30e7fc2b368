/// One product and how it is cut into blocks.
///
/// With enough columns each thread takes columns, else rows. For each group of steps of K the threads pack one factor
/// together (A, if they split the columns); then each takes its share of the other factor, in blocks that it packs for itself and
/// that stay in its second-level cache. A panel of B meets a block of rows of A in blocks of K that stay in the first-level cache,
/// one after the other, while that part of C is there too. Factors that lie in panels are not packed where they can be read
/// as they are.
struct BlockedProduct {
  let kernels: KernelTable
  let m: Int
  let n: Int
  let k: Int
  let a: Factor
  let b: Factor
  let start: ProductStart
  let c: ProductTarget
  let threads: Int

  private var width: Int { kernels.panelWidth }
  private var panels: Int { kernels.panels(columns: n) }

  /// Whether the threads split the columns; the alternative is the rows.
  private var splitsColumns: Bool {
    let tiles = blocks(m, limit: kernels.tileRows)
    return panels >= 8 * threads || balance(panels) >= balance(tiles)
  }

  /// The share of the time that threads are busy if they split `count` units.
  private func balance(_ count: Int) -> Double {
    Double(count) / Double(threads * ((count + threads - 1) / threads))
  }

  // MARK: Blocks

  /// Steps of K come in units: blocks of A in panels begin with a panel.
  private var unit: Int { a.panelStride == nil ? 1 : width }
  private var groupLimit: Int { splitsColumns ? BlockLimits.group : BlockLimits.depth }
  private var groups: Int { blocks(k, limit: groupLimit) }
  private var largestGroup: Int { min(k, (blocks(k, limit: unit) + groups - 1) / groups * unit) }
  private var panelLimit: Int { max(4, BlockLimits.ownFloats / (width * max(1, largestGroup))) }

  /// The `index`-th of `count` nearly equal parts of some steps.
  private func steps(_ index: Int, of count: Int, _ range: Range<Int>) -> Range<Int> {
    let units = part(index, of: count, blocks(range.count, limit: unit))
    return min(
      range.upperBound, range.lowerBound + units.lowerBound * unit)..<min(
        range.upperBound, range.lowerBound + units.upperBound * unit)
  }

  /// The floats of the shared buffer.
  var sharedCount: Int {
    if splitsColumns { return largestGroup * m }
    return b.panelStride == nil ? largestGroup * panels * width : 0
  }

  /// The floats of each thread's own buffer.
  var ownCount: Int {
    if !splitsColumns { return largestGroup * min(m, BlockLimits.rows) }
    return b.panelStride == nil ? largestGroup * min(panels, panelLimit) * width : 0
  }

  /// Whether A is read where it lies: rows of it that meet few panels are not worth packing.
  private var readsAInPlace: Bool { !splitsColumns && !a.isTransposed && panels <= 24 }

  // MARK: Work

  /// The share of one thread.
  func run(
    thread: Int, shared: UnsafeMutablePointer<Float>, own: UnsafeMutablePointer<Float>, barrier: () -> Void
  ) {
    for index in 0..<groups {
      let group = steps(index, of: groups, 0..<k)
      if index > 0 { barrier() }
      if splitsColumns {
        packRowBlocks(group, thread: thread, into: shared)
        barrier()
        multiplyColumns(part(thread, of: threads, panels), group, packedA: shared, own)
      } else {
        if b.panelStride == nil {
          packPanels(part(thread, of: threads, panels), group, into: shared, first: 0)
        }
        barrier()
        multiplyRows(part(thread, of: threads, m), group, own, packedB: shared)
      }
    }
  }

  private func multiplyColumns(
    _ panels: Range<Int>, _ group: Range<Int>, packedA: UnsafeMutablePointer<Float>,
    _ own: UnsafeMutablePointer<Float>
  ) {
    let columnBlocks = blocks(panels.count, limit: panelLimit)
    let rowBlocks = blocks(m, limit: BlockLimits.rows)
    for columnBlock in 0..<columnBlocks {
      let block = part(columnBlock, of: columnBlocks, panels.count)
      let first = panels.lowerBound + block.lowerBound
      if b.panelStride == nil { packPanels(first..<first + block.count, group, into: own, first: first) }
      for rowBlock in 0..<rowBlocks {
        let rows = part(rowBlock, of: rowBlocks, m)
        for panel in first..<first + block.count {
          multiply(
            rows, panel: panel, group, packedA: packedA + rows.lowerBound * group.count,
            panelPointer(panel, group, packed: own, first: first))
        }
      }
    }
  }

  private func multiplyRows(
    _ rows: Range<Int>, _ group: Range<Int>, _ own: UnsafeMutablePointer<Float>,
    packedB: UnsafeMutablePointer<Float>
  ) {
    let rowBlocks = blocks(rows.count, limit: BlockLimits.rows)
    for rowBlock in 0..<rowBlocks {
      let block = part(rowBlock, of: rowBlocks, rows.count)
      let first = rows.lowerBound + block.lowerBound
      let tiles = RowTiles(rows: block.count, tileRows: kernels.tileRows)
      for tile in 0..<(readsAInPlace ? 0 : tiles.count) {
        packTile(
          first + tiles.start(tile), tiles.rows(tile), group, into: own + tiles.start(tile) * group.count)
      }
      for panel in 0..<panels {
        multiply(
          first..<first + block.count, panel: panel, group, packedA: readsAInPlace ? nil : own,
          panelPointer(panel, group, packed: packedB, first: 0))
      }
    }
  }

  /// One panel of B times some rows of A, over a group of steps: A as packed, or where it lies.
  private func multiply(
    _ rows: Range<Int>, panel: Int, _ group: Range<Int>, packedA: UnsafeMutablePointer<Float>?,
    _ packedB: UnsafePointer<Float>
  ) {
    let column = panel * width
    let target = c.pointer + panel * (c.panelStride ?? width) + rows.lowerBound * c.stride
    let depthBlocks = blocks(group.count, limit: BlockLimits.depth)
    for depthBlock in 0..<depthBlocks {
      let steps = steps(depthBlock, of: depthBlocks, group)
      let first = steps.lowerBound - group.lowerBound
      let isFirst = steps.lowerBound == 0
      let (initial, initialStride) = (isFirst ? start : .accumulate).initial(target, c.stride, column: column)
      var product = PanelProduct(
        rows: rows.count, depth: steps.count, columns: min(width, n - column), a: a.pointer, aRowStride: 0,
        b: packedB + first * width, initial: initial, initialStride: initialStride, c: target,
        cStride: c.stride)
      if let packedA {
        (product.a, product.aDepth, product.aFirst) = (UnsafePointer(packedA), group.count, first)
      } else if let panelStride = a.panelStride {
        product.a = a.pointer + steps.lowerBound / width * panelStride + rows.lowerBound * width
        (product.aRowStride, product.aRun, product.aJump) = (width, width, panelStride - width)
      } else {
        product.a = a.pointer + rows.lowerBound * a.stride + steps.lowerBound
        product.aRowStride = a.stride
      }
      kernels.multiplyPanel(product)
    }
  }

  // MARK: Packing

  /// Packs a thread's share of all row tiles of A, in the blocks that `multiplyColumns` takes them in.
  private func packRowBlocks(_ group: Range<Int>, thread: Int, into target: UnsafeMutablePointer<Float>) {
    let rowBlocks = blocks(m, limit: BlockLimits.rows)
    for rowBlock in 0..<rowBlocks {
      let rows = part(rowBlock, of: rowBlocks, m)
      let tiles = RowTiles(rows: rows.count, tileRows: kernels.tileRows)
      for tile in part(thread, of: threads, tiles.count) {
        let row = rows.lowerBound + tiles.start(tile)
        packTile(row, tiles.rows(tile), group, into: target + row * group.count)
      }
    }
  }

  private func packTile(
    _ row: Int, _ count: Int, _ group: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) {
    guard let panelStride = a.panelStride else {
      packTile(
        a.pointer + row * a.rowStride + group.lowerBound * a.columnStride, count, width: count,
        depth: group.count, into: target)
      return
    }
    // A in panels, piece by piece: the panels run along the steps, or along the lanes.
    let along = a.isTransposed ? row..<row + count : group
    var first = along.lowerBound
    while first < along.upperBound {
      let panel = first / width
      let end = min(along.upperBound, (panel + 1) * width)
      let source = a.pointer + panel * panelStride + first - panel * width
      if a.isTransposed {
        packTile(
          source + group.lowerBound * width, end - first, width: count, depth: group.count,
          into: target + (first - row))
      } else {
        packTile(
          source + row * width, count, width: count, depth: end - first,
          into: target + (first - group.lowerBound) * count)
      }
      first = end
    }
  }

  /// Packs `lanes` rows of A from `source` into a tile of `width` rows.
  private func packTile(
    _ source: UnsafePointer<Float>, _ lanes: Int, width: Int, depth: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    kernels.pack(
      PackedPart(
        source: source, stepStride: a.columnStride, laneStride: a.rowStride, depth: depth, count: lanes,
        lanes: lanes, width: width, target: target))
  }

  private func packPanels(
    _ panels: Range<Int>, _ group: Range<Int>, into target: UnsafeMutablePointer<Float>, first: Int
  ) {
    var part = b
    part.pointer += group.lowerBound * b.rowStride
    let origin = target - first * width * group.count
    kernels.packPanels(part, k: group.count, n: n, panels: panels, into: origin)
  }

  /// A panel of B over a group of steps: packed, the first one being `first`, or where it lies.
  private func panelPointer(
    _ panel: Int, _ group: Range<Int>, packed: UnsafeMutablePointer<Float>, first: Int
  ) -> UnsafePointer<Float> {
    if let panelStride = b.panelStride { return b.pointer + panel * panelStride + group.lowerBound * width }
    return UnsafePointer(packed + (panel - first) * width * group.count)
  }
}

/// The sizes of cache blocks.
enum BlockLimits {
  /// The most steps of K of one tile: a panel of them stays in a first-level cache of 48 kB, with a tile of A.
  static let depth = 256
  /// The most steps of K that a factor is packed for at a time.
  static let group = 1024
  /// The most rows of a block of A, which is read again for every panel.
  static let rows = 120
  /// The most floats of a thread's own block of B, which is read again for every block of rows.
  static let ownFloats = 128 << 10
}
