import Kernels
import LanguageModels
import Tensors

/// A network that predicts the next token from those before it: embeddings of the previous tokens, layers, an output layer.
///
///     x_t = (E[w_{t−n}], …, E[w_{t−1}]),   f = layers(x),   p(w_t) = softmax(f_t W + b)
///
/// Every layer sees x of the present step and what it remembers of those before. Recurrent networks look n = 1 token back (Mikolov et
/// al. 2010; Sundermeyer et al. 2012), the neural probabilistic language model has no memory and looks back further (Bengio et al.
/// 2003, section 2).
final class NextTokenNetwork: Network {
  /// How many tokens before a target the network is given for it.
  let window: Int
  let embedding: Embedding
  let layers: Stack
  let output: any OutputLayer
  let declarations: Declarations
  /// Features from which on the output layer begins at zero.
  private let initialFeatures: Int
  private let inputs: AlignedBuffer
  private let inputGradients: AlignedBuffer
  private let featureGradients: AlignedBuffer
  private let keptFeatures: AlignedBuffer
  private let isTied: Bool

  /// A network of `configuration`, declared: it has no memory yet.
  init(_ configuration: NeuralConfiguration, vocabularySize: Int, engine: Engine) {
    let c = configuration
    let d = Declarations(engine: engine)
    declarations = d
    window = c.window
    embedding = Embedding(
      vocabularySize: vocabularySize, size: c.embeddingSize, firstRow: c.sharedRowsOfClusters,
      dropoutRate: c.regularization.embeddingDropout,
      tied: c.tiesEmbeddings && c.softmax.kind != .sampled, d)
    layers = c.makeLayers(d)
    isTied = c.tiesEmbeddings
    output = c.makeOutput(
      vocabularySize: vocabularySize, featureSize: layers.outputSize, embedding: embedding.weights,
      d.of("output"))
    initialFeatures = c.hasDirectConnections ? c.hiddenSize : layers.outputSize
    let inputSize = window * c.embeddingSize
    precondition(layers.inputSize == inputSize, "the layers take the embeddings of the window")
    inputs = d.buffer("input", .positions(inputSize))
    inputGradients = d.buffer("input_gradient", .positions(inputSize))
    featureGradients = d.buffer("feature_gradient", .positions(layers.outputSize))
    keptFeatures = d.workspace.buffer("features", .rows(layers.outputSize), isKept: true)
  }

  /// The weights that one token is multiplied by: all matrices but embeddings that are only looked up.
  var multipliedParameterCount: Int {
    arena.parameters.reduce(isTied ? 0 : -embedding.weights.count) {
      $0 + ($1.shape.count == 2 ? $1.count : 0)
    }
  }

  /// Gives every parameter its first value.
  func initialize(using generator: inout SeededGenerator) {
    embedding.initialize(tied: isTied, using: &generator)
    layers.initialize(using: &generator)
    output.initialize(features: initialFeatures, using: &generator)
    arena.valuesChanged()
  }

  // MARK: Batches

  /// The features of all positions of a batch: [T·B × F]; the state moves on.
  private func features(_ batch: Batch, _ pass: Pass) -> MatrixView {
    let x = inputs.matrix(pass.positions, layers.inputSize)
    // The rows of x are the embeddings of the window, one after the other.
    embedding.forward(batch.inputs, into: eachToken(x), dropoutKey: pass.dropoutKey)
    return layers.forward(x, pass)
  }

  /// The features of all positions of a batch without targets, [T·B × F], until the next pass; the state moves on.
  func features(_ batch: Batch) -> MatrixView { features(batch, batch.pass()) }

  private func eachToken(_ x: MatrixView) -> MatrixView {
    MatrixView(x.pointer, rows: x.rows * window, columns: embedding.size)
  }

  /// The sum of −ln p(target) over the batch; adds the gradients of its mean to the arena's, with those of penalties on activations
  /// and all times the batch's weight.
  ///
  /// The state moves on, without gradients flowing back from the next batch. `dropoutKey` decides the masks and what
  /// a softmax samples; neither is done without it.
  func lossAndGradients(_ batch: Batch, dropoutKey: UInt64?, probe: (any Probe)? = nil) -> Double {
    let pass = batch.pass(dropoutKey: dropoutKey, probe: probe)
    return addGradients(features(batch, pass), batch, pass)
  }

  /// The loss of a batch whose features f are known, and its gradients.
  private func addGradients(_ f: MatrixView, _ batch: Batch, _ pass: Pass) -> Double {
    let gradient = featureGradients.matrix(pass.positions, layers.outputSize)
    let loss = output.lossAndGradients(
      f, targets: batch.targets, scale: batch.lossScale, gradient: gradient, key: pass.dropoutKey)
    layers.clearStateGradients(rows: batch.rows)
    let inputGradient = inputGradients.matrix(pass.positions, layers.inputSize)
    layers.backward(gradient, into: inputGradient, adding: false, pass)
    embedding.backward(batch.inputs, eachToken(inputGradient))
    return loss
  }

  /// Gives `body` the features of the batch and −ln p(target) of each row, as `losses` does; then adds the gradients of its mean, without
  /// dropout and penalties. The state moves on.
  func lossesAndGradients(_ batch: Batch, _ body: (_ features: MatrixView, _ losses: [Double]) -> Void) {
    var pass = batch.pass()
    pass.weight = 0
    let f = features(batch, pass)
    body(f, output.losses(f, targets: batch.targets))
    _ = addGradients(f, batch, pass)
  }

  /// ln p(target) of each row of the batch, 0 where there is no target; the state moves on.
  func logProbabilities(_ batch: Batch) -> [Float] {
    output.logProbabilities(features(batch, batch.pass()), targets: batch.targets)
  }

  /// −ln p(target) of each row of the batch, 0 where there is no target; the state moves on.
  func losses(_ batch: Batch, probe: (any Probe)? = nil) -> [Double] {
    output.losses(features(batch, batch.pass(probe: probe)), targets: batch.targets)
  }

  // MARK: One step of several rows

  /// Moves the states of B rows behind one more token each, the last of its window, and gives their features, [B × F], until the next
  /// pass.
  func advance(windows: [TokenID]) -> MatrixView {
    let batch = Batch(steps: 1, rows: windows.count / window, inputs: windows)
    var pass = batch.pass()
    pass.keepsPackedWeights = true
    return features(batch, pass)
  }

  /// ln p of every token for each row of `features` [B × F]: [B × V]; `output` is overwritten.
  func logDistributions(features: [Float], into output: inout [Float]) {
    let x = keptFeatures.matrix(features.count / layers.outputSize, layers.outputSize)
    x.pointer.update(from: features, count: features.count)
    self.output.logDistributions(x, into: &output)
  }

  // MARK: State

  /// How many numbers the network remembers of a row from one token to the next.
  var stateSize: Int { layers.stateSize }

  /// Forgets everything, and makes room for B rows.
  func resetState(rows: Int) { layers.resetState(rows: rows) }

  /// What the network remembers of a row.
  func state(row: Int) -> [Float] { layers.state(row: row) }

  /// Makes the network remember of a row what `state(row:)` once gave.
  func setState(_ values: [Float], row: Int) { layers.setState(values[...], row: row) }
}
