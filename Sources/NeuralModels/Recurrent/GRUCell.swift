import Kernels

/// The gated recurrent unit (Cho et al. 2014) in the form of cuDNN and PyTorch, with the reset gate after the product:
///
///     r_t = σ(x_t W_r + h_{t−1} U_r + b_r)               reset
///     z_t = σ(x_t W_z + h_{t−1} U_z + b_z)               update: the share that is kept
///     n_t = tanh(x_t W_n + b_n + r_t ∘ (h_{t−1} U_n + b_u))   candidate
///     h_t = (1 − z_t) ∘ n_t + z_t ∘ h_{t−1}
///
/// (Cho's paper has the reset before the product.) The candidate has two gates' columns, its input part and its recurrent part, at
/// the ends, so that input and recurrence each reach three neighbours.
struct GRUCell: RecurrentCell {
  let gates = ["candidate", "reset", "update", "candidate state"]
  let inputGates = 0..<3
  let stages = [CellStage(gates: 1..<4)]
  let carriesHidden = true

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.gruForward(
      s.shape,
      GRUForward(
        reset: s.gate(1), update: s.gate(2), candidate: s.gate(0), candidateState: s.gate(3),
        previousHidden: s.previousHidden, hidden: s.hidden))
  }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.gruBackward(
      s.shape,
      GRUBackward(
        reset: s.gate(1), update: s.gate(2), candidate: s.gate(0), candidateState: s.gate(3),
        previousHidden: s.previousHidden, hiddenGradient: s.hiddenGradient,
        previousHiddenGradient: s.hiddenGradient))
  }
}
