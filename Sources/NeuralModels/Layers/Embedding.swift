import Kernels
import LanguageModels
import Tensors

/// A vector of E numbers for each of V tokens, looked up: x = W[token].
///
/// With embedding dropout (Gal and Ghahramani 2016), x = m[token] W[token]: in training a token's whole vector is zero with
/// probability p wherever the token stands in the batch, and else 1 / (1 − p) of itself.
final class Embedding {
  /// E.
  let size: Int
  /// W: [V × E], behind rows that are not looked up.
  let weights: Parameter
  /// The rows before those of the tokens.
  private let firstRow: Int
  /// p.
  let dropoutRate: Float
  /// m of the last `forward` with a key: [V].
  let factors: AlignedBuffer

  private let engine: Engine
  private var isDropping = false
  private var rows: [Int] = []

  /// An embedding whose parameter has `firstRow` other rows before those of the tokens, for an output layer that shares it. Unless its
  /// weights are `tied` to one that needs them all, an update moves only those of the tokens that its batches have.
  init(
    vocabularySize: Int, size: Int, firstRow: Int = 0, dropoutRate: Float = 0, tied: Bool = false,
    _ declarations: Declarations
  ) {
    (self.size, self.firstRow) = (size, firstRow)
    self.dropoutRate = dropoutRate
    engine = declarations.engine
    factors = declarations.buffer("embedding_mask", .floats(dropoutRate > 0 ? vocabularySize : 0))
    weights = declarations.parameter("embedding", firstRow + vocabularySize, size, isSparse: !tied)
  }

  /// The same vectors as those of `other`, for texts of the other side of a network.
  init(sharing other: Embedding, _ declarations: Declarations) {
    (size, firstRow, dropoutRate) = (other.size, other.firstRow, other.dropoutRate)
    (weights, engine) = (other.weights, declarations.engine)
    factors = declarations.buffer(
      "embedding_mask", .floats(dropoutRate > 0 ? other.weights.shape[0] - firstRow : 0))
  }

  /// Uniform in ±4/√E; in ±8/√E if there are few tokens, as of characters, and they are not `tied`, which makes them the weights of the
  /// output too. Training is slow to start from inputs that a new layer hardly notices; but of many tokens most are rare, and what a
  /// rare one starts with stays as noise.
  func initialize(tied: Bool, using generator: inout SeededGenerator) {
    let spread: Float = !tied && vocabularySize <= Self.fewTokens ? 8 : 4
    weights.value.fillUniform(spread / Float(size).squareRoot(), using: &generator)
  }

  /// Uniform with a deviation, whatever E, unless there are few tokens: sentences, which are short and begun anew each time, want inputs that
  /// a layer notices at once (a hundred updates of a translator of 4,000 words leave a perplexity of 40, not 65).
  func initialize(deviation: Float, using generator: inout SeededGenerator) {
    if vocabularySize <= Self.fewTokens { return initialize(tied: false, using: &generator) }
    weights.value.fillUniform(deviation * Float(3).squareRoot(), using: &generator)
  }

  private static let fewTokens = 1000
  private var vocabularySize: Int { weights.value.rows - firstRow }

  /// The vectors of all tokens: [V × E].
  var vectors: MatrixView {
    weights.bringUpToDate(rows: firstRow..<weights.value.rows)
    return weights.value.rows(firstRow..<weights.value.rows)
  }

  /// x[row] = m[tokens[row]] W[tokens[row]]; x is [tokens × E], contiguous. Without `dropoutKey`, m is 1.
  func forward(_ tokens: [TokenID], into x: MatrixView, dropoutKey: UInt64?) {
    weights.bringUpToDate(rows: numbers(of: tokens))
    engine.split(tokens.count) { rows in
      for row in rows { x.row(row).update(from: weights.value.row(firstRow + Int(tokens[row])), count: size) }
    }
    isDropping = dropoutKey != nil && dropoutRate > 0
    guard isDropping, let dropoutKey else { return }
    engine.fillMask(
      factors, count: vocabularySize, rate: dropoutRate, key: dropoutKey, number: MaskNumber.embedding)
    engine.split(tokens.count) { rows in
      for row in rows {
        engine.kernels.scale(size, factors.pointer[Int(tokens[row])], x.row(row), x.row(row))
      }
    }
  }

  /// The rows of W that belong to tokens.
  private func numbers(of tokens: [TokenID]) -> [Int] {
    rows.removeAll(keepingCapacity: true)
    for token in tokens { rows.append(firstRow + Int(token)) }
    return rows
  }

  /// ∂W[tokens[row]] += m[tokens[row]] ∂x[row], in the order of the rows, with the m of the last `forward`.
  func backward(_ tokens: [TokenID], _ gradient: MatrixView) {
    weights.markGradients(rows: numbers(of: tokens))
    // Each thread has its own columns, so that the order of the additions does not depend on the number of threads.
    engine.pool.run { thread in
      let columns = engine.units(size, of: thread)
      for (row, token) in tokens.enumerated() {
        engine.kernels.addScaled(
          columns.count, isDropping ? factors.pointer[Int(token)] : 1,
          gradient.row(row) + columns.lowerBound,
          weights.gradient.row(firstRow + Int(token)) + columns.lowerBound)
      }
    }
  }
}
