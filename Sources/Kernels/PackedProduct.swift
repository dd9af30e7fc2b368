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

  /// Packs some panels of op(B)[K × N]; B is row-major.
  ///
  /// - Parameters:
  ///   - panels: which panels of `target` to overwrite, a part of 0..<panels(columns: n).
  ///   - target: `packedCount(k:n:)` floats.
  public func packPanels(
    _ b: Factor, k: Int, n: Int, panels: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) {
    var panel = panels.lowerBound
    while panel < panels.upperBound {
      let column = panel * panelWidth
      let part = PackedPart(
        source: b.pointer + column * b.columnStride, stepStride: b.rowStride, laneStride: b.columnStride,
        depth: k, count: min(panelWidth, n - column), lanes: panelWidth, width: panelWidth,
        target: target + column * k)
      if !b.isTransposed, panel + 4 <= panels.upperBound, n - column >= 4 * panelWidth {
        packFourPanels(part, panelWidth * k)
        panel += 4
      } else {
        pack(part)
        panel += 1
      }
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
