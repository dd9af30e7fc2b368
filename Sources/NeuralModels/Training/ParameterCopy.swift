import Kernels
import Tensors

/// A copy of all parameters of a network.
final class ParameterCopy {
  let buffer = AlignedBuffer()
  private(set) var isTaken = false
  private let arena: ParameterArena
  private let engine: Engine

  init(of arena: ParameterArena, engine: Engine) {
    self.arena = arena
    self.engine = engine
  }

  /// Copies the parameters as they are now.
  func take() {
    buffer.reserve(arena.count)
    copy(from: arena.values, to: buffer.pointer)
    isTaken = true
  }

  /// Makes the parameters what they were.
  func putBack() {
    copy(from: buffer.pointer, to: arena.values)
    arena.valuesChanged()
  }

  /// Exchanges the parameters as they are with the copy.
  func exchange() { engine.exchange(arena, with: buffer) }

  private func copy(from source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    nonisolated(unsafe) let (source, target) = (source, target)
    engine.split(arena.count) { part in
      (target + part.lowerBound).update(from: source + part.lowerBound, count: part.count)
    }
  }
}

extension Engine {
  /// Exchanges all values of `arena` with those in `buffer`.
  func exchange(_ arena: ParameterArena, with buffer: AlignedBuffer) {
    nonisolated(unsafe) let (copy, values) = (buffer.pointer, arena.values)
    split(arena.count) { part in
      for i in part { (copy[i], values[i]) = (values[i], copy[i]) }
    }
    arena.valuesChanged()
  }
}
