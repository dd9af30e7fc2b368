import Kernels
import Tensors

/// A layer whose input waits for the step before: its products with W are done step by step.
extension RecurrentLayer {
  /// h_{t−1} of all steps.
  private func previousHiddens(_ pass: Pass) -> MatrixView {
    buffers.previousHiddens.matrix(pass.positions, outputSize)
  }

  func packMogrifierForward(_ thread: Int) {
    guard let mogrifier else { return }
    mogrifier.packForward(thread)
    inputSlices[thread].packForward(inputWeights.value, version: arena.version)
  }

  func packMogrifierBackward(_ thread: Int) {
    guard let mogrifier else { return }
    mogrifier.packBackward(thread)
    inputSlices[thread].packBackward(inputWeights.value, version: arena.version)
  }

  /// The rounds of step t, and a_t[:, input gates] = x̂_t W + b for one thread's units.
  func mogrify(step t: Int, _ x: MatrixView, _ pass: Pass, _ mogrifier: Mogrifier, _ thread: Int) {
    mogrifier.forward(step: t, pass, x, previousHiddens(pass), thread)
    let slice = inputSlices[thread]
    let gates = buffers.gates.matrix(pass.positions, gateColumns)
    pass.forEachRun(at: t) { rows in
      let positions = t * pass.rows + rows.lowerBound..<t * pass.rows + rows.upperBound
      for (index, gate) in cell.inputGates.enumerated() {
        let column = gate * hiddenSize + slice.units.lowerBound
        slice.gates[index].multiply(
          mogrifier.inputs(x).rows(positions),
          into: gates.rows(positions).columns(column..<column + slice.units.count),
          bias: bias.map { UnsafePointer($0.value.pointer + column) })
      }
    }
  }

  /// From ∂a_t, and ∂ĥ of the stages, to ∂x_t, which is added to `inputGradient`, and ∂h_{t−1}, one thread's columns of both.
  func mogrifyBackward(
    step t: Int, _ x: MatrixView, into inputGradient: MatrixView, _ pass: Pass, _ mogrifier: Mogrifier,
    _ thread: Int
  ) {
    let (inputs, hiddens) = (engine.units(inputSize, of: thread), engine.units(outputSize, of: thread))
    let gates = buffers.gates.matrix(pass.positions, gateColumns).columns(columns(cell.inputGates))
    let dx = mogrifier.inputGradient.matrix(pass.rows, inputSize)
    pass.forEachRun(at: t) { rows in
      let positions = t * pass.rows + rows.lowerBound..<t * pass.rows + rows.upperBound
      inputSlices[thread].transposes[0].multiply(
        gates.rows(positions), into: dx.rows(rows).columns(inputs))
    }
    mogrifier.backward(step: t, pass, x, previousHiddens(pass), thread)
    let dh = mogrifier.hiddenGradient.matrix(pass.rows, outputSize)
    pass.forEachRun(at: t) { rows in
      for row in rows {
        engine.kernels.addScaled(
          inputs.count, 1, dx.row(row) + inputs.lowerBound,
          inputGradient.row(t * pass.rows + row) + inputs.lowerBound)
        let target = buffers.hiddenGradient.pointer + row * outputSize + hiddens.lowerBound
        let source = dh.row(row) + hiddens.lowerBound
        if cell.carriesHidden {
          engine.kernels.addScaled(hiddens.count, 1, source, target)
        } else {
          target.update(from: source, count: hiddens.count)
        }
      }
    }
  }
}
