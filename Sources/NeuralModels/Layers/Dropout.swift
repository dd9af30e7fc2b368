import Kernels
import Tensors

/// Dropout (Hinton et al. 2012) on the connections between layers, not on those through time (Zaremba et al. 2014): in training
/// every activation is zero with probability p, and else 1 / (1 − p) of itself.
///
/// If it is locked (variational dropout; Gal and Ghahramani 2016), what is dropped of a row stays so for all steps of a chunk:
/// the network is without these units, instead of being disturbed anew at every step.
///
/// A mask follows from the seed, the training step and the layer alone, so that it is the same for any number of threads.
final class Dropout {
  /// p.
  let rate: Float
  /// Whether one mask serves all steps.
  let isLocked: Bool
  /// The mask of the last `forward`: [T·B × columns], or [B × columns] if it is locked.
  let factors: AlignedBuffer
  private let number: Int
  private let engine: Engine

  /// Dropout at one place of a network; `number` differs from place to place.
  init(rate: Float, isLocked: Bool = false, number: Int, workspace: Workspace, engine: Engine) {
    self.rate = rate
    self.isLocked = isLocked
    self.number = number
    self.engine = engine
    factors = workspace.buffer()
  }

  /// y = x ∘ mask; y may be x. Both are contiguous, [T·B × columns]. `key` differs for every training step.
  func forward(_ x: MatrixView, into y: MatrixView, steps: Int, key: UInt64) {
    let count = maskCount(x, steps)
    engine.fillMask(factors, count: count, rate: rate, key: key, number: number)
    multiply(x, y, count)
  }

  /// ∂x = ∂y ∘ mask, in place, with the mask of the last `forward`.
  func backward(_ gradient: MatrixView, steps: Int) {
    multiply(gradient, gradient, maskCount(gradient, steps))
  }

  private func maskCount(_ x: MatrixView, _ steps: Int) -> Int {
    x.rows * x.columns / (isLocked ? steps : 1)
  }

  private func multiply(_ x: MatrixView, _ y: MatrixView, _ maskCount: Int) {
    engine.split(maskCount) { part in
      for first in stride(from: part.lowerBound, to: x.rows * x.columns, by: maskCount) {
        engine.kernels.multiply(
          part.count, x.pointer + first, factors.pointer + part.lowerBound, y.pointer + first)
      }
    }
  }
}

extension Engine {
  /// Overwrites `factors` with `count` factors of a mask: 0 with probability `rate`, else 1 / (1 − rate).
  ///
  /// They depend on `key` and `number` alone; `number` keeps the masks of one key apart.
  func fillMask(_ factors: AlignedBuffer, count: Int, rate: Float, key: UInt64, number: Int) {
    factors.reserve(count)
    // An odd multiple of the number changes all bits of the key.
    let key = key ^ UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
    split(count) { part in
      let mask = DropoutMask(
        key: key, firstIndex: UInt32(truncatingIfNeeded: part.lowerBound), rate: rate)
      kernels.dropout(part.count, mask, factors.pointer + part.lowerBound)
    }
  }
}
