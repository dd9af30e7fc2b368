import Kernels

/// Long short-term memory with forget gates (Hochreiter and Schmidhuber 1997; Gers et al. 2000; PyTorch's `LSTM`):
///
///     i_t = σ(x_t W_i + h_{t−1} U_i + b_i + p_i ∘ c_{t−1})    input
///     f_t = σ(x_t W_f + h_{t−1} U_f + b_f + p_f ∘ c_{t−1})    forget
///     g_t = tanh(x_t W_g + h_{t−1} U_g + b_g)                 candidate
///     c_t = f_t ∘ c_{t−1} + i_t ∘ g_t
///     o_t = σ(x_t W_o + h_{t−1} U_o + b_o + p_o ∘ c_t)        output
///     h_t = o_t ∘ tanh(c_t)
///
/// The peepholes p are there only on demand (Gers and Schmidhuber 2000). What can be left out or tied stands in `Ablations` (Greff et al. 2017).
/// With full gate recurrence each gate has three more terms, i_{t−1} R + f_{t−1} R′ + o_{t−1} R″.
///
/// The forget gate's bias starts at 0, which learns words and characters faster than 1 (Jozefowicz et al. 2015); that is for what must be
/// remembered long from the start.
struct LSTMCell: RecurrentCell {
  let options: CellOptions
  let gates: [String]
  let stages: [CellStage]
  let vectors: [String]
  let hasCellState = true
  /// Where gates, their peepholes and the stages of their last values are.
  private let input, forget, output: Int?
  private let candidate: Int
  private let inputPeephole, forgetPeephole, outputPeephole: Int?

  init(_ options: CellOptions = CellOptions()) {
    self.options = options
    let ablations = options.ablations
    let hasInput = !ablations.contains(.noInputGate)
    let hasForget = !ablations.contains(.noForgetGate) && !ablations.contains(.coupledGates)
    let hasOutput = !ablations.contains(.noOutputGate)
    let isFull = ablations.contains(.fullGateRecurrence)
    // Those that full gate recurrence reaches are neighbours.
    let own =
      (hasInput ? ["input"] : []) + (hasForget ? ["forget"] : []) + (isFull ? [] : ["candidate"])
      + (hasOutput ? ["output"] : []) + (isFull ? ["candidate"] : [])
    gates = own
    input = own.firstIndex(of: "input")
    forget = own.firstIndex(of: "forget")
    output = own.firstIndex(of: "output")
    candidate = own.firstIndex(of: "candidate") ?? 0
    vectors = options.hasPeepholes ? own.filter { $0 != "candidate" }.map { "\($0)_peephole" } : []
    inputPeephole = vectors.firstIndex(of: "input_peephole")
    forgetPeephole = vectors.firstIndex(of: "forget_peephole")
    outputPeephole = vectors.firstIndex(of: "output_peephole")
    let sigmoid = 0..<own.count - 1
    stages =
      [CellStage(gates: 0..<own.count)]
      + (isFull ? sigmoid.map { CellStage(gates: sigmoid, operand: .previousGate($0)) } : [])
  }

  var inputGates: Range<Int> { 0..<gates.count }

  func initialBias(gate k: Int) -> Float { gates[k] == "forget" ? Float(options.forgetBias) : 0 }

  private func forward(_ s: CellStep) -> LSTMForward {
    var p = LSTMForward(
      input: input.map(s.gate), forget: forget.map(s.gate), candidate: s.gate(candidate),
      output: output.map(s.gate), previousCell: s.previousCell, cell: s.cell, cellTanh: s.cellTanh,
      hidden: s.hidden)
    p.isCoupled = options.ablations.contains(.coupledGates)
    p.hasInputActivation = !options.ablations.contains(.noInputActivation)
    p.hasOutputActivation = !options.ablations.contains(.noOutputActivation)
    p.inputPeephole = inputPeephole.map(s.vector)
    p.forgetPeephole = forgetPeephole.map(s.vector)
    p.outputPeephole = outputPeephole.map(s.vector)
    return p
  }

  /// All products come first.
  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    if stage == stages.count - 1 { kernels.lstmForward(s.shape, forward(s)) }
  }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    guard stage == stages.count - 1 else { return }
    var p = LSTMBackward(
      forward: forward(s), hiddenGradient: s.hiddenGradient, cellGradient: s.cellGradient)
    p.inputPeephole = inputPeephole.map(s.vectorGradient)
    p.forgetPeephole = forgetPeephole.map(s.vectorGradient)
    p.outputPeephole = outputPeephole.map(s.vectorGradient)
    // The sigmoid gates come first, in this order.
    if stages.count > 1 {
      (p.inputGradient, p.forgetGradient) = (input.map(s.gateGradient), forget.map(s.gateGradient))
      p.outputGradient = output.map(s.gateGradient)
    }
    kernels.lstmBackward(s.shape, p)
  }
}
