import Kernels

/// Long short-term memory with layer normalization (Ba, Kiros and Hinton 2016, equations 20 to 22): see `LayerNormLSTM` for its equations.
///
/// The paper's β of both sums and its b add up to one bias for each gate. What h multiplies and what x multiplies are normalized apart, each over
/// all gates, so that they have columns of their own; the gates themselves follow.
struct LayerNormLSTMCell: RecurrentCell {
  let options: CellOptions
  private static let names = ["input", "forget", "candidate", "output"]
  let gates = names.map { "\($0) of x" } + names.map { "\($0) of h" } + names + ["normalized cell"]
  let inputGates = 0..<4
  /// The product, and two more times to wait for sums over all units.
  let stages = [CellStage(gates: 4..<8), CellStage(gates: 8..<8), CellStage(gates: 8..<8)]
  let vectors =
    names.map { "\($0)_input_gain" } + names.map { "\($0)_state_gain" } + names.map { "\($0)_bias" }
    + ["cell_gain", "cell_bias"]
  let hasBias = false
  let rowSums = LayerNormLSTM.sumCount
  let rowValues = LayerNormLSTM.scaleCount
  let hasCellState = true

  init(_ options: CellOptions) { self.options = options }

  func initialVector(_ k: Int) -> (value: Float, isSpread: Bool) {
    if vectors[k] == "forget_bias" { return (Float(options.forgetBias), false) }
    return (vectors[k].hasSuffix("_gain") ? 1 : 0, false)
  }

  private func kernelArguments(_ s: CellStep) -> LayerNormLSTM {
    LayerNormLSTM(
      inputs: s.gate(0), states: s.gate(4), gates: s.gate(8), normalizedCell: s.gate(12),
      hiddenSize: s.hiddenSize, vectors: s.vectors, vectorStride: s.vectorStride,
      previousCell: s.previousCell, cell: s.cell, cellTanh: s.cellTanh, hidden: s.hidden,
      sums: s.partialSums, scales: s.rowValues, hiddenGradient: s.hiddenGradient,
      cellGradient: s.cellGradient, vectorGradients: s.vectorGradients)
  }

  func forward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.layerNormLSTMForward(s.shape, stage, kernelArguments(s))
  }

  func backward(stage: Int, _ s: CellStep, _ kernels: KernelTable) {
    kernels.layerNormLSTMBackward(s.shape, stage, kernelArguments(s))
  }
}
