import Kernels
import LanguageModels
import Tensors

extension RecurrentLayer {
  /// Weights uniform in ±1/√H as in PyTorch; the biases as the cell says.
  func initialize(using generator: inout SeededGenerator) {
    let limit = 1 / Float(hiddenSize).squareRoot()
    inputWeights.value.fillUniform(limit, using: &generator)
    recurrentWeights.value.fillUniform(limit, using: &generator)
    for block in 0..<cell.blocks {
      bias.value.columns(block * hiddenSize..<(block + 1) * hiddenSize).fill(cell.initialBias(block: block))
    }
  }

  /// Makes room for chunks of B rows, with a state of zeros.
  func resetState(rows: Int) {
    for buffer in [hiddenState, cellState, hiddenGradient, cellGradient] {
      buffer.matrix(rows, hiddenSize).fill(0)
    }
  }

  /// No loss reaches beyond the chunk.
  func clearStateGradients(rows: Int) {
    for buffer in [hiddenGradient, cellGradient] { buffer.matrix(rows, hiddenSize).fill(0) }
  }

  /// Numbers of the state of one row: h, and c for cells that have it.
  var stateSize: Int { (cell.hasCellState ? 2 : 1) * hiddenSize }

  /// For each row, h and then c.
  func state(row: Int) -> [Float] {
    (cell.hasCellState ? [hiddenState, cellState] : [hiddenState]).flatMap {
      Array(UnsafeMutableBufferPointer(start: $0.pointer + row * hiddenSize, count: hiddenSize))
    }
  }

  /// The opposite of `state(row:)`.
  func setState(_ values: ArraySlice<Float>, row: Int) {
    for (i, value) in values.enumerated() {
      (i < hiddenSize ? hiddenState.pointer + i : cellState.pointer + (i - hiddenSize))[row * hiddenSize] =
        value
    }
  }
}
