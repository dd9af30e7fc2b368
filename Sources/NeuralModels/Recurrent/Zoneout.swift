import Kernels
import Tensors

/// Zoneout (Krueger et al. 2017): in training every element of a state stays with probability p what it was before the step,
///
///     s_t = s_{t−1} + u ∘ (s̃_t − s_{t−1})
///
/// for the new state s̃ and u zero with probability p, else one; where nothing is dropped, u is its mean, 1 − p.
final class Zoneout {
  /// u of the last `begin`: [T·B × columns].
  let factors: AlignedBuffer
  private let rate: Float
  private let columns: Int
  private let number: Int
  private let carried: AlignedBuffer
  private let engine: Engine

  /// Zoneout of states of `columns` numbers; `number` tells its masks from others.
  init(_ name: String, rate: Float, columns: Int, number: Int, _ declarations: Declarations) {
    (self.rate, self.columns, self.number, engine) = (rate, columns, number, declarations.engine)
    factors = declarations.buffer("\(name)_zoneout", .positions(columns))
    carried = declarations.buffer("\(name)_carried", .rows(columns))
  }

  /// Decides u for a sequence.
  func begin(_ pass: Pass) {
    let count = pass.positions * columns
    factors.reserve(count)
    carried.reserve(pass.rows * columns)
    let all = factors.matrix(pass.positions, columns)
    guard let key = pass.dropoutKey else { return all.fill(1 - rate) }
    engine.fillMask(factors, count: count, rate: rate, key: key, number: number)
    engine.split(count) { part in
      // The mask is 1 / (1 − p) where nothing is dropped.
      engine.kernels.scale(
        part.count, 1 - rate, all.pointer + part.lowerBound, all.pointer + part.lowerBound)
    }
  }

  /// s̃ → s, in place, at step t, for some of the columns.
  func forward(
    step t: Int, _ pass: Pass, previous: AlignedBuffer, _ states: AlignedBuffer, _ part: Range<Int>
  ) {
    pass.forEachRun(at: t) { rows in
      for row in rows {
        let place = (t * pass.rows + row) * columns + part.lowerBound
        let (s, before) = (states.pointer + place, previous.pointer + place)
        engine.kernels.addScaled(part.count, -1, before, s)
        engine.kernels.multiply(part.count, s, factors.pointer + place, s)
        engine.kernels.addScaled(part.count, 1, before, s)
      }
    }
  }

  /// ∂s → ∂s̃ = u ∘ ∂s, in place; the rest, (1 − u) ∘ ∂s, is what `carry` adds.
  func backward(step t: Int, _ pass: Pass, _ gradients: AlignedBuffer, _ part: Range<Int>) {
    pass.forEachRun(at: t) { rows in
      for row in rows {
        let place = row * columns + part.lowerBound
        let (d, rest) = (gradients.pointer + place, carried.pointer + place)
        rest.update(from: d, count: part.count)
        engine.kernels.multiply(
          part.count, d, factors.pointer + (t * pass.rows + row) * columns + part.lowerBound, d)
        engine.kernels.addScaled(part.count, -1, d, rest)
      }
    }
  }

  /// Adds to ∂s_{t−1} what did not pass the step.
  func carry(step t: Int, _ pass: Pass, into gradients: AlignedBuffer, _ part: Range<Int>) {
    pass.forEachRun(at: t) { rows in
      for row in rows {
        let place = row * columns + part.lowerBound
        engine.kernels.addScaled(part.count, 1, carried.pointer + place, gradients.pointer + place)
      }
    }
  }
}
