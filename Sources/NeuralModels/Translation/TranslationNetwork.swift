import Kernels
import LanguageModels
import Tensors

/// A network that translates: an encoder reads a source, and a decoder writes its translation token by token (Sutskever, Vinyals and Le 2014),
///
///     p(y | x) = Π_t p(y_t | y_0 … y_{t−1}, x),   p(y_t | …) = output(f_t)
///
/// In training the decoder is given the tokens that it should have written (teacher forcing).
final class TranslationNetwork: Network {
  let encoder: Encoder
  let decoder: Decoder
  let bridge: Bridge
  let output: any OutputLayer
  let declarations: Declarations
  private let featureGradients: AlignedBuffer
  private let isTied: Bool

  /// A network of `configuration`, declared: it has no memory yet.
  init(_ configuration: TranslatorConfiguration, sourceSize: Int, targetSize: Int, engine: Engine) {
    let (c, d) = (configuration, Declarations(engine: engine))
    precondition(c.conflict == nil, "what a translator is made of goes together")
    precondition(!c.sharesVocabulary || sourceSize == targetSize, "one vocabulary is of one size")
    (declarations, isTied) = (d, c.network.tiesEmbeddings)
    let (encoderParts, decoderParts) = (d.of("encoder"), d.of("decoder"))
    let targets = Embedding(
      vocabularySize: targetSize, size: c.network.embeddingSize, firstRow: c.network.sharedRowsOfClusters,
      dropoutRate: c.network.regularization.embeddingDropout,
      tied: isTied && c.network.softmax.kind != .sampled, c.sharesVocabulary ? d : decoderParts)
    let sources =
      c.sharesVocabulary
      ? Embedding(sharing: targets, encoderParts)
      : Embedding(
        vocabularySize: sourceSize, size: c.network.embeddingSize,
        dropoutRate: c.network.regularization.embeddingDropout, encoderParts)
    encoder = Encoder(c, embedding: sources, encoderParts)
    decoder = Decoder(c, embedding: targets, memorySize: encoder.layers.outputSize, decoderParts)
    bridge = Bridge(from: encoder.layers, to: decoder.layers, d.of("bridge"))
    output = c.network.makeOutput(
      vocabularySize: targetSize, featureSize: decoder.featureSize, embedding: targets.weights,
      d.of("output"))
    featureGradients = d.buffer("feature_gradient", .positions(decoder.featureSize))
  }

  /// Gives every parameter its first value.
  func initialize(using generator: inout SeededGenerator) {
    for embedding in [encoder.embedding, decoder.embedding] {
      if isTied, embedding.weights === decoder.embedding.weights {
        embedding.initialize(tied: true, using: &generator)
      } else {
        embedding.initialize(deviation: Self.deviation, using: &generator)
      }
    }
    encoder.layers.initialize(using: &generator)
    bridge.initialize(using: &generator)
    decoder.initialize(using: &generator)
    output.initialize(features: decoder.featureSize, using: &generator)
    arena.valuesChanged()
  }

  /// What embeddings begin with that are not the weights of the output too.
  private static let deviation: Float = 1

  /// Reads sources: the decoder is then before their translations, one for each row.
  func read(_ source: TokenRows, _ pass: Pass) {
    let e = encoder.forward(source, pass)
    decoder.attention?.begin(e, pass)
    decoder.layers.resetState(rows: source.rows)
    bridge.forward(rows: source.rows)
  }

  /// f of all steps of a batch, [T·B × F].
  private func features(_ batch: PairBatch, _ key: UInt64?) -> MatrixView {
    read(batch.source, encoder.pass(batch.source, dropoutKey: key))
    return decoder.forward(batch.inputs, batch.inputs.pass(dropoutKey: key))
  }

  /// The sum of −ln p(y | x) over the pairs; adds the gradients of `scale` times what training minimizes to the arena's. `dropoutKey`
  /// decides the masks and what a softmax samples; neither is done without it.
  func lossAndGradients(_ batch: PairBatch, scale: Float, dropoutKey: UInt64?) -> Double {
    let f = features(batch, dropoutKey)
    let pass = batch.inputs.pass(dropoutKey: dropoutKey)
    let df = featureGradients.matrix(pass.positions, f.columns)
    let loss = output.lossAndGradients(f, targets: batch.targets, scale: scale, gradient: df, key: dropoutKey)
    let de = decoder.backward(df, batch.inputs, pass)
    encoder.layers.clearStateGradients(rows: pass.rows)
    bridge.backward(rows: pass.rows)
    encoder.backward(de, batch.source, encoder.pass(batch.source, dropoutKey: dropoutKey))
    return loss
  }

  /// −ln p of each target of a batch, [T·B], 0 behind the ends of rows.
  func losses(_ batch: PairBatch) -> [Double] { output.losses(features(batch, nil), targets: batch.targets) }

  /// a of each target of each pair, its end among them, over the tokens of the source and its end; empty without attention.
  func attention(_ batch: PairBatch) -> [[[Float]]] {
    var result = [[[Float]]](repeating: [], count: batch.source.rows)
    guard let attention = decoder.attention else { return result }
    read(batch.source, encoder.pass(batch.source, dropoutKey: nil))
    let rows = batch.source.rows
    var f: MatrixView?
    for t in 0..<batch.inputs.steps {
      let tokens = Array(batch.inputs.tokens[t * rows..<(t + 1) * rows])
      f = decoder.advance(by: tokens, previous: f, sources: Array(0..<rows))
      let a = attention.shares(positions: rows)
      for row in 0..<rows where t < batch.inputs.lengths[row] {
        result[row].append(
          Array(UnsafeBufferPointer(start: a.row(row), count: batch.source.lengths[row])))
      }
    }
    return result
  }
}
