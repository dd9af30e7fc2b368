import Kernels
import Tensors

/// Dropout (Hinton et al. 2012) on the connections between layers, not on those through time (Zaremba et al. 2014): in training
/// every activation is zero with probability p, and else 1 / (1 − p) of itself.
///
/// A mask follows from the seed, the training step and the layer alone, so that it is the same for any number of threads.
final class Dropout {
  /// p.
  let rate: Float
  private let layer: UInt64
  private let engine: Engine
  private let factors: AlignedBuffer

  init(rate: Float, layer: Int, workspace: Workspace, engine: Engine) {
    self.rate = rate
    self.layer = UInt64(layer)
    self.engine = engine
    factors = workspace.buffer()
  }

  /// y = x ∘ mask; y may be x. Both are contiguous. `key` differs for every training step.
  func forward(_ x: MatrixView, into y: MatrixView, key: UInt64) {
    let count = x.rows * x.columns
    factors.reserve(count)
    // An odd multiple of the layer keeps the layers' masks apart.
    let key = key ^ (layer &+ 1) &* 0x9E37_79B9_7F4A_7C15
    engine.split(count) { part in
      let first = part.lowerBound
      let mask = DropoutMask(key: key, firstIndex: UInt32(truncatingIfNeeded: first), rate: rate)
      engine.kernels.dropout(part.count, mask, factors.pointer + first)
      engine.kernels.multiply(part.count, x.pointer + first, factors.pointer + first, y.pointer + first)
    }
  }

  /// ∂x = ∂y ∘ mask, in place, with the mask of the last `forward`.
  func backward(_ gradient: MatrixView) {
    engine.split(gradient.rows * gradient.columns) { part in
      let g = gradient.pointer + part.lowerBound
      engine.kernels.multiply(part.count, g, factors.pointer + part.lowerBound, g)
    }
  }
}
