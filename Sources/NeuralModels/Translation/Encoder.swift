import Kernels
import LanguageModels
import Tensors

/// The side of a translator that reads: embeddings and layers over them,
///
///     x_i = E[w_i],   e = layers(x)
final class Encoder {
  let embedding: Embedding
  let layers: Stack
  private let inputs, inputGradients, noGradients: AlignedBuffer
  private let engine: Engine

  init(_ configuration: TranslatorConfiguration, embedding: Embedding, _ declarations: Declarations) {
    let d = declarations
    (self.embedding, engine) = (embedding, d.engine)
    layers = configuration.encoder.makeLayers(d, isBidirectional: configuration.isBidirectional)
    inputs = d.buffer("input", .positions(embedding.size))
    inputGradients = d.buffer("input_gradient", .positions(embedding.size))
    noGradients = d.buffer("no_gradient", .positions(layers.outputSize))
  }

  /// Decides what is dropped here by the key of the decoder, so that it is not the same.
  private static func key(_ key: UInt64?) -> UInt64? { key.map { $0 ^ 0x6A09_E667_F3BC_C908 } }

  /// The pass of some sources.
  func pass(_ source: TokenRows, dropoutKey: UInt64?) -> Pass {
    source.pass(dropoutKey: Self.key(dropoutKey))
  }

  /// e [S·B × M], until the next call; the state of the layers is what they end with.
  func forward(_ source: TokenRows, _ pass: Pass) -> MatrixView {
    let x = inputs.matrix(pass.positions, embedding.size)
    embedding.forward(source.tokens, into: x, dropoutKey: pass.dropoutKey)
    layers.resetState(rows: pass.rows)
    return layers.forward(x, pass)
  }

  /// Adds the gradients of the parameters to theirs, given ∂L/∂e, zeros if `nil`, and, in the layers, those of the states that they ended with.
  func backward(_ gradient: MatrixView?, _ source: TokenRows, _ pass: Pass) {
    let zeros = noGradients.matrix(pass.positions, layers.outputSize)
    if gradient == nil { zeros.fill(0) }
    let dx = inputGradients.matrix(pass.positions, embedding.size)
    layers.backward(gradient ?? zeros, into: dx, adding: false, pass)
    embedding.backward(source.tokens, dx)
  }
}
