import Kernels
import Tensors

/// What happens around the mathematics of a step.
extension RecurrentLayer {
  /// Copies the state before step t into place, with zeros for rows that restart.
  func enter(step t: Int, _ pass: Pass, _ slice: PackedSlice) {
    func enter(
      _ initial: AlignedBuffer, _ last: UnsafeMutablePointer<Float>, stride: Int, to target: AlignedBuffer,
      size: Int, _ part: Range<Int>
    ) {
      let place = target.pointer + t * pass.rows * size
      for row in 0..<pass.rows {
        let source = t == 0 ? initial.pointer + row * size : last + row * stride
        (place + row * size + part.lowerBound).update(from: source + part.lowerBound, count: part.count)
      }
      for row in pass.restarting(at: t) {
        (place + row * size + part.lowerBound).update(repeating: 0, count: part.count)
      }
    }
    let before = (t - 1) * pass.rows
    if cell.hasHiddenState {
      enter(
        buffers.hiddenState, buffers.hiddens.pointer + before * outputSize, stride: outputSize,
        to: buffers.previousHiddens, size: outputSize, slice.outputs)
    }
    if cell.hasCellState {
      enter(
        buffers.cellState, buffers.cells.pointer + before * hiddenSize, stride: hiddenSize,
        to: buffers.previousCells, size: hiddenSize, slice.units)
    }
    for (i, kept) in keptGates.enumerated() {
      enter(
        buffers.gateStates[i], buffers.gates.pointer + before * gateColumns + kept.gate * hiddenSize,
        stride: gateColumns, to: buffers.operands[kept.stage], size: hiddenSize, slice.units)
    }
  }

  /// Rows that have ended keep their state; their outputs are without meaning.
  func stay(step t: Int, _ pass: Pass, _ slice: PackedSlice) {
    for row in pass.ended(at: t) {
      let position = t * pass.rows + row
      let first = position * hiddenSize + slice.units.lowerBound
      let output = position * outputSize + slice.outputs.lowerBound
      if cell.hasHiddenState {
        (buffers.hiddens.pointer + output).update(
          from: buffers.previousHiddens.pointer + output, count: slice.outputs.count)
      } else {
        (buffers.hiddens.pointer + output).update(repeating: 0, count: slice.outputs.count)
      }
      if cell.hasCellState {
        (buffers.cells.pointer + first).update(
          from: buffers.previousCells.pointer + first, count: slice.units.count)
      }
      for kept in keptGates {
        (buffers.gates.pointer + position * gateColumns + kept.gate * hiddenSize + slice.units.lowerBound)
          .update(from: buffers.operands[kept.stage].pointer + first, count: slice.units.count)
      }
      // What the products over all rows multiply by gradients of zero must be numbers.
      for (i, stage) in cell.stages.enumerated() where stage.isPrepared {
        (buffers.operands[i].pointer + first).update(repeating: 0, count: slice.units.count)
      }
      if let projection {
        (projection.outputs.pointer + first).update(repeating: 0, count: slice.units.count)
      }
    }
  }

  /// Keeps the state of the last step for the next sequence.
  func leave(_ pass: Pass, _ slice: PackedSlice) {
    let last = (pass.steps - 1) * pass.rows
    func leave(
      _ source: UnsafeMutablePointer<Float>, stride: Int, to state: AlignedBuffer, size: Int,
      _ part: Range<Int>
    ) {
      for row in 0..<pass.rows {
        (state.pointer + row * size + part.lowerBound).update(
          from: source + row * stride + part.lowerBound, count: part.count)
      }
    }
    if cell.hasHiddenState {
      leave(
        buffers.hiddens.pointer + last * outputSize, stride: outputSize, to: buffers.hiddenState,
        size: outputSize, slice.outputs)
    }
    if cell.hasCellState {
      leave(
        buffers.cells.pointer + last * hiddenSize, stride: hiddenSize, to: buffers.cellState,
        size: hiddenSize, slice.units)
    }
    for (i, kept) in keptGates.enumerated() {
      leave(
        buffers.gates.pointer + last * gateColumns + kept.gate * hiddenSize, stride: gateColumns,
        to: buffers.gateStates[i], size: hiddenSize, slice.units)
    }
  }

  /// What a stage multiplies at all steps: [T·B × R] or [T·B × H].
  func operand(_ stage: Int) -> MatrixView {
    let isHidden = cell.stages[stage].multipliesHidden
    let buffer = isHidden ? buffers.previousHiddens : buffers.operands[stage]
    let size = isHidden ? outputSize : hiddenSize
    let original = MatrixView(buffer.pointer, rows: buffer.count / size, columns: size)
    return isHidden ? mogrifier?.hiddens(original) ?? original : original
  }

  /// What the cell works on at step t, for some rows and units.
  func cellStep(
    _ t: Int, _ stage: Int, _ pass: Pass, _ rows: Range<Int>, _ units: Range<Int>,
    inputGradient: MatrixView? = nil
  ) -> CellStep {
    let position = t * pass.rows + rows.lowerBound
    let states = position * hiddenSize + units.lowerBound
    let row = rows.lowerBound * hiddenSize + units.lowerBound
    let next = stage + 1 < cell.stages.count ? stage + 1 : nil
    let (first, second) = (vectors.first, vectors.dropFirst().first)
    return CellStep(
      shape: CellShape(
        rows: rows.count, units: units.count, gateStride: gateColumns, stateStride: hiddenSize),
      hiddenSize: hiddenSize, gates: buffers.gates.pointer + position * gateColumns + units.lowerBound,
      previousHidden: buffers.previousHiddens.pointer + states,
      hidden: (projection?.outputs ?? buffers.hiddens).pointer + states,
      previousCell: buffers.previousCells.pointer + states, cell: buffers.cells.pointer + states,
      cellTanh: buffers.cellTanhs.pointer + states,
      input: (inputs?.pointer ?? buffers.hiddens.pointer) + states,
      prepared: (next.map { buffers.operands[$0] } ?? buffers.hiddens).pointer + states,
      vectors: (first?.value.pointer ?? buffers.hiddens.pointer) + units.lowerBound,
      vectorStride: second.map { $0.offset - (first?.offset ?? 0) } ?? 0,
      partialSums: PartialSums(
        pointer: buffers.partialSums.pointer, rows: pass.rows, firstRow: rows.lowerBound, parts: sumParts,
        firstPart: units.lowerBound / engine.kernels.lanes),
      rowValues: buffers.rowValues.pointer + position * cell.rowValues,
      hiddenGradient: (projection?.outputGradient ?? buffers.hiddenGradient).pointer + row,
      cellGradient: buffers.cellGradient.pointer + row,
      inputGradient: (inputGradient?.pointer ?? buffers.hiddenGradient.pointer) + states,
      preparedGradient: (next.map { buffers.preparedGradients[$0] } ?? buffers.hiddenGradient).pointer + row,
      gateGradients: buffers.gateGradients.pointer + row, gateGradientStride: pass.rows * hiddenSize,
      vectorGradients: (first?.gradient.pointer ?? buffers.hiddenGradient.pointer) + units.lowerBound)
  }

  /// Lets a probe see a step, once all threads have done it.
  func show(step t: Int, _ pass: Pass, to probe: any Probe, _ thread: Int) {
    engine.pool.barrier()
    if thread == 0 {
      let rows = t * pass.rows..<(t + 1) * pass.rows
      probe.sawStep(
        t, of: self, gates: buffers.gates.matrix(pass.positions, gateColumns).rows(rows),
        hidden: buffers.hiddens.matrix(pass.positions, outputSize).rows(rows),
        cell: cell.hasCellState ? buffers.cells.matrix(pass.positions, hiddenSize).rows(rows) : nil)
    }
    engine.pool.barrier()
  }
}
