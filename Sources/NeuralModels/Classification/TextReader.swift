import Kernels
import LanguageModels
import Tensors

/// What makes one vector of each text of a batch: [B × F].
protocol TextReader: AnyObject {
  /// F.
  var size: Int { get }
  /// The vectors of the tokens that it looks up.
  var embedding: Embedding { get }

  /// Gives every parameter its first value.
  func initialize(using generator: inout SeededGenerator)

  /// v of each row, until the next call. `dropoutKey` decides the masks; without it, nothing is dropped.
  func forward(_ batch: TextBatch, dropoutKey: UInt64?) -> MatrixView

  /// Adds to the gradients of the parameters, given ∂L/∂v [B × F] of the batch of the last `forward`; unless `all` learn, of none that a
  /// language model has too.
  func backward(_ gradient: MatrixView, _ batch: TextBatch, dropoutKey: UInt64?, all: Bool)
}

/// Embeddings, layers over them, and a pool:  x_t = E[w_t],  y = layers(x),  v = pool(y).
final class LayersReader: TextReader {
  let embedding: Embedding
  let layers: Stack
  let pooling: PoolingLayer
  private let engine: Engine
  private let inputs, inputGradients, featureGradients: AlignedBuffer

  init(_ configuration: ClassifierConfiguration, vocabularySize: Int, _ d: Declarations) {
    let encoder = configuration.encoder
    engine = d.engine
    // The names of the layers are those of a language model's, whose weights they can begin with.
    embedding = Embedding(
      vocabularySize: vocabularySize, size: encoder.embeddingSize,
      dropoutRate: encoder.regularization.embeddingDropout, d)
    layers = encoder.makeLayers(d, isBidirectional: configuration.isBidirectional)
    let size = layers.outputSize
    pooling = PoolingLayer(
      configuration.pooling, size: size, forwardSize: configuration.isBidirectional ? size / 2 : size,
      d.of("pool"))
    inputs = d.buffer("input", .positions(encoder.embeddingSize))
    inputGradients = d.buffer("input_gradient", .positions(encoder.embeddingSize))
    featureGradients = d.buffer("feature_gradient", .positions(size))
  }

  var size: Int { layers.outputSize }

  func initialize(using generator: inout SeededGenerator) {
    embedding.initialize(tied: true, using: &generator)
    layers.initialize(using: &generator)
    pooling.initialize(using: &generator)
  }

  func forward(_ batch: TextBatch, dropoutKey: UInt64?) -> MatrixView {
    let pass = batch.pass(dropoutKey: dropoutKey)
    let x = inputs.matrix(pass.positions, embedding.size)
    embedding.forward(batch.inputs, into: x, dropoutKey: dropoutKey)
    layers.resetState(rows: batch.rows)
    return pooling.forward(layers.forward(x, pass), pass)
  }

  func backward(_ gradient: MatrixView, _ batch: TextBatch, dropoutKey: UInt64?, all: Bool) {
    let pass = batch.pass(dropoutKey: dropoutKey)
    let features = featureGradients.matrix(pass.positions, size)
    pooling.backward(gradient, into: features, pass)
    guard all else { return }
    let x = inputGradients.matrix(pass.positions, embedding.size)
    layers.clearStateGradients(rows: batch.rows)
    layers.backward(features, into: x, adding: false, pass)
    embedding.backward(batch.inputs, x)
  }
}

/// The mean of the vectors of a text's tokens and of its n-grams of up to N tokens, which share vectors by their hashes
/// (fastText; Joulin et al. 2017).
final class NGramReader: TextReader {
  let embedding: Embedding
  private let order, buckets, vocabularySize: Int
  private let dropout: Dropout
  private let pooling: PoolingLayer
  private let engine: Engine
  private let inputs, gradients: AlignedBuffer
  /// What the batch of the last `forward` was read as.
  private var read: TextBatch?

  init(_ configuration: ClassifierConfiguration, vocabularySize: Int, _ d: Declarations) {
    let (encoder, size) = (configuration.encoder, configuration.encoder.embeddingSize)
    engine = d.engine
    (order, buckets) = (configuration.wordOrder, configuration.buckets)
    self.vocabularySize = vocabularySize
    embedding = Embedding(
      vocabularySize: vocabularySize + buckets, size: size,
      dropoutRate: encoder.regularization.embeddingDropout, d)
    dropout = Dropout(
      size, rate: encoder.regularization.inputDropout, isLocked: false, number: 0, d.of("bag"))
    pooling = PoolingLayer(.mean, size: size, forwardSize: size, d.of("pool"))
    inputs = d.buffer("input", .positions(size))
    gradients = d.buffer("input_gradient", .positions(size))
  }

  var size: Int { embedding.size }

  func initialize(using generator: inout SeededGenerator) {
    embedding.initialize(tied: true, using: &generator)
  }

  func forward(_ batch: TextBatch, dropoutKey: UInt64?) -> MatrixView {
    let features = order > 1 ? TextBatch(batch.texts.map(withNGrams)) : batch
    read = features
    let pass = features.pass(dropoutKey: dropoutKey)
    let x = inputs.matrix(pass.positions, size)
    embedding.forward(features.inputs, into: x, dropoutKey: dropoutKey)
    return pooling.forward(dropout.forward(x, pass), pass)
  }

  func backward(_ gradient: MatrixView, _ batch: TextBatch, dropoutKey: UInt64?, all: Bool) {
    guard all else { return }
    guard let read else { preconditionFailure("there is no gradient before a forward pass") }
    let pass = read.pass(dropoutKey: dropoutKey)
    let x = gradients.matrix(pass.positions, size)
    pooling.backward(gradient, into: x, pass)
    dropout.backward(x, into: x, adding: false, pass)
    embedding.backward(read.inputs, x)
  }

  /// The text with the numbers of the vectors of its n-grams behind its tokens.
  private func withNGrams(_ text: LabelledText) -> LabelledText {
    let tokens = text.tokens
    var all = tokens
    for start in tokens.indices {
      var hash = UInt64(tokens[start]) &+ 0x9E37_79B9_7F4A_7C15
      for token in tokens[(start + 1)...].prefix(order - 1) {
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9 &+ UInt64(token)
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        all.append(TokenID(vocabularySize + Int(hash % UInt64(buckets))))
      }
    }
    return LabelledText(tokens: all, labels: text.labels)
  }
}
