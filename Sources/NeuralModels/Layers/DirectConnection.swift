import Kernels
import LanguageModels
import Tensors

/// A layer and its input side by side: y = (layer(x), x).
final class DirectConnection: SequenceLayer {
  private let layer: any SequenceLayer
  private let outputs: AlignedBuffer
  private let gradients: AlignedBuffer
  private let engine: Engine

  init(around layer: any SequenceLayer, _ declarations: Declarations) {
    (self.layer, engine) = (layer, declarations.engine)
    outputs = declarations.buffer("output", .positions(layer.outputSize + layer.inputSize))
    gradients = declarations.buffer("gradient", .positions(layer.outputSize))
  }

  var parts: [any SequenceLayer] { [layer] }
  var inputSize: Int { layer.inputSize }
  var outputSize: Int { layer.outputSize + layer.inputSize }
  private var own: Range<Int> { 0..<layer.outputSize }
  private var direct: Range<Int> { layer.outputSize..<outputSize }

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    let y = outputs.matrix(x.rows, outputSize)
    engine.move(layer.forward(x, pass), into: y.columns(own))
    engine.move(x, into: y.columns(direct))
    return y
  }

  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    let inner = gradients.matrix(gradient.rows, layer.outputSize)
    engine.move(gradient.columns(own), into: inner)
    engine.move(gradient.columns(direct), into: inputGradient, adding: adding)
    layer.backward(inner, into: inputGradient, adding: true, pass)
  }
}
