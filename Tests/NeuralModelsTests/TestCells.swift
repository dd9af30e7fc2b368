import Foundation
import Kernels

@testable import NeuralModels

/// A gated recurrent unit whose reset gate comes before the product (Cho et al. 2014), one number at a time: a cell of two stages.
///
///     r = σ(x W_r + h U_r + b_r),  z = σ(x W_z + h U_z + b_z),  n = tanh(x W_n + (r ∘ h) U_n + b_n),  h′ = (1 − z) ∘ n + z ∘ h
struct TwoStageCell: RecurrentCell {
  let gates = ["candidate", "reset", "update"]
  let inputGates = 0..<3
  let stages = [CellStage(gates: 1..<3), CellStage(gates: 0..<1, operand: .prepared)]
  let carriesHidden = true

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    s.forEachUnit { gate, state in
      let h = s.previousHidden[state]
      if stage == 0 {
        for k in 1...2 { s.gate(k)[gate] = 1 / (1 + exp(-s.gate(k)[gate])) }
        s.prepared[state] = s.gate(1)[gate] * h
      } else {
        let n = tanh(s.gate(0)[gate])
        let z = s.gate(2)[gate]
        s.gate(0)[gate] = n
        s.hidden[state] = (1 - z) * n + z * h
      }
    }
  }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    s.forEachUnit { gate, state in
      let h = s.previousHidden[state]
      if stage == 1 {
        let (n, z, dh) = (s.gate(0)[gate], s.gate(2)[gate], s.hiddenGradient[state])
        s.gate(0)[gate] = dh * (1 - z) * (1 - n * n)
        s.gate(2)[gate] = dh * (h - n) * z * (1 - z)
        s.hiddenGradient[state] = dh * z
      } else {
        let (r, dp) = (s.gate(1)[gate], s.preparedGradient[state])
        s.gate(1)[gate] = dp * h * r * (1 - r)
        s.hiddenGradient[state] += dp * r
      }
    }
  }
}

/// A simple recurrent network whose units see how far they are from the mean of all: a cell with a sum over the row and a vector.
///
///     a = x W + h U + b,  h′ = tanh(g ∘ (a − mean(a)))
struct CenteredCell: RecurrentCell {
  let gates = ["hidden"]
  let inputGates = 0..<1
  let stages = [CellStage(gates: 0..<1), CellStage(gates: 0..<0)]
  let vectors = ["unused", "gain"]
  let rowSums = 2

  func initialVector(_ k: Int) -> (value: Float, isSpread: Bool) { (1, k == 0) }

  /// Writes the parts of sum k of `value`.
  private func add(_ k: Int, _ s: CellStep, lanes: Int, _ value: (_ gate: Int, _ unit: Int) -> Float) {
    for row in 0..<s.shape.rows {
      for part in 0..<(s.shape.units + lanes - 1) / lanes {
        let units = part * lanes..<min((part + 1) * lanes, s.shape.units)
        s.partialSums.part(part, sum: k, row: row).pointee = units.reduce(0) {
          $0 + value(row * s.shape.gateStride + $1, $1)
        }
      }
    }
  }

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    if stage == 0 { return add(0, s, lanes: kernels.lanes) { gate, _ in s.gate(0)[gate] } }
    for row in 0..<s.shape.rows {
      let mean = s.partialSums.sum(0, row: row) / Float(s.hiddenSize)
      for unit in 0..<s.shape.units {
        let gate = row * s.shape.gateStride + unit
        // What is kept for the way back is a − mean(a).
        s.gate(0)[gate] -= mean
        s.hidden[row * s.shape.stateStride + unit] = tanh(s.vector(1)[unit] * s.gate(0)[gate])
      }
    }
  }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    if stage == 1 {
      for row in 0..<s.shape.rows {
        for unit in 0..<s.shape.units {
          let (gate, state) = (row * s.shape.gateStride + unit, row * s.shape.stateStride + unit)
          let slope = s.hiddenGradient[state] * (1 - s.hidden[state] * s.hidden[state])
          s.vectorGradient(1)[unit] += slope * s.gate(0)[gate]
          s.gate(0)[gate] = slope * s.vector(1)[unit]
        }
      }
      return add(1, s, lanes: kernels.lanes) { gate, _ in s.gate(0)[gate] }
    }
    for row in 0..<s.shape.rows {
      let mean = s.partialSums.sum(1, row: row) / Float(s.hiddenSize)
      for unit in 0..<s.shape.units { s.gate(0)[row * s.shape.gateStride + unit] -= mean }
    }
  }
}

extension CellStep {
  /// Calls `body` with the index of every unit of every row, among gates and among states.
  fileprivate func forEachUnit(_ body: (_ gate: Int, _ state: Int) -> Void) {
    for row in 0..<shape.rows {
      for unit in 0..<shape.units { body(row * shape.gateStride + unit, row * shape.stateStride + unit) }
    }
  }
}
