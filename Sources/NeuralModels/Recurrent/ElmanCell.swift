import Kernels

/// The simple recurrent network (Elman 1990; PyTorch's `RNN`):
///
///     h_t = F(x_t W + h_{t−1} U + b)              F = tanh, σ, or max(0, ·)
///     h_t = F(x_t W + h_{t−1} U + b) + h_{t−1}    if it is residual in time
///
/// With F = max(0, ·) and U starting as the identity it is the IRNN (Le, Jaitly and Hinton 2015).
struct ElmanCell: RecurrentCell {
  let options: CellOptions
  let gates = ["hidden"]
  let inputGates = 0..<1
  let stages = [CellStage(gates: 0..<1)]
  var carriesHidden: Bool { options.isResidualInTime }

  init(_ options: CellOptions = CellOptions()) { self.options = options }

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.elmanForward(
      s.shape,
      ElmanForward(
        activation: options.activation.function, hiddenGate: s.gate(0),
        previousHidden: options.isResidualInTime ? s.previousHidden : nil, hidden: s.hidden))
  }

  // h = F(a) [+ h₋₁]:  da = dh F′(a), and dh itself is what h₋₁ gets
  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.elmanBackward(s.shape, options.activation.function, s.gate(0), s.hiddenGradient, s.gate(0))
  }
}
