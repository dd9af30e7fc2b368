import Kernels
import Tensors

/// For each row, h if it is a part of the state, then c if there is one, and then the gates that the next step multiplies.
extension RecurrentLayer {
  private var states: [(buffer: AlignedBuffer, size: Int)] {
    (cell.hasHiddenState ? [(buffers.hiddenState, outputSize)] : [])
      + (cell.hasCellState ? [(buffers.cellState, hiddenSize)] : [])
      + buffers.gateStates.map { ($0, hiddenSize) }
  }

  var stateSize: Int { states.reduce(0) { $0 + $1.size } }

  func resetState(rows: Int) {
    for (buffer, size) in states { buffer.matrix(rows, size).fill(0) }
    clearStateGradients(rows: rows)
  }

  func clearStateGradients(rows: Int) {
    gradientRows = rows
    buffers.hiddenGradient.matrix(rows, outputSize).fill(0)
    if cell.hasCellState { buffers.cellGradient.matrix(rows, hiddenSize).fill(0) }
    if !buffers.gateStates.isEmpty {
      buffers.gateGradients.matrix(rows, buffers.gateStates.count * hiddenSize).fill(0)
    }
  }

  func state(row: Int) -> [Float] {
    states.flatMap { buffer, size in
      Array(UnsafeMutableBufferPointer(start: buffer.pointer + row * size, count: size))
    }
  }

  func setState(_ values: ArraySlice<Float>, row: Int) {
    var rest = values
    for (buffer, size) in states {
      for (i, value) in rest.prefix(size).enumerated() { buffer.pointer[row * size + i] = value }
      rest = rest.dropFirst(size)
    }
  }

  /// Where ∂L/∂ of the parts of a row's state is.
  private func stateGradients(row: Int) -> [UnsafeMutableBufferPointer<Float>] {
    func part(_ buffer: AlignedBuffer, _ size: Int, _ index: Int = 0) -> UnsafeMutableBufferPointer<Float> {
      // Those of gates stand one after the other, each for all rows.
      .init(start: buffer.pointer + (index * gradientRows + row) * size, count: size)
    }
    return (cell.hasHiddenState ? [part(buffers.hiddenGradient, outputSize)] : [])
      + (cell.hasCellState ? [part(buffers.cellGradient, hiddenSize)] : [])
      + buffers.gateStates.indices.map { part(buffers.gateGradients, hiddenSize, $0) }
  }

  func stateGradient(row: Int) -> [Float] { stateGradients(row: row).flatMap { Array($0) } }

  func setStateGradient(_ values: ArraySlice<Float>, row: Int) {
    var rest = values
    for part in stateGradients(row: row) {
      for (i, value) in rest.prefix(part.count).enumerated() { part[i] = value }
      rest = rest.dropFirst(part.count)
    }
  }
}
