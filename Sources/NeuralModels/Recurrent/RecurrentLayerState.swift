import Kernels
import Tensors

/// For each row, h if it is a part of the state, and then c if there is one.
extension RecurrentLayer {
  private var states: [AlignedBuffer] {
    (cell.hasHiddenState ? [hiddenState] : []) + (cell.hasCellState ? [cellState] : [])
  }

  var stateSize: Int { states.count * hiddenSize }

  func resetState(rows: Int) {
    for buffer in states { buffer.matrix(rows, hiddenSize).fill(0) }
    clearStateGradients(rows: rows)
  }

  func clearStateGradients(rows: Int) {
    hiddenGradient.matrix(rows, hiddenSize).fill(0)
    if cell.hasCellState { cellGradient.matrix(rows, hiddenSize).fill(0) }
  }

  func state(row: Int) -> [Float] {
    states.flatMap {
      Array(UnsafeMutableBufferPointer(start: $0.pointer + row * hiddenSize, count: hiddenSize))
    }
  }

  func setState(_ values: ArraySlice<Float>, row: Int) {
    for (i, value) in values.enumerated() {
      states[i / hiddenSize].pointer[row * hiddenSize + i % hiddenSize] = value
    }
  }
}
