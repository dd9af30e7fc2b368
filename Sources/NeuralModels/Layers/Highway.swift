import Kernels
import LanguageModels
import Tensors

/// A layer around which its input has a way, with a gate that says how much goes through the layer (Srivastava et al. 2015, "Highway
/// networks", equation 3), with I = O:
///
///     t = σ(x W_t + b_t)                        transform gate, W_t [I × O]
///     y = t ∘ layer(x) + (1 − t) ∘ x
///
/// b_t starts at −1, within what the paper proposes, so that a new deep stack hands most of its input on.
final class Highway: SequenceLayer {
  private let layer: any SequenceLayer
  private let weights: Parameter
  private let bias: Parameter
  private let gates: AlignedBuffer
  private let outputs: AlignedBuffer
  private let packedWeights: PackedWeights
  private let engine: Engine
  /// x and layer(x) of the last `forward`.
  private var seen: (x: MatrixView, inner: MatrixView)?

  init(around layer: any SequenceLayer, _ declarations: Declarations) {
    precondition(layer.inputSize == layer.outputSize, "a highway connection mixes what has one size")
    (self.layer, engine) = (layer, declarations.engine)
    packedWeights = PackedWeights(declarations)
    let size = layer.outputSize
    weights = declarations.parameter("transform_weights", size, size)
    bias = declarations.parameter("transform_bias", size)
    gates = declarations.buffer("transform_gate", .positions(size))
    outputs = declarations.buffer("mix", .positions(size))
  }

  var parts: [any SequenceLayer] { [layer] }
  var inputSize: Int { layer.inputSize }
  var outputSize: Int { layer.outputSize }

  /// Weights uniform in ±1/√I.
  func initialize(using generator: inout SeededGenerator) {
    layer.initialize(using: &generator)
    weights.value.fillUniform(1 / Float(inputSize).squareRoot(), using: &generator)
    bias.value.fill(-1)
  }

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    let t = gates.matrix(x.rows, outputSize)
    let y = outputs.matrix(x.rows, outputSize)
    packedWeights.multiply(
      x, weights.value, into: t, bias: bias.value.pointer, isKept: pass.keepsPackedWeights)
    let inner = layer.forward(x, pass)
    engine.split(x.rows) { rows in
      for row in rows {
        engine.kernels.highwayForward(
          outputSize,
          HighwayForward(gate: t.row(row), inner: inner.row(row), input: x.row(row), output: y.row(row)))
      }
    }
    seen = (x, inner)
    return y
  }

  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    guard let (x, inner) = seen else { preconditionFailure("there is no gradient before a forward pass") }
    let t = gates.matrix(x.rows, outputSize)
    engine.split(x.rows) { rows in
      for row in rows {
        engine.kernels.highwayBackward(
          outputSize,
          HighwayBackward(
            gate: t.row(row), inner: inner.row(row), input: x.row(row), gradient: gradient.row(row),
            inputGradient: inputGradient.row(row), isAdding: adding))
      }
    }
    // a = x W + b:  dW += xᵀ da,  db += Σ da,  dx += da Wᵀ
    engine.products.multiply(transposed: x, t, into: weights.gradient, accumulate: true)
    engine.addColumnSums(t, into: bias.gradient)
    engine.products.multiply(t, transposed: weights.value, into: inputGradient, accumulate: true)
    layer.backward(gradient, into: inputGradient, adding: true, pass)
  }
}
