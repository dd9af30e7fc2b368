import Kernels

/// The gated recurrent unit (Cho et al. 2014), usually in the form of cuDNN and PyTorch, with the reset gate after the product:
///
///     r_t = σ(x_t W_r + h_{t−1} U_r + b_r)                    reset
///     z_t = σ(x_t W_z + h_{t−1} U_z + b_z)                    update: the share that is kept
///     n_t = tanh(x_t W_n + b_n + r_t ∘ (h_{t−1} U_n + b_u))   candidate, reset after
///     n_t = tanh(x_t W_n + b_n + (r_t ∘ h_{t−1}) U_n)         reset before
///     n_t = tanh(x_t W_n + b_n + h_{t−1} U_n)                 without reset gate
///     h_t = (1 − z_t) ∘ n_t + z_t ∘ h_{t−1}
///
/// Who means what:
///
/// | | reset | z is the share that is |
/// |---|---|---|
/// | cuDNN, PyTorch, Keras (`reset_after`) | after | kept |
/// | CS224n's notes | after | kept |
/// | Cho et al. 2014, ONNX's default, d2l | before | kept |
/// | Ng | before (simplified: none) | taken |
///
/// A unit that takes z is one that keeps 1 − z: W_z, U_z and b_z change their signs, and nothing else does. Files keep.
///
/// The minimal gated unit (Zhou et al. 2016) has one gate f = 1 − z for both: it takes f of the candidate, and resets by f before the product.
///
/// Gates can be fixed. Reset 1 is a unit without reset gate; reset 0 a candidate that does not see the state. Update 0 is a network without
/// memory beyond its candidate: with reset 1 the simple recurrent network, with reset 0 a hidden layer for each step.
///
/// With the reset after the product, the candidate has two gates' columns, its input part and its recurrent part, at the ends, so that
/// input and recurrence each reach neighbours.
struct GRUCell: RecurrentCell {
  let options: CellOptions
  let gates: [String]
  let inputGates: Range<Int>
  let stages: [CellStage]
  let hasHiddenState: Bool
  /// Where the gates are.
  private let reset, update, candidateState: Int?
  private let preparesCandidate: Bool

  init(_ options: CellOptions = CellOptions()) {
    self.options = options
    let fixed = options.fixedGates
    let hasReset = options.reset != .none && fixed.reset == nil && !options.isMinimal
    let hasUpdate = fixed.update == nil
    preparesCandidate = options.isMinimal || hasReset && options.reset == .before
    let isAfter = hasReset && options.reset == .after
    gates =
      ["candidate"] + (hasReset ? ["reset"] : []) + (hasUpdate ? ["update"] : [])
      + (isAfter ? ["candidate state"] : [])
    reset = gates.firstIndex(of: "reset")
    update = gates.firstIndex(of: "update")
    candidateState = gates.firstIndex(of: "candidate state")
    inputGates = 0..<gates.count - (isAfter ? 1 : 0)
    // Whether the candidate has a product over time of its own, in the stage of the gates or behind it.
    let seesState = fixed.reset != 0
    if preparesCandidate {
      stages = [CellStage(gates: 1..<gates.count), CellStage(gates: 0..<1, operand: .prepared)]
    } else {
      let product = isAfter || !seesState ? 1..<gates.count : 0..<gates.count
      stages = product.isEmpty ? [] : [CellStage(gates: product)]
    }
    hasHiddenState = hasUpdate || !stages.isEmpty
  }

  var carriesHidden: Bool { update != nil || preparesCandidate }

  private func isPreparation(_ stage: Int) -> Bool { preparesCandidate && stage == 0 }

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    let (r, z) = (reset.map(s.gate), update.map(s.gate))
    if isPreparation(stage) {
      return kernels.gruPrepare(
        s.shape,
        GRUPreparation(reset: r, update: z, previousHidden: s.previousHidden, prepared: s.prepared))
    }
    kernels.gruForward(
      s.shape,
      GRUForward(
        reset: preparesCandidate ? nil : r, update: z, candidate: s.gate(0),
        candidateState: candidateState.map { UnsafePointer(s.gate($0)) }, isPrepared: preparesCandidate,
        previousHidden: s.previousHidden, hidden: s.hidden))
  }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    let (r, z) = (reset.map(s.gate), update.map(s.gate))
    // Nobody needs h_t any more, so the minimal unit keeps ∂z there until it has all of it.
    let slope = s.hidden
    if isPreparation(stage) {
      return kernels.gruPrepareBackward(
        s.shape,
        GRUPreparationBackward(
          reset: r, update: z, updateSlope: slope, previousHidden: s.previousHidden,
          preparedGradient: s.preparedGradient, hiddenGradient: s.hiddenGradient))
    }
    kernels.gruBackward(
      s.shape,
      GRUBackward(
        reset: preparesCandidate ? nil : r, update: z, candidate: s.gate(0),
        candidateState: candidateState.map(s.gate), previousHidden: s.previousHidden,
        updateSlope: options.isMinimal ? slope : nil, hiddenGradient: s.hiddenGradient))
  }
}
