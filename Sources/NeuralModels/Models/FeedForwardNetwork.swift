import Kernels
import LanguageModels
import Tensors

/// The neural probabilistic language model (Bengio et al. 2003, section 2): the embeddings of the last n − 1 tokens side by side, a tanh
/// hidden layer, a softmax:
///
///     x = (E[w_{t−n+1}], …, E[w_{t−1}]),   h = tanh(x W₁ + b₁),   p(w_t) = softmax(h W₂ [+ x W₃] + b₂)
///
/// W₃ only with direct connections; it is then kept below W₂ in one matrix [(H + (n − 1)E) × V]. Dropout is on h.
final class FeedForwardNetwork: NeuralNetwork {
  let arena = ParameterArena()
  let workspace = Workspace()
  let window: Int
  let stateSize = 0

  private let engine: Engine
  let embedding: Embedding
  private let hiddenWeights: Parameter
  private let hiddenBias: Parameter
  private let output: SoftmaxOutput
  let dropout: Dropout
  private let hasDirectConnections: Bool
  /// H and (n − 1)E.
  let hiddenSize: Int
  private let inputSize: Int
  private let buffers: [AlignedBuffer]

  init(_ configuration: NeuralConfiguration, vocabularySize: Int, engine: Engine) {
    let c = configuration
    let (arena, workspace) = (arena, workspace)
    self.engine = engine
    window = c.order - 1
    hiddenSize = c.hiddenSize
    inputSize = window * c.embeddingSize
    hasDirectConnections = c.hasDirectConnections
    embedding = Embedding(
      vocabularySize: vocabularySize, size: c.embeddingSize, dropoutRate: c.regularization.embeddingDropout,
      arena: arena, workspace: workspace, engine: engine)
    hiddenWeights = arena.add("hidden.weights", shape: [inputSize, hiddenSize])
    hiddenBias = arena.add("hidden.bias", shape: [hiddenSize])
    output = SoftmaxOutput(
      vocabularySize: vocabularySize, featureSize: hiddenSize + (hasDirectConnections ? inputSize : 0),
      tied: c.tiesEmbeddings ? embedding.weights : nil, labelSmoothing: c.regularization.labelSmoothing,
      arena: arena, workspace: workspace, engine: engine)
    dropout = Dropout(rate: c.dropout, number: 0, workspace: workspace, engine: engine)
    buffers = (0..<7).map { _ in workspace.buffer() }
    arena.allocate()
  }

  func initialize(using generator: inout SeededGenerator) {
    let isTied = output.weights === embedding.weights
    embedding.initialize(tied: isTied, using: &generator)
    hiddenWeights.value.fillUniform(1 / Float(inputSize).squareRoot(), using: &generator)
    // Direct connections stay at 0: the network begins as one without them.
    if !isTied { output.weights.value.rows(0..<hiddenSize).fillUniform(0.1, using: &generator) }
    arena.valuesChanged()
  }

  /// x, h, and the features: h after dropout, with x beside it if there are direct connections.
  private typealias Activations = (inputs: MatrixView, hidden: MatrixView, features: MatrixView)

  private func forward(_ batch: Batch, dropoutKey: UInt64?) -> Activations {
    let rows = batch.steps * batch.rows
    let inputs = buffers[0].matrix(rows, inputSize)
    let hidden = buffers[1].matrix(rows, hiddenSize)
    // The rows of x are the embeddings of the window, one after the other.
    embedding.forward(
      batch.inputs, into: MatrixView(inputs.pointer, rows: rows * window, columns: embedding.size),
      dropoutKey: dropoutKey)
    // h = tanh(x W₁ + b₁)
    engine.products.multiply(inputs, hiddenWeights.value, into: hidden, bias: hiddenBias.value.pointer)
    engine.split(rows * hiddenSize) { part in
      let h = hidden.pointer + part.lowerBound
      engine.kernels.tanh(part.count, h, h)
    }
    var features = hidden
    if let dropoutKey, dropout.rate > 0 {
      features = buffers[2].matrix(rows, hiddenSize)
      dropout.forward(hidden, into: features, steps: batch.steps, key: dropoutKey)
    }
    if hasDirectConnections {
      let both = buffers[3].matrix(rows, hiddenSize + inputSize)
      engine.copy(features, to: both.columns(0..<hiddenSize))
      engine.copy(inputs, to: both.columns(hiddenSize..<hiddenSize + inputSize))
      features = both
    }
    return (inputs, hidden, features)
  }

  func lossAndGradients(_ batch: Batch, dropoutKey: UInt64?) -> Double {
    let (inputs, hidden, features) = forward(batch, dropoutKey: dropoutKey)
    let rows = inputs.rows
    let featureGradient = buffers[4].matrix(rows, features.columns)
    let inputGradient = buffers[5].matrix(rows, inputSize)
    let loss = output.lossAndGradients(
      features, targets: batch.targets, scale: batch.lossScale, gradient: featureGradient)
    var hiddenGradient = featureGradient
    if hasDirectConnections {
      hiddenGradient = buffers[6].matrix(rows, hiddenSize)
      engine.copy(featureGradient.columns(0..<hiddenSize), to: hiddenGradient)
      engine.copy(featureGradient.columns(hiddenSize..<hiddenSize + inputSize), to: inputGradient)
    }
    if dropoutKey != nil, dropout.rate > 0 { dropout.backward(hiddenGradient, steps: batch.steps) }
    // h = tanh(a):  da = dh (1 − h²)
    engine.split(rows) { part in
      let shape = CellShape(
        rows: part.count, units: hiddenSize, gateStride: hiddenSize, stateStride: hiddenSize)
      let gradient = hiddenGradient.rows(part).pointer
      engine.kernels.elmanBackward(shape, hidden.rows(part).pointer, gradient, gradient)
    }
    // a = x W₁ + b₁:  dW₁ += xᵀ da,  db₁ += Σ da,  dx (+)= da W₁ᵀ
    engine.products.multiply(
      transposed: inputs, hiddenGradient, into: hiddenWeights.gradient, accumulate: true)
    engine.addColumnSums(hiddenGradient, into: hiddenBias.gradient)
    engine.products.multiply(
      hiddenGradient, transposed: hiddenWeights.value, into: inputGradient, accumulate: hasDirectConnections)
    embedding.backward(
      batch.inputs, MatrixView(inputGradient.pointer, rows: rows * window, columns: embedding.size))
    return loss
  }

  func logProbabilities(_ batch: Batch) -> [Float] {
    output.logProbabilities(forward(batch, dropoutKey: nil).features, targets: batch.targets)
  }

  func losses(_ batch: Batch) -> [Double] {
    output.losses(forward(batch, dropoutKey: nil).features, targets: batch.targets)
  }

  func advance(window: [TokenID]) {}

  func distribution(window: [TokenID], into output: inout [Float]) {
    let batch = Batch(steps: 1, rows: 1, inputs: window)
    self.output.distribution(forward(batch, dropoutKey: nil).features, into: &output)
  }

  // MARK: State: none, for the window is in the batch

  func resetState(rows: Int) {}
  func state(row: Int) -> [Float] { [] }
  func setState(_ values: [Float], row: Int) {}
}
