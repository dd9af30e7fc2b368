import Kernels
import LanguageModels
import Tensors

/// A network that labels texts: embeddings, layers over them (or none), pooling, and a score for each label.
///
///     x_t = E[w_t],   y = layers(x),   v = pool(y),   z = v W + b
final class ClassifierNetwork: Network {
  let embedding: Embedding
  /// `nil` if there are none.
  let layers: Stack?
  let pooling: PoolingLayer
  let head: LabelHead
  /// How the texts that it is given become those that it reads.
  let wordFeatures: WordFeatures
  private let bagDropout: Dropout?
  private let outputDropout: Dropout
  let declarations: Declarations
  private let inputs, inputGradients, featureGradients, pooledGradients: AlignedBuffer

  /// A network of `configuration`, declared: it has no memory yet.
  init(_ configuration: ClassifierConfiguration, vocabularySize: Int, labelCount: Int, engine: Engine) {
    let (c, d) = (configuration, Declarations(engine: engine))
    declarations = d
    wordFeatures = WordFeatures(configuration, vocabularySize: vocabularySize)
    let size = c.encoder.embeddingSize
    embedding = Embedding(
      vocabularySize: vocabularySize + c.buckets, size: size,
      dropoutRate: c.encoder.regularization.embeddingDropout, d)
    // The names of the layers are those of a language model's, whose weights they can begin with.
    layers = c.isBag ? nil : c.encoder.makeLayers(d, isBidirectional: c.isBidirectional)
    bagDropout =
      c.isBag
      ? Dropout(size, rate: c.encoder.regularization.inputDropout, isLocked: false, number: 0, d.of("bag"))
      : nil
    let featureSize = layers?.outputSize ?? size
    pooling = PoolingLayer(
      c.isBag ? .mean : c.pooling, size: featureSize,
      forwardSize: c.isBidirectional && !c.isBag ? featureSize / 2 : featureSize, d.of("pool"))
    outputDropout = Dropout(
      featureSize, rate: c.encoder.regularization.outputDropout, isLocked: false, number: 50, d.of("pooled"))
    head = LabelHead(
      featureSize: featureSize, labelCount: labelCount, isMultiple: c.rules.isMultiple, d.of("labels"))
    inputs = d.buffer("input", .positions(size))
    inputGradients = d.buffer("input_gradient", .positions(size))
    featureGradients = d.buffer("feature_gradient", .positions(featureSize))
    pooledGradients = d.buffer("pooled_gradient", .rows(featureSize))
  }

  /// Gives every parameter its first value.
  func initialize(using generator: inout SeededGenerator) {
    embedding.initialize(tied: true, using: &generator)
    layers?.initialize(using: &generator)
    pooling.initialize(using: &generator)
    head.initialize(using: &generator)
    arena.valuesChanged()
  }

  /// v of each row: [B × F].
  private func vectors(_ batch: TextBatch, _ pass: Pass) -> MatrixView {
    let x = inputs.matrix(pass.positions, embedding.size)
    embedding.forward(batch.inputs, into: x, dropoutKey: pass.dropoutKey)
    layers?.resetState(rows: batch.rows)
    let y = layers?.forward(x, pass) ?? bagDropout?.forward(x, pass) ?? x
    return outputDropout.forward(pooling.forward(y, pass), pass.ofOneStep)
  }

  /// The sum of the losses of the batch; adds the gradients of `scale` times that to the arena's. `dropoutKey` decides the masks;
  /// without it, nothing is dropped. Embeddings and layers get no gradients unless `encoderLearns`.
  func lossAndGradients(
    _ batch: TextBatch, scale: Float, dropoutKey: UInt64?, encoderLearns: Bool = true
  ) -> Double {
    let pass = batch.pass(dropoutKey: dropoutKey)
    let v = vectors(batch, pass)
    let pooled = pooledGradients.matrix(batch.rows, v.columns)
    let loss = head.lossAndGradients(v, targets: batch.labels, scale: scale, gradient: pooled)
    outputDropout.backward(pooled, into: pooled, adding: false, pass.ofOneStep)
    let gradient = featureGradients.matrix(pass.positions, v.columns)
    pooling.backward(pooled, into: gradient, pass)
    if !encoderLearns { return loss }
    let inputGradient = inputGradients.matrix(pass.positions, embedding.size)
    if let layers {
      layers.clearStateGradients(rows: batch.rows)
      layers.backward(gradient, into: inputGradient, adding: false, pass)
    } else {
      bagDropout?.backward(gradient, into: gradient, adding: false, pass)
      engine.move(gradient, into: inputGradient)
    }
    embedding.backward(batch.inputs, inputGradient)
    return loss
  }

  /// The loss of each row, and p of each label.
  func evaluate(_ batch: TextBatch) -> (losses: [Double], probabilities: [[Float]]) {
    let v = vectors(batch, batch.pass())
    return (batch.labels.isEmpty ? [] : head.losses(v, targets: batch.labels), head.probabilities(v))
  }
}

extension Pass {
  /// Of what there is once for each row.
  fileprivate var ofOneStep: Pass { Pass(steps: 1, rows: rows, dropoutKey: dropoutKey) }
}

/// The tokens of a text and, if there are no layers, its n-grams of words, which share vectors by their hashes (Joulin et al. 2017).
struct WordFeatures {
  private let order: Int
  private let buckets: Int
  private let vocabularySize: Int

  init(_ configuration: ClassifierConfiguration, vocabularySize: Int) {
    (order, buckets) = (configuration.wordOrder, configuration.buckets)
    self.vocabularySize = vocabularySize
  }

  /// The numbers of the vectors of a text.
  func callAsFunction(_ tokens: [TokenID]) -> [TokenID] {
    guard order > 1, buckets > 0 else { return tokens }
    var all = tokens
    for start in tokens.indices {
      var hash = UInt64(tokens[start]) &+ 0x9E37_79B9_7F4A_7C15
      for token in tokens[(start + 1)...].prefix(order - 1) {
        hash = (hash ^ hash >> 30) &* 0xBF58_476D_1CE4_E5B9 &+ UInt64(token)
        hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
        all.append(TokenID(vocabularySize + Int(hash % UInt64(buckets))))
      }
    }
    return all
  }
}
