import Kernels

/// minLSTM (Feng et al. 2024, "Were RNNs all we needed?", section 3.2): a long short-term memory whose gates do not see the state, scaled so that
/// they sum to one, and without output gate, so that no product depends on the step before and all are done at once:
///
///     f_t = σ(x_t W_f + b_f)            forget
///     i_t = σ(x_t W_i + b_i)            input
///     h̃_t = x_t W_h + b_h               candidate
///     h_t = f_t / (f_t + i_t) ∘ h_{t−1} + i_t / (f_t + i_t) ∘ h̃_t
///
/// (For its scan in logarithms the paper also passes h̃ through a positive function; a loop over time has no need of that.) It is meant for
/// stacks. The forget gate's bias starts at 1, as that of our LSTM does.
struct MinLSTMCell: RecurrentCell {
  let gates = ["candidate", "forget", "input"]
  let inputGates = 0..<3
  let stages: [CellStage] = []
  let carriesHidden = true

  func initialWeight(gate k: Int, inputSize: Int, hiddenSize: Int) -> Float {
    Self.preservingWeight(inputSize)
  }

  func initialBias(gate k: Int) -> Float { gates[k] == "forget" ? 1 : 0 }

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.minLSTMForward(
      s.shape,
      MinLSTMStep(
        candidate: s.gate(0), forget: s.gate(1), input: s.gate(2), previousHidden: s.previousHidden,
        hidden: s.hidden))
  }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.minLSTMBackward(
      s.shape,
      MinLSTMStep(
        candidate: s.gate(0), forget: s.gate(1), input: s.gate(2), previousHidden: s.previousHidden,
        hidden: s.hiddenGradient))
  }
}
