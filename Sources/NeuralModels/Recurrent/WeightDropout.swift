import Kernels
import Tensors

/// Dropout of weights (DropConnect; Wan et al. 2013) on a recurrent layer's U (Merity et al. 2018): in training every weight is
/// zero with probability p for a whole sequence, and else 1 / (1 − p) of itself, so that Ũ = U ∘ mask takes the place of U.
final class WeightDropout {
  /// p.
  let rate: Float
  /// The mask of the last `forward`, as large as U.
  let factors: AlignedBuffer
  private let weights: Parameter
  private let number: Int
  private let dropped: AlignedBuffer
  private let gradients: AlignedBuffer
  private let engine: Engine

  init(rate: Float, _ weights: Parameter, number: Int, _ declarations: Declarations) {
    self.rate = rate
    self.weights = weights
    self.number = number
    engine = declarations.engine
    factors = declarations.buffer("weight_mask", .floats(weights.count))
    dropped = declarations.buffer("dropped_weights", .floats(weights.count))
    gradients = declarations.buffer("dropped_weight_gradients", .floats(weights.count))
  }

  /// Ũ = U ∘ mask, until the next call.
  func forward(key: UInt64) -> MatrixView {
    let (u, count) = (weights.value, weights.count)
    engine.fillMask(factors, count: count, rate: rate, key: key, number: number)
    let result = dropped.matrix(u.rows, u.columns)
    engine.split(count) { part in
      let first = part.lowerBound
      engine.kernels.multiply(
        part.count, u.pointer + first, factors.pointer + first, result.pointer + first)
    }
    return result
  }

  /// Where `backward` expects ∂Ũ.
  var gradient: MatrixView { gradients.matrix(weights.value.rows, weights.value.columns) }

  /// ∂U += ∂Ũ ∘ mask.
  func backward() {
    let (source, target) = (gradient, weights.gradient)
    engine.split(weights.count) { part in
      let first = part.lowerBound
      engine.kernels.addProduct(
        part.count, source.pointer + first, factors.pointer + first, target.pointer + first)
    }
  }
}
