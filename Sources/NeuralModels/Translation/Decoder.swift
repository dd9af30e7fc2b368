import Kernels
import LanguageModels
import Tensors

/// The side of a translator that writes: embeddings, layers over them that begin with what the encoder knows, and attention,
///
///     x_t = E[y_{t−1}],   h = layers(x),   f_t = dropout(attention(h_t)),   or f = h without attention
///
/// With input feeding, x_t = (E[y_{t−1}], f_{t−1}), f_{−1} = 0 (Luong, Pham and Manning 2015, section 3.3). The layers, which otherwise run over whole
/// sequences at once, then go step by step (`DecoderSteps`).
final class Decoder {
  let embedding: Embedding
  let layers: Stack
  /// `nil` if there is none.
  let attention: Attention?
  let feedsInput: Bool
  let dropout: Dropout
  /// Whether one mask serves all steps: that of dropped weights does, and has the key of the others.
  let hasOneMask: Bool
  let engine: Engine
  /// E[y], [T·B × E], and ∂L/∂ of it.
  let embedded, embeddedGradients: AlignedBuffer
  /// x and ∂L/∂x of what the layers are given at once, and ∂L/∂h.
  let inputs, inputGradients, layerGradients: AlignedBuffer
  /// With input feeding: f of all steps, what the layers remember before each, and ∂L/∂f_{t−1} by way of x_t.
  let features, states, feedbackGradients: AlignedBuffer

  /// - Parameter memorySize: M, what the encoder gives.
  init(
    _ configuration: TranslatorConfiguration, embedding: Embedding, memorySize: Int,
    _ declarations: Declarations
  ) {
    let (d, c) = (declarations, configuration)
    (self.embedding, engine, feedsInput) = (embedding, d.engine, c.feedsInput)
    layers = c.decoder.makeLayers(d)
    let (size, r) = (layers.outputSize, c.network.regularization)
    attention =
      c.attention == .none
      ? nil : Attention(c.attention, querySize: size, memorySize: memorySize, d.of("attention"))
    dropout = Dropout(
      size, rate: attention == nil ? 0 : r.outputDropout, isLocked: r.isLocked, number: 60,
      d.of("attention"))
    hasOneMask = r.isLocked || r.weightDropout > 0
    embedded = d.buffer("embedded", .positions(feedsInput ? embedding.size : 0))
    embeddedGradients = d.buffer("embedded_gradient", .positions(feedsInput ? embedding.size : 0))
    inputs = d.buffer("input", .positions(layers.inputSize))
    inputGradients = d.buffer("input_gradient", .positions(layers.inputSize))
    layerGradients = d.buffer("layer_gradient", .positions(attention == nil ? 0 : size))
    features = d.buffer("features", .positions(feedsInput ? size : 0))
    states = d.buffer("states", .positions(feedsInput ? layers.stateSize : 0))
    feedbackGradients = d.buffer("feedback_gradient", .rows(feedsInput ? size : 0))
  }

  /// F.
  var featureSize: Int { layers.outputSize }

  func initialize(using generator: inout SeededGenerator) {
    layers.initialize(using: &generator)
    attention?.initialize(using: &generator)
  }

  /// f of all steps, [T·B × F], until the next call.
  func forward(_ tokens: TokenRows, _ pass: Pass) -> MatrixView {
    if feedsInput { return forwardByStep(tokens, pass) }
    let x = inputs.matrix(pass.positions, embedding.size)
    embedding.forward(tokens.tokens, into: x, dropoutKey: pass.dropoutKey)
    return attend(layers.forward(x, pass), pass)
  }

  /// f of what the layers give.
  func attend(_ h: MatrixView, _ pass: Pass, sources: [Int]? = nil) -> MatrixView {
    guard let attention else { return h }
    return dropout.forward(attention.forward(h, pass, sources: sources), pass)
  }

  /// For the last `forward`: adds the gradients of the parameters to theirs, given ∂L/∂f [T·B × F], which is used up; the layers then have the
  /// gradients of the states that they began with.
  ///
  /// - Returns: ∂L/∂ of what is attended to, if something is.
  func backward(_ gradient: MatrixView, _ tokens: TokenRows, _ pass: Pass) -> MatrixView? {
    attention?.beginBackward()
    layers.clearStateGradients(rows: pass.rows)
    if feedsInput {
      backwardByStep(gradient, tokens, pass)
    } else {
      let dx = inputGradients.matrix(pass.positions, embedding.size)
      layers.backward(attendBackward(gradient, pass), into: dx, adding: false, pass)
      embedding.backward(tokens.tokens, dx)
    }
    return attention?.endBackward()
  }

  /// ∂L/∂h, given ∂L/∂f, which is used up.
  func attendBackward(_ gradient: MatrixView, _ pass: Pass) -> MatrixView {
    guard let attention else { return gradient }
    dropout.backward(gradient, into: gradient, adding: false, pass)
    let dh = layerGradients.matrix(pass.positions, featureSize)
    attention.backward(gradient, into: dh, pass)
    return dh
  }

  /// f behind one more token of each row, [B × F], until the next call: what a search goes on with.
  ///
  /// - Parameters:
  ///   - previous: f before it, [B × F]; `nil` at the beginning.
  ///   - sources: the row of the sources that each row translates.
  func advance(by tokens: [TokenID], previous: MatrixView?, sources: [Int]) -> MatrixView {
    var pass = Pass(steps: 1, rows: tokens.count)
    pass.keepsPackedWeights = true
    let x = inputs.matrix(tokens.count, layers.inputSize)
    if feedsInput {
      let vectors = embedded.matrix(tokens.count, embedding.size)
      embedding.forward(tokens, into: vectors, dropoutKey: nil)
      join(vectors, previous, into: x)
    } else {
      embedding.forward(tokens, into: x, dropoutKey: nil)
    }
    return attend(layers.forward(x, pass), pass, sources: sources)
  }

  /// x = (E[y], f), where f is zeros if `nil`.
  func join(_ vectors: MatrixView, _ f: MatrixView?, into x: MatrixView) {
    for row in 0..<x.rows {
      x.row(row).update(from: vectors.row(row), count: vectors.columns)
      let rest = x.row(row) + vectors.columns
      if let f {
        rest.update(from: f.row(row), count: featureSize)
      } else {
        rest.update(repeating: 0, count: featureSize)
      }
    }
  }
}
