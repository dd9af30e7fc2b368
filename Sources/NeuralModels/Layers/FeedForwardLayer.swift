import Kernels
import LanguageModels
import Tensors

/// A hidden layer: y = tanh(x W + b), with W [I × O] and b [O].
final class FeedForwardLayer: SequenceLayer {
  let inputSize: Int
  let outputSize: Int
  private let weights: Parameter
  private let bias: Parameter
  private let outputs: AlignedBuffer
  private let packedWeights: PackedWeights
  private let engine: Engine
  /// x of the last `forward`.
  private var inputs: MatrixView?

  init(_ inputSize: Int, _ outputSize: Int, _ declarations: Declarations) {
    (self.inputSize, self.outputSize, engine) = (inputSize, outputSize, declarations.engine)
    packedWeights = PackedWeights(declarations)
    weights = declarations.parameter("weights", inputSize, outputSize)
    bias = declarations.parameter("bias", outputSize)
    outputs = declarations.buffer("output", .positions(outputSize))
  }

  /// Weights uniform in ±1/√I.
  func initialize(using generator: inout SeededGenerator) {
    weights.value.fillUniform(1 / Float(inputSize).squareRoot(), using: &generator)
  }

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    let y = outputs.matrix(x.rows, outputSize)
    packedWeights.multiply(
      x, weights.value, into: y, bias: bias.value.pointer, isKept: pass.keepsPackedWeights)
    engine.split(x.rows * outputSize) { part in
      engine.kernels.tanh(part.count, y.pointer + part.lowerBound, y.pointer + part.lowerBound)
    }
    inputs = x
    return y
  }

  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    guard let x = inputs else { preconditionFailure("there is no gradient before a forward pass") }
    let y = outputs.matrix(x.rows, outputSize)
    // y = tanh(a):  da = dy (1 − y²)
    engine.split(x.rows) { part in
      let shape = CellShape(
        rows: part.count, units: outputSize, gateStride: outputSize, stateStride: outputSize)
      let gradient = gradient.rows(part).pointer
      engine.kernels.elmanBackward(shape, .tanh, y.rows(part).pointer, gradient, gradient)
    }
    // a = x W + b:  dW += xᵀ da,  db += Σ da,  dx (+)= da Wᵀ
    engine.products.multiply(transposed: x, gradient, into: weights.gradient, accumulate: true)
    engine.addColumnSums(gradient, into: bias.gradient)
    engine.products.multiply(gradient, transposed: weights.value, into: inputGradient, accumulate: adding)
  }
}
