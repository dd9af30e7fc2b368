import Kernels

/// minGRU (Feng et al. 2024, "Were RNNs all we needed?", section 3.1): a gated recurrent unit whose gate and candidate do not see the state,
/// so that no product depends on the step before and all are done at once:
///
///     z_t = σ(x_t W_z + b_z)            update: the share that is taken
///     h̃_t = x_t W_h + b_h               candidate
///     h_t = (1 − z_t) ∘ h_{t−1} + z_t ∘ h̃_t
///
/// z is what the new state takes of the candidate, as in the paper; in PyTorch's GRU, and in ours, it is what is kept.
/// (For its scan in logarithms the paper also passes h̃ through a positive function; a loop over time has no need of that.) It sees
/// little by itself and is meant for stacks.
struct MinGRUCell: RecurrentCell {
  let gates = ["candidate", "update"]
  let inputGates = 0..<2
  let stages: [CellStage] = []
  let carriesHidden = true

  func initialWeight(gate k: Int, inputSize: Int, hiddenSize: Int) -> Float {
    Self.preservingWeight(inputSize)
  }

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.minGRUForward(
      s.shape,
      MinGRUStep(
        candidate: s.gate(0), update: s.gate(1), previousHidden: s.previousHidden, hidden: s.hidden))
  }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.minGRUBackward(
      s.shape,
      MinGRUStep(
        candidate: s.gate(0), update: s.gate(1), previousHidden: s.previousHidden, hidden: s.hiddenGradient))
  }
}
