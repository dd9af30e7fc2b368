import Glibc
import Kernels

/// The simple recurrent unit (Lei et al. 2018, "Simple recurrent units for highly parallelizable recurrence", equations 1 to 4), without an
/// activation of c, as its authors advise for language models:
///
///     x̃_t = x_t W                                     candidate
///     f_t = σ(x_t W_f + v_f ∘ c_{t−1} + b_f)          forget
///     r_t = σ(x_t W_r + v_r ∘ c_{t−1} + b_r)          reset
///     c_t = f_t ∘ c_{t−1} + (1 − f_t) ∘ x̃_t
///     h_t = r_t ∘ c_t + (1 − r_t) ∘ x′_t
///
/// No product depends on the step before, so all are done at once. The highway x′ is α x if I = H, with α = √(1 + 2 e^{b_r}) for the b_r that
/// it starts with, and else one more product x W_x. b_r starts at −3, so that a new deep stack hands its input on.
struct SRUCell: RecurrentCell {
  private let hasOwnHighway: Bool

  init(inputSize: Int, hiddenSize: Int) { hasOwnHighway = inputSize != hiddenSize }

  var gates: [String] { ["candidate", "forget", "reset"] + (hasOwnHighway ? ["highway"] : []) }
  var inputGates: Range<Int> { 0..<gates.count }
  let stages: [CellStage] = []
  let hasBias = false
  let vectors = ["forget_state", "reset_state", "forget_bias", "reset_bias"]
  let hasHiddenState = false
  let hasCellState = true
  var readsInput: Bool { !hasOwnHighway }

  private static let resetBias: Float = -3
  private static let highwayScale = (1 + 2 * exp(resetBias)).squareRoot()

  /// So that x W has the variance of x, and that of a gate is shared by its two terms.
  func initialWeight(gate k: Int, inputSize: Int, hiddenSize: Int) -> Float {
    let unit = Self.preservingWeight(inputSize)
    return switch gates[k] {
    case "forget", "reset": unit * Float(0.5).squareRoot()
    case "highway": unit * Self.highwayScale
    default: unit
    }
  }

  func initialVector(_ k: Int) -> (value: Float, isSpread: Bool) {
    switch vectors[k] {
    case "reset_bias": (Self.resetBias, false)
    case "forget_bias": (0, false)
    default: (Float(1.5).squareRoot(), true)
    }
  }

  private func forward(_ s: CellStep) -> SRUForward {
    SRUForward(
      candidate: s.gate(0), forget: s.gate(1), reset: s.gate(2),
      highway: hasOwnHighway ? UnsafePointer(s.gate(3)) : s.input,
      highwayStride: hasOwnHighway ? s.shape.gateStride : s.shape.stateStride,
      highwayScale: hasOwnHighway ? 1 : Self.highwayScale, forgetState: s.vector(0), resetState: s.vector(1),
      forgetBias: s.vector(2), resetBias: s.vector(3), previousCell: s.previousCell, cell: s.cell,
      hidden: s.hidden)
  }

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) { kernels.sruForward(s.shape, forward(s)) }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.sruBackward(
      s.shape,
      SRUBackward(
        forward: forward(s), candidate: s.gate(0), hiddenGradient: s.hiddenGradient,
        cellGradient: s.cellGradient, highwayGradient: hasOwnHighway ? s.gate(3) : s.inputGradient,
        addsHighway: !hasOwnHighway, forgetState: s.vectorGradient(0), resetState: s.vectorGradient(1),
        forgetBias: s.vectorGradient(2), resetBias: s.vectorGradient(3)))
  }
}
