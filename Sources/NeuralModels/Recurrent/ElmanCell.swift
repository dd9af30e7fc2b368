import Kernels

/// The simple recurrent network (Elman 1990; PyTorch's `RNN` with tanh):
///
///     h_t = tanh(x_t W + h_{t−1} U + b)
struct ElmanCell: RecurrentCell {
  let blocks = 1
  let inputBlocks = 0..<1
  let recurrentBlocks = 0..<1

  func forward(_ s: CellStep, _ kernels: KernelTable) {
    kernels.elmanForward(s.shape, s.gate(0), s.newHidden)
  }

  // h = tanh(a):  da = dh (1 − h²)
  func backward(_ s: CellStep, _ kernels: KernelTable) {
    kernels.elmanBackward(s.shape, s.newHidden, s.hiddenGradient, s.gate(0))
  }
}
