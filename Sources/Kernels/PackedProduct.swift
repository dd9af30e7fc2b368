/// Products with a matrix that was packed once, for few rows at a time: the step of a recurrent layer.
///
/// A packed matrix B[K × N] is a row of panels, each `panelWidth` columns wide (the last one filled up with zero
/// columns), each in the order of k: element (k, n) is at
/// `packed[(n / panelWidth * K + k) * panelWidth + n % panelWidth]`.
extension KernelTable {
  /// The panels of a packed matrix with n columns.
  public func panels(columns n: Int) -> Int { (n + panelWidth - 1) / panelWidth }

  /// The floats that a packed K × N matrix takes.
  public func packedCount(k: Int, n: Int) -> Int { panels(columns: n) * panelWidth * k }

  /// Packs some panels of op(B)[K × N].
  ///
  /// - Parameters:
  ///   - gather: for each of the N packed columns the column of op(B) it takes, −1 for a column of zeros; nil for
  ///     the columns in their order.
  ///   - panels: which panels of `target` to overwrite, a part of 0..<panels(columns: n).
  ///   - target: `packedCount(k:n:)` floats.
  public func packPanels(
    _ b: Factor, k: Int, n: Int, gather: UnsafePointer<Int32>? = nil, panels: Range<Int>,
    into target: UnsafeMutablePointer<Float>
  ) {
    for panel in panels {
      let column = panel * panelWidth
      let source = gather == nil ? b.pointer + column * b.columnStride : b.pointer
      pack(
        PackedPart(
          source: source, stepStride: b.rowStride, laneStride: b.columnStride, depth: k,
          count: min(panelWidth, n - column), width: panelWidth, gather: gather.map { $0 + column },
          target: target + column * k))
    }
  }

  /// C[M × panels] = start + A[M × K] · B[K × panels] for some panels of a packed matrix, on the calling thread.
  ///
  /// - Parameters:
  ///   - a: row-major, not transposed.
  ///   - packed: all panels of B[K × N].
  ///   - panels: which panels to multiply; columns of C outside them are neither read nor written.
  ///   - descending: takes the last panel first. A caller that alternates the direction finds the end of a matrix
  ///     that is larger than the cache still there. The bits are the same.
  ///   - c: the first column of all of C, row-major.
  public func multiplyPacked(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, stride aStride: Int, packed: UnsafePointer<Float>,
    panels: Range<Int>, start: ProductStart, descending: Bool = false, into c: UnsafeMutablePointer<Float>,
    stride cStride: Int
  ) {
    let rowBlocks = blocks(m, limit: BlockLimits.rows)
    let depthBlocks = blocks(k, limit: BlockLimits.depth)
    for rowBlock in 0..<rowBlocks {
      let rows = part(rowBlock, of: rowBlocks, m)
      for index in 0..<panels.count {
        let panel = descending ? panels.upperBound - 1 - index : panels.lowerBound + index
        let column = panel * panelWidth
        let target = c + rows.lowerBound * cStride + column
        var (initial, initialStride) = start.initial(target, cStride, column: column)
        for depthBlock in 0..<depthBlocks {
          let steps = part(depthBlock, of: depthBlocks, k)
          multiplyPanel(
            PanelProduct(
              rows: rows.count, depth: steps.count, columns: min(panelWidth, n - column),
              a: a + rows.lowerBound * aStride + steps.lowerBound, aRowStride: max(aStride, 1),
              b: packed + column * k + steps.lowerBound * panelWidth,
              initial: initial, initialStride: initialStride, c: target, cStride: cStride))
          (initial, initialStride) = (UnsafePointer(target), cStride)
        }
      }
    }
  }
}

/// The sizes of cache blocks.
enum BlockLimits {
  /// The most steps of K: a panel of them stays in a first-level cache of 48 kB.
  static let depth = 384
  /// The most rows of a block of A. With `depth` steps it takes 184 kB and is read again for every panel; blocks of 240
  /// rows were a third slower where the second-level cache is shared with others.
  static let rows = 120
  /// The most columns of a block of B, which is read again for every block of rows.
  static let columns = 512
}
