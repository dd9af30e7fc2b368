import Kernels
import Tensors

/// Back-propagation through time.
extension RecurrentLayer {
  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    guard let x = inputs else { preconditionFailure("there is no gradient before a forward pass") }
    let isAddedStepByStep = cell.readsInput || mogrifier != nil
    if isAddedStepByStep, !adding { inputGradient.fill(0) }
    let slices = packedSlices
    engine.pool.run { thread in
      let slice = slices[thread]
      if let (weights, version) = recurrentFactor { slice.packBackward(weights, version: version) }
      projection?.packBackward(thread)
      packMogrifierBackward(thread)
      for t in stride(from: pass.steps - 1, through: 0, by: -1) {
        addOutputGradient(step: t, gradient, pass, slice.outputs)
        if let probe = pass.probe { show(gradientOfStep: t, pass, to: probe, thread) }
        end(step: t, pass, slice.units)
        hiddenZoneout?.backward(step: t, pass, buffers.hiddenGradient, slice.outputs)
        cellZoneout?.backward(step: t, pass, buffers.cellGradient, slice.units)
        if let projection {
          projection.keep(step: t, pass, buffers.hiddenGradient, thread)
          engine.pool.barrier()
          projection.backward(step: t, pass, thread)
        }
        for stage in stageIndices.reversed() {
          pass.forEachRun(at: t) { rows in
            guard !slice.units.isEmpty else { return }
            cell.backward(
              stage: stage,
              cellStep(t, stage, pass, rows, slice.units, inputGradient: inputGradient), engine.kernels)
          }
          if cell.stages.isEmpty { continue }
          // Everyone's share of ∂a_t is there.
          engine.pool.barrier()
          pass.forEachRun(at: t) { rows in multiplyBackward(step: t, stage, pass, rows, slice) }
        }
        if let mogrifier { mogrifyBackward(step: t, x, into: inputGradient, pass, mogrifier, thread) }
        hiddenZoneout?.carry(step: t, pass, into: buffers.hiddenGradient, slice.outputs)
        cellZoneout?.carry(step: t, pass, into: buffers.cellGradient, slice.units)
        cut(step: t, pass, slice)
      }
    }
    addParameterGradients(x, pass)
    if let mogrifier {
      return mogrifier.addParameterGradients(
        pass, x, buffers.previousHiddens.matrix(pass.positions, outputSize))
    }
    let inputColumns = columns(cell.inputGates)
    // dx (+)= da Wᵀ
    engine.products.multiply(
      buffers.gates.matrix(pass.positions, gateColumns).columns(inputColumns),
      transposed: inputWeights.value, into: inputGradient, accumulate: adding || isAddedStepByStep)
  }

  /// ∂h_t comes from above and from step t + 1.
  private func addOutputGradient(step t: Int, _ gradient: MatrixView, _ pass: Pass, _ part: Range<Int>) {
    pass.forEachRun(at: t) { rows in
      for row in rows {
        engine.kernels.addScaled(
          part.count, 1, gradient.row(t * pass.rows + row) + part.lowerBound,
          buffers.hiddenGradient.pointer + row * outputSize + part.lowerBound)
      }
    }
  }

  /// Rows that have ended before step t have no part in it; the gradients of their state stay as they are.
  private func end(step t: Int, _ pass: Pass, _ units: Range<Int>) {
    for row in pass.ended(at: t) {
      let first = buffers.gates.pointer + (t * pass.rows + row) * gateColumns + units.lowerBound
      for gate in cell.gates.indices {
        (first + gate * hiddenSize).update(repeating: 0, count: units.count)
      }
    }
  }

  /// Nothing flows back from a row that restarted; nor through h where it is no part of the state.
  private func cut(step t: Int, _ pass: Pass, _ slice: PackedSlice) {
    func clear(_ row: UnsafeMutablePointer<Float>, _ part: Range<Int>) {
      (row + part.lowerBound).update(repeating: 0, count: part.count)
    }
    for row in pass.restarting(at: t) {
      clear(buffers.hiddenGradient.pointer + row * outputSize, slice.outputs)
      if cell.hasCellState { clear(buffers.cellGradient.pointer + row * hiddenSize, slice.units) }
      for i in keptGates.indices {
        clear(buffers.gateGradients.pointer + (i * pass.rows + row) * hiddenSize, slice.units)
      }
    }
    if !cell.hasHiddenState {
      for row in 0..<pass.rows { clear(buffers.hiddenGradient.pointer + row * outputSize, slice.outputs) }
    }
  }

  /// ∂s += or = ∂a_t Uᵀ for the operand s of a stage, for one thread's units.
  ///
  /// ∂h_{t−1} begins with what the cell left there, if it carries h, or with the product of a later stage.
  private func multiplyBackward(
    step t: Int, _ stage: Int, _ pass: Pass, _ rows: Range<Int>, _ slice: PackedSlice
  ) {
    let gates = columns(cell.stages[stage].gates)
    guard !gates.isEmpty else { return }
    let a = MatrixView(
      buffers.gates.pointer + (t * pass.rows + rows.lowerBound) * gateColumns + gates.lowerBound,
      rows: rows.count, columns: gates.count, stride: gateColumns)
    let isHidden = cell.stages[stage].multipliesHidden
    let hiddenGradient = mogrifier?.hiddenGradient ?? buffers.hiddenGradient
    var target = (isHidden ? hiddenGradient : buffers.preparedGradients[stage]).pointer
    if let kept = keptGates.firstIndex(where: { $0.stage == stage }) {
      target = buffers.gateGradients.pointer + kept * pass.rows * hiddenSize
    }
    let gradient = MatrixView(
      target + rows.lowerBound * outputSize + slice.outputs.lowerBound, rows: rows.count,
      columns: slice.outputs.count, stride: outputSize)
    let isLater = cell.stages[(stage + 1)...].contains { $0.multipliesHidden && !$0.gates.isEmpty }
    slice.transposes[stage].multiply(
      a, into: gradient, accumulate: isHidden && (cell.carriesHidden && mogrifier == nil || isLater))
  }

  /// a = x W + s U + b:  dW += xᵀ da,  dU += sᵀ da,  db += Σ da
  private func addParameterGradients(_ x: MatrixView, _ pass: Pass) {
    let gradients = buffers.gates.matrix(pass.positions, gateColumns)
    engine.products.multiply(
      transposed: mogrifier?.inputs(x) ?? x, gradients.columns(columns(cell.inputGates)),
      into: inputWeights.gradient,
      accumulate: true)
    if let recurrentWeights {
      let isDropped = droppedWeights != nil
      let target = isDropped ? weightDropout?.gradient : recurrentWeights.gradient
      var first = 0
      for (index, stage) in cell.stages.enumerated() where !stage.gates.isEmpty {
        let columns = first..<first + stage.gates.count * hiddenSize
        if let target {
          engine.products.multiply(
            transposed: operand(index).rows(0..<pass.positions), gradients.columns(self.columns(stage.gates)),
            into: target.columns(columns), accumulate: !isDropped)
        }
        first = columns.upperBound
      }
      if isDropped { weightDropout?.backward() }
    }
    if let bias { engine.addColumnSums(gradients, into: bias.gradient) }
    projection?.addParameterGradients(pass)
  }

  /// Lets a probe see ∂L/∂h_t before it is used up.
  private func show(gradientOfStep t: Int, _ pass: Pass, to probe: any Probe, _ thread: Int) {
    engine.pool.barrier()
    if thread == 0 {
      probe.sawGradient(
        t, of: self, hidden: MatrixView(buffers.hiddenGradient.pointer, rows: pass.rows, columns: outputSize),
        cell: cell.hasCellState
          ? MatrixView(buffers.cellGradient.pointer, rows: pass.rows, columns: hiddenSize) : nil)
    }
    engine.pool.barrier()
  }
}
