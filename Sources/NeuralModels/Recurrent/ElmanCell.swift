import Kernels

/// The simple recurrent network (Elman 1990; PyTorch's `RNN` with tanh):
///
///     h_t = tanh(x_t W + h_{t−1} U + b)
struct ElmanCell: RecurrentCell {
  let gates = ["hidden"]
  let inputGates = 0..<1
  let stages = [CellStage(gates: 0..<1)]

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.elmanForward(s.shape, s.gate(0), s.hidden)
  }

  // h = tanh(a):  da = dh (1 − h²)
  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.elmanBackward(s.shape, s.hidden, s.hiddenGradient, s.gate(0))
  }
}
