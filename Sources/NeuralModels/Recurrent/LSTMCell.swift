import Kernels

/// Long short-term memory with forget gates (Hochreiter and Schmidhuber 1997; Gers et al. 2000; PyTorch's `LSTM`):
///
///     i_t = σ(x_t W_i + h_{t−1} U_i + b_i)       input
///     f_t = σ(x_t W_f + h_{t−1} U_f + b_f)       forget
///     g_t = tanh(x_t W_g + h_{t−1} U_g + b_g)    candidate
///     o_t = σ(x_t W_o + h_{t−1} U_o + b_o)       output
///     c_t = f_t ∘ c_{t−1} + i_t ∘ g_t
///     h_t = o_t ∘ tanh(c_t)
///
/// The forget gate's bias starts at 1 (Jozefowicz et al. 2015), so that a new network remembers.
struct LSTMCell: RecurrentCell {
  let gates = ["input", "forget", "candidate", "output"]
  let inputGates = 0..<4
  let stages = [CellStage(gates: 0..<4)]
  let hasCellState = true

  func initialBias(gate k: Int) -> Float { gates[k] == "forget" ? 1 : 0 }

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.lstmForward(
      s.shape,
      LSTMForward(
        input: s.gate(0), forget: s.gate(1), candidate: s.gate(2), output: s.gate(3),
        previousCell: s.previousCell,
        cell: s.cell, cellTanh: s.cellTanh, hidden: s.hidden))
  }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.lstmBackward(
      s.shape,
      LSTMBackward(
        input: s.gate(0), forget: s.gate(1), candidate: s.gate(2), output: s.gate(3),
        previousCell: s.previousCell,
        cellTanh: s.cellTanh, hiddenGradient: s.hiddenGradient, cellGradient: s.cellGradient))
  }
}
