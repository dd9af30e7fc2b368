import Kernels

/// The pointwise mathematics of a recurrent layer's gates, and nothing else.
///
/// A layer of H units has some gates, whose pre-activations are kept gate by gate, in H columns each:
///
///     a_t[:, k]  =  x_t W_k + b_k       for k in `inputGates`       (b_k alone for the other gates)
///                +  s U_k               for k in the gates of a stage, where s is that stage's operand
///
/// The products are the layer's. A step is done in stages: the layer computes the product of the stage, and the cell turns what
/// has come together so far into the operand of the next stage, or, in the last one, into the new state. On the way back the cell turns
/// the gradients of the new state into those of a_t and of the previous state, stage by stage from the last to the first. Both work on
/// some of the units: each thread has its own. What goes around a cell is the layer's too: projection and zoneout.
///
/// A cell without stages needs no product over time: all its products are done at once, before the first step and after the last.
protocol RecurrentCell: Sendable {
  /// What it has and lacks beside its usual form.
  var options: CellOptions { get }
  /// The names of the gates, in the order of their columns.
  var gates: [String] { get }
  /// The gates that the input reaches; a gate that nothing reaches is room for what is computed from the others.
  var inputGates: Range<Int> { get }
  /// The products over time of a step, in their order; a gate that the input does not reach is in one of them at most.
  var stages: [CellStage] { get }
  /// Whether every gate has a bias.
  var hasBias: Bool { get }
  /// The names of parameters of H numbers each, one for every unit.
  var vectors: [String] { get }
  /// How many sums over all units of a row a step needs; see `CellStep.partialSums`.
  var rowSums: Int { get }
  /// How many numbers of a row and step it wants to find again in `backward`.
  var rowValues: Int { get }
  /// Whether h is a part of the state: whether anything of a step depends on h_{t−1}.
  var hasHiddenState: Bool { get }
  /// Whether the state has a cell state c.
  var hasCellState: Bool { get }
  /// Whether h_{t−1} reaches h_t by another way than the products, so that `backward` gives a part of its gradient.
  var carriesHidden: Bool { get }
  /// Whether x_t reaches h_t by another way than the products, so that `backward` gives a part of its gradient; then I = H.
  var readsInput: Bool { get }

  /// The input weights of gate k start uniform in ± this.
  func initialWeight(gate k: Int, inputSize: Int, hiddenSize: Int) -> Float
  /// What the bias of gate k starts with.
  func initialBias(gate k: Int) -> Float
  /// What vector k starts with: all its numbers, or their largest if they are `spread` uniformly around 0.
  func initialVector(_ k: Int) -> (value: Float, isSpread: Bool)

  /// Overwrites the activations over their pre-activations, and the next stage's operand or, in the last stage, the new state.
  func forward(stage: Int, _ step: CellStep, _ kernels: KernelTable)

  /// Overwrites ∂L/∂a_t of the stage's gates over their activations; in the last stage, which is the first to be called, also those of
  /// gates without stage, and the gradients of the previous state over those of the new one.
  func backward(stage: Int, _ step: CellStep, _ kernels: KernelTable)
}

/// One product over time in a step.
struct CellStage {
  /// What is multiplied by the recurrent weights.
  enum Operand {
    /// h_{t−1}.
    case previousHidden
    /// What `forward` of the stage before wrote to `CellStep.prepared`.
    case prepared
    /// The activation of gate k in the step before.
    case previousGate(Int)
  }

  /// The gates that the product reaches; none if the stage only waits until all units are there, for the sums over a row.
  let gates: Range<Int>
  var operand = Operand.previousHidden

  var isPrepared: Bool { if case .prepared = operand { true } else { false } }
  var multipliesHidden: Bool { if case .previousHidden = operand { true } else { false } }
  /// The gate of the step before that it multiplies.
  var previousGate: Int? { if case .previousGate(let gate) = operand { gate } else { nil } }
}

/// Most cells have gates with biases, a hidden state, and nothing else.
extension RecurrentCell {
  var options: CellOptions { CellOptions() }
  var hasBias: Bool { options.hasBias }
  var vectors: [String] { [] }
  var rowSums: Int { 0 }
  var rowValues: Int { 0 }
  var hasHiddenState: Bool { true }
  var hasCellState: Bool { false }
  var carriesHidden: Bool { false }
  var readsInput: Bool { false }
  func initialWeight(gate k: Int, inputSize: Int, hiddenSize: Int) -> Float { Self.usualWeight(hiddenSize) }
  func initialBias(gate k: Int) -> Float { 0 }
  func initialVector(_ k: Int) -> (value: Float, isSpread: Bool) { (0, false) }

  /// 1/√H, as in PyTorch.
  static func usualWeight(_ hiddenSize: Int) -> Float { 1 / Float(hiddenSize).squareRoot() }

  /// √(3/I), so that x W has the variance of x (LeCun et al. 1998, "Efficient backprop", section 4.6): for cells that have no other product and
  /// stand in stacks.
  static func preservingWeight(_ inputSize: Int) -> Float { (3 / Float(inputSize)).squareRoot() }
}

/// What a cell works on at one time step: some rows, and the units of one thread.
///
/// All pointers are those of the first row and the thread's first unit. What a cell did not ask for is without meaning.
struct CellStep {
  /// Rows, units, and the floats from a row to the next of gates and of states.
  let shape: CellShape
  /// H, the columns from a gate to the next.
  let hiddenSize: Int
  /// a_t, then the activations, then ∂L/∂a_t: [B × gates·H].
  let gates: UnsafeMutablePointer<Float>
  /// h_{t−1}.
  let previousHidden: UnsafePointer<Float>
  /// h_t.
  let hidden: UnsafeMutablePointer<Float>
  /// c_{t−1}.
  let previousCell: UnsafePointer<Float>
  /// c_t.
  let cell: UnsafeMutablePointer<Float>
  /// tanh(c_t), or whatever else of every unit and step a cell wants to find again in `backward`.
  let cellTanh: UnsafeMutablePointer<Float>
  /// x_t, if the cell `readsInput`; its rows are as far apart as those of states.
  let input: UnsafePointer<Float>
  /// Forward: where the operand of the next stage goes. Backward: what went there.
  let prepared: UnsafeMutablePointer<Float>
  /// The numbers of the first vector, and the floats from a vector to the next.
  let vectors: UnsafePointer<Float>
  let vectorStride: Int
  /// Sums over the units of a row, in parts; see `PartialSums`.
  let partialSums: PartialSums
  /// What is kept of every row: `rowValues` numbers each, written by the thread for which `partialSums.isFirst`.
  let rowValues: UnsafeMutablePointer<Float>

  // MARK: Backward only

  /// In, ∂L/∂h_t; out, what reaches h_{t−1} by another way than the products, if the cell `carriesHidden`.
  let hiddenGradient: UnsafeMutablePointer<Float>
  /// In, ∂L/∂c_t; out, ∂L/∂c_{t−1}.
  let cellGradient: UnsafeMutablePointer<Float>
  /// ∂L/∂x_t as far as it does not come by the products: to be added to.
  let inputGradient: UnsafeMutablePointer<Float>
  /// The gradient of what this stage prepared for the next.
  let preparedGradient: UnsafePointer<Float>
  /// For the stages that multiply gates of the step before, in their order, what comes back to these gates from the step behind, and
  /// the floats from one to the next.
  let gateGradients: UnsafePointer<Float>
  let gateGradientStride: Int
  /// The gradients of the first vector: to be added to.
  let vectorGradients: UnsafeMutablePointer<Float>

  /// The pre-activations, activations or gradients of gate k.
  func gate(_ k: Int) -> UnsafeMutablePointer<Float> { gates + k * hiddenSize }

  /// The numbers of vector k.
  func vector(_ k: Int) -> UnsafePointer<Float> { vectors + k * vectorStride }

  /// What comes back to the kth of the gates that the step behind multiplies.
  func gateGradient(_ k: Int) -> UnsafePointer<Float> { gateGradients + k * gateGradientStride }

  /// The gradients of vector k.
  func vectorGradient(_ k: Int) -> UnsafeMutablePointer<Float> { vectorGradients + k * vectorStride }
}
