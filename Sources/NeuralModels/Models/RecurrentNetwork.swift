import Kernels
import LanguageModels
import Tensors

/// A stack of recurrent layers between an embedding and a softmax (Mikolov et al. 2010; Sundermeyer et al. 2012):
///
///     x⁰_t = E[w_{t−1}],   xˡ_t = layer_l(xˡ⁻¹_t, hˡ_{t−1}),   p(w_t) = softmax(x^L_t W + b)
///
/// with dropout on every x (Zaremba et al. 2014) and what else `Regularization` has.
final class RecurrentNetwork: NeuralNetwork {
  let arena = ParameterArena()
  let workspace = Workspace()
  let window = 1

  let embedding: Embedding
  let layers: [RecurrentLayer]
  private let output: SoftmaxOutput
  /// Dropout of x⁰ to x^L, and x⁰ to x^L after it.
  let dropouts: [Dropout]
  private let inputs: [AlignedBuffer]
  private let gradients: [AlignedBuffer]
  private let penalty: ActivationPenalty

  init(_ configuration: NeuralConfiguration, cell: CellKind, vocabularySize: Int, engine: Engine) {
    let c = configuration
    let (arena, workspace) = (arena, workspace)
    let r = c.regularization
    embedding = Embedding(
      vocabularySize: vocabularySize, size: c.embeddingSize, dropoutRate: r.embeddingDropout, arena: arena,
      workspace: workspace, engine: engine)
    layers = (0..<c.layers).map { l in
      RecurrentLayer(
        cell: cell.cell, inputSize: l == 0 ? c.embeddingSize : c.hiddenSize, hiddenSize: c.hiddenSize,
        number: l, weightDropoutRate: r.weightDropout, name: "layer\(l + 1)", arena: arena,
        workspace: workspace, engine: engine)
    }
    output = SoftmaxOutput(
      vocabularySize: vocabularySize, featureSize: c.hiddenSize,
      tied: c.tiesEmbeddings ? embedding.weights : nil, labelSmoothing: r.labelSmoothing,
      arena: arena, workspace: workspace, engine: engine)
    dropouts = (0...c.layers).map { l in
      Dropout(
        rate: l == 0 ? r.inputDropout : l == c.layers ? r.outputDropout : r.hiddenDropout,
        isLocked: r.isLocked, number: l, workspace: workspace, engine: engine)
    }
    penalty = ActivationPenalty(
      activation: r.activationPenalty, temporal: r.temporalPenalty, engine: engine)
    inputs = (0...c.layers).map { _ in workspace.buffer() }
    gradients = (0...c.layers).map { _ in workspace.buffer() }
    arena.allocate()
  }

  func initialize(using generator: inout SeededGenerator) {
    let isTied = output.weights === embedding.weights
    embedding.initialize(tied: isTied, using: &generator)
    for layer in layers { layer.initialize(using: &generator) }
    if !isTied { output.weights.value.fillUniform(0.1, using: &generator) }
    arena.valuesChanged()
  }

  /// The columns of xˡ.
  private func width(_ l: Int) -> Int { l == 0 ? embedding.size : layers[l - 1].hiddenSize }

  // MARK: Forward and backward

  /// x⁰ to x^L, of which the last is what the softmax is given, and h^L, which it is after dropout.
  private func forward(_ batch: Batch, dropoutKey: UInt64?) -> (x: [MatrixView], top: MatrixView) {
    let size = batch.steps * batch.rows
    var x = inputs[0].matrix(size, width(0))
    embedding.forward(batch.inputs, into: x, dropoutKey: dropoutKey)
    var top = x
    var all: [MatrixView] = []
    for l in 0...layers.count {
      if l > 0 {
        x = layers[l - 1].forward(
          x, steps: batch.steps, rows: batch.rows, restarts: batch.restarts, dropoutKey: dropoutKey)
        top = x
      }
      if let dropoutKey, dropouts[l].rate > 0 {
        // The layer needs its own h again, so the dropped one goes elsewhere.
        let dropped = inputs[l].matrix(size, width(l))
        dropouts[l].forward(x, into: dropped, steps: batch.steps, key: dropoutKey)
        x = dropped
      }
      all.append(x)
    }
    return (all, top)
  }

  func lossAndGradients(_ batch: Batch, dropoutKey: UInt64?) -> Double {
    let (x, hidden) = forward(batch, dropoutKey: dropoutKey)
    let top = layers.count
    let size = batch.steps * batch.rows
    var gradient = gradients[top].matrix(size, width(top))
    let loss = output.lossAndGradients(
      x[top], targets: batch.targets, scale: batch.lossScale, gradient: gradient)
    if penalty.activation > 0 {
      penalty.addActivationGradient(x[top], weight: batch.weight, to: gradient)
    }
    for l in stride(from: top, through: 0, by: -1) {
      if dropoutKey != nil, dropouts[l].rate > 0 { dropouts[l].backward(gradient, steps: batch.steps) }
      if l == top, penalty.temporal > 0 {
        penalty.addTemporalGradient(
          hidden, steps: batch.steps, restarts: batch.restarts, weight: batch.weight, to: gradient)
      }
      if l > 0 {
        let below = gradients[l - 1].matrix(size, width(l - 1))
        layers[l - 1].clearStateGradients(rows: batch.rows)
        layers[l - 1].backward(
          x[l - 1], steps: batch.steps, rows: batch.rows, restarts: batch.restarts, outputGradient: gradient,
          inputGradient: below)
        gradient = below
      }
    }
    embedding.backward(batch.inputs, gradient)
    return loss
  }

  func logProbabilities(_ batch: Batch) -> [Float] {
    output.logProbabilities(forward(batch, dropoutKey: nil).x[layers.count], targets: batch.targets)
  }

  func losses(_ batch: Batch) -> [Double] {
    output.losses(forward(batch, dropoutKey: nil).x[layers.count], targets: batch.targets)
  }

  func advance(window: [TokenID]) {
    _ = forward(Batch(steps: 1, rows: 1, inputs: window), dropoutKey: nil)
  }

  func distribution(window: [TokenID], into output: inout [Float]) {
    guard let top = layers.last else { return }
    self.output.distribution(
      MatrixView(top.hiddenState.pointer, rows: 1, columns: top.hiddenSize), into: &output)
  }

  // MARK: State

  var stateSize: Int { layers.reduce(0) { $0 + $1.stateSize } }

  func resetState(rows: Int) { for layer in layers { layer.resetState(rows: rows) } }

  func state(row: Int) -> [Float] { layers.flatMap { $0.state(row: row) } }

  func setState(_ values: [Float], row: Int) {
    var first = 0
    for layer in layers {
      layer.setState(values[first..<first + layer.stateSize], row: row)
      first += layer.stateSize
    }
  }
}
