import Kernels

/// The quasi-recurrent network with fo-pooling (Bradbury et al. 2017, equations 1 to 4):
///
///     z_t = tanh(x′_t W_z + b_z)        candidate
///     f_t = σ(x′_t W_f + b_f)           forget: the share that is kept
///     o_t = σ(x′_t W_o + b_o)           output
///     c_t = f_t ∘ c_{t−1} + (1 − f_t) ∘ z_t
///     h_t = o_t ∘ c_t
///
/// x′_t is what a masked convolution sees, x_t and some x before it (`Window`), or x_t alone. No product depends on the step before, so all are
/// done at once. It is meant for stacks.
struct QRNNCell: RecurrentCell {
  let gates = ["candidate", "forget", "output"]
  let inputGates = 0..<3
  let stages: [CellStage] = []
  let hasHiddenState = false
  let hasCellState = true

  func initialWeight(gate k: Int, inputSize: Int, hiddenSize: Int) -> Float {
    Self.preservingWeight(inputSize)
  }

  private func forward(_ s: CellStep) -> QRNNForward {
    QRNNForward(
      candidate: s.gate(0), forget: s.gate(1), output: s.gate(2), previousCell: s.previousCell,
      cell: s.cell, hidden: s.hidden)
  }

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) { kernels.qrnnForward(s.shape, forward(s)) }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.qrnnBackward(
      s.shape,
      QRNNBackward(forward: forward(s), hiddenGradient: s.hiddenGradient, cellGradient: s.cellGradient))
  }
}
