import Kernels
import Tensors

/// Dropout (Hinton et al. 2012) on the connections between layers, not on those through time (Zaremba et al. 2014): in training
/// every activation is zero with probability p, and else 1 / (1 − p) of itself.
///
/// If it is locked (variational dropout; Gal and Ghahramani 2016), what is dropped of a row stays so for all steps of a sequence:
/// the network is without these units, instead of being disturbed anew at every step.
///
/// A mask follows from the seed, the update and the place of the dropout alone, so that it is the same for any number of threads.
final class Dropout: SequenceLayer {
  /// p.
  let rate: Float
  /// Whether one mask serves all steps.
  let isLocked: Bool
  /// The mask of the last `forward`: [T·B × columns], or [B × columns] if it is locked.
  let factors: AlignedBuffer
  let inputSize: Int
  private let outputs: AlignedBuffer
  private let number: Int
  private let engine: Engine

  /// Dropout of I columns at one place of a network; `number` differs from place to place.
  init(_ inputSize: Int, rate: Float, isLocked: Bool = false, number: Int, _ declarations: Declarations) {
    (self.inputSize, self.rate, self.isLocked, self.number) = (inputSize, rate, isLocked, number)
    engine = declarations.engine
    // What is not dropped is handed on as it is.
    let columns = rate > 0 ? inputSize : 0
    factors = declarations.buffer("mask", isLocked ? .rows(columns) : .positions(columns))
    outputs = declarations.buffer("output", .positions(columns))
  }

  var outputSize: Int { inputSize }
  var isPointwise: Bool { true }

  /// y = x ∘ mask
  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    guard let key = pass.dropoutKey, rate > 0 else { return x }
    let count = maskCount(pass)
    engine.fillMask(factors, count: count, rate: rate, key: key, number: number)
    // The layer below needs its own output again, so this one goes elsewhere.
    let y = outputs.matrix(x.rows, x.columns)
    forEachPart(pass) { count, mask, first in
      engine.kernels.multiply(count, x.pointer + first, mask, y.pointer + first)
    }
    return y
  }

  /// ∂x = ∂y ∘ mask
  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    guard pass.dropoutKey != nil, rate > 0 else {
      return engine.move(gradient, into: inputGradient, adding: adding)
    }
    forEachPart(pass) { count, mask, first in
      let (source, target) = (gradient.pointer + first, inputGradient.pointer + first)
      if adding {
        engine.kernels.addProduct(count, source, mask, target)
      } else {
        engine.kernels.multiply(count, source, mask, target)
      }
    }
  }

  private func maskCount(_ pass: Pass) -> Int { inputSize * (isLocked ? pass.rows : pass.positions) }

  /// Calls `body` with pieces of all activations: how many, their mask, and where they begin.
  private func forEachPart(
    _ pass: Pass, _ body: (_ count: Int, _ mask: UnsafePointer<Float>, _ first: Int) -> Void
  ) {
    let maskCount = maskCount(pass)
    engine.split(maskCount) { part in
      for first in stride(from: part.lowerBound, to: pass.positions * inputSize, by: maskCount) {
        body(part.count, factors.pointer + part.lowerBound, first)
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

/// The numbers of masks other than those between layers, which have the layers' numbers from 0.
enum MaskNumber {
  static let embedding = 1 << 20
  static func recurrentWeights(layer: Int) -> Int { 1 << 21 + layer }
  static func zoneout(layer: Int, _ place: Int) -> Int { 1 << 30 + 2 * layer + place }
}
