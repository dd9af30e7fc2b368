import Kernels
import LanguageModels
import Tensors

/// A vector of E numbers for each of V tokens, looked up: x = W[token].
final class Embedding {
  /// E.
  let size: Int
  /// W: [V × E].
  let weights: Parameter

  private let engine: Engine

  init(vocabularySize: Int, size: Int, arena: ParameterArena, engine: Engine) {
    self.size = size
    self.engine = engine
    weights = arena.add("embedding", shape: [vocabularySize, size])
  }

  /// Uniform in ±4/√E: inputs that a new layer notices, or training is slow to start.
  func initialize(using generator: inout SeededGenerator) {
    weights.value.fillUniform(4 / Float(size).squareRoot(), using: &generator)
  }

  /// x[row] = W[tokens[row]]; x is [tokens × E].
  func forward(_ tokens: [TokenID], into x: MatrixView) {
    engine.split(tokens.count) { rows in
      for row in rows { x.row(row).update(from: weights.value.row(Int(tokens[row])), count: size) }
    }
  }

  /// ∂W[tokens[row]] += ∂x[row], in the order of the rows.
  func backward(_ tokens: [TokenID], _ gradient: MatrixView) {
    // Each thread has its own columns, so that the order of the additions does not depend on the number of threads.
    engine.pool.run { thread in
      let columns = engine.units(size, of: thread)
      for (row, token) in tokens.enumerated() {
        engine.kernels.addScaled(
          columns.count, 1, gradient.row(row) + columns.lowerBound,
          weights.gradient.row(Int(token)) + columns.lowerBound)
      }
    }
  }
}
