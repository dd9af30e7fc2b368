import Kernels
import LanguageModels
import Tensors

/// Layers one on another, which are a layer too: x⁰ = x, xˡ = layer_l(xˡ⁻¹), y = x^L.
///
/// Its features, the last y, are what scoring, sampling and training all see, whatever the layers are.
final class Stack: SequenceLayer {
  let parts: [any SequenceLayer]
  /// y of the last `forward`.
  private(set) var features: MatrixView?
  /// Where ∂L/∂xˡ⁻¹ of the layers goes that do not give it in place.
  private let gradients: [AlignedBuffer?]
  /// The lowest layer that does not give it in place.
  private let firstWithProduct: Int

  /// Some layers, at least one, each of which takes what the one before gives.
  init(_ layers: [any SequenceLayer], _ declarations: Declarations) {
    precondition(!layers.isEmpty, "a stack has a layer")
    precondition(
      zip(layers, layers.dropFirst()).allSatisfy { $0.outputSize == $1.inputSize },
      "each layer of a stack takes what the one before gives")
    parts = layers
    gradients = layers.enumerated().map { index, layer in
      index == 0 || layer.isPointwise
        ? nil : declarations.buffer("gradient\(index)", .positions(layer.inputSize))
    }
    firstWithProduct = layers.firstIndex { !$0.isPointwise } ?? 0
  }

  var inputSize: Int { parts[0].inputSize }
  var outputSize: Int { parts[parts.count - 1].outputSize }
  var isPointwise: Bool { parts.allSatisfy(\.isPointwise) }

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    let y = parts.reduce(x) { x, layer in layer.forward(x, pass) }
    features = y
    return y
  }

  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    var gradient = gradient
    for (index, layer) in parts.enumerated().reversed() {
      if index == 0 { return layer.backward(gradient, into: inputGradient, adding: adding, pass) }
      // What only pointwise layers are still to change can be at its place already.
      let below =
        index == firstWithProduct && !adding
        ? inputGradient : gradients[index]?.matrix(gradient.rows, layer.inputSize) ?? gradient
      layer.backward(gradient, into: below, adding: false, pass)
      gradient = below
    }
  }
}
