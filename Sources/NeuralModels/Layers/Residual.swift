import Kernels
import LanguageModels
import Tensors

/// A layer whose input is added to its output (He et al. 2016; between recurrent layers, Wu et al. 2016): y = layer(x) + x, with I = O.
///
/// Gradients reach the layers below without having to pass this one: ∂L/∂x = ∂L/∂y + (what comes through the layer).
final class Residual: SequenceLayer {
  private let layer: any SequenceLayer
  private let outputs: AlignedBuffer
  private let engine: Engine

  init(around layer: any SequenceLayer, _ declarations: Declarations) {
    precondition(layer.inputSize == layer.outputSize, "a residual connection adds what has one size")
    (self.layer, engine) = (layer, declarations.engine)
    outputs = declarations.buffer("sum", .positions(layer.outputSize))
  }

  var parts: [any SequenceLayer] { [layer] }
  var inputSize: Int { layer.inputSize }
  var outputSize: Int { layer.outputSize }

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    let y = outputs.matrix(x.rows, outputSize)
    engine.move(layer.forward(x, pass), into: y)
    engine.move(x, into: y, adding: true)
    return y
  }

  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    engine.move(gradient, into: inputGradient, adding: adding)
    layer.backward(gradient, into: inputGradient, adding: true, pass)
  }
}
