import Kernels

/// The gated recurrent unit (Cho et al. 2014) in the form of cuDNN and PyTorch, with the reset gate after the product:
///
///     r_t = σ(x_t W_r + h_{t−1} U_r + b_r)               reset
///     z_t = σ(x_t W_z + h_{t−1} U_z + b_z)               update
///     n_t = tanh(x_t W_n + b_n + r_t ∘ (h_{t−1} U_n + b_u))   candidate
///     h_t = (1 − z_t) ∘ n_t + z_t ∘ h_{t−1}
///
/// (Cho's paper has z and 1 − z the other way round, and the reset before the product.) Blocks: 0 the candidate's input part,
/// 1 reset, 2 update, 3 the candidate's recurrent part, so that input and recurrence each reach three neighbours.
struct GRUCell: RecurrentCell {
  let blocks = 4
  let inputBlocks = 0..<3
  let recurrentBlocks = 1..<4
  let carriesHidden = true

  func forward(_ s: CellStep, _ kernels: KernelTable) {
    kernels.gruForward(
      s.shape,
      GRUForward(
        reset: s.gate(1), update: s.gate(2), candidate: s.gate(0), candidateState: s.gate(3),
        previousHidden: s.lastHidden, hidden: s.newHidden))
  }

  func backward(_ s: CellStep, _ kernels: KernelTable) {
    kernels.gruBackward(
      s.shape,
      GRUBackward(
        reset: s.gate(1), update: s.gate(2), candidate: s.gate(0), candidateState: s.gate(3),
        previousHidden: s.lastHidden, hiddenGradient: s.hiddenGradient,
        previousHiddenGradient: s.hiddenGradient))
  }
}
