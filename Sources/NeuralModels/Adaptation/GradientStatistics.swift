import Kernels
import LanguageModels
import Tensors

/// The root of the mean square of each parameter's gradients in training, m = √(mean g²): how far dynamic evaluation may move it.
public struct GradientStatistics: Sendable, Equatable {
  /// For each parameter by its name.
  let roots: [String: [Float]]

  /// What the names of tensors that hold them begin with.
  public static let prefix = "gradient_rms."
  /// Streams side by side that a text is read in.
  static let rows = 100

  /// The statistics for the checkpoint of a model; none of the model's own tensors has such a name.
  public var tensors: [Tensor] {
    roots.keys.sorted().map { Tensor(Self.prefix + $0, roots[$0] ?? []) }
  }

  init(roots: [String: [Float]]) { self.roots = roots }

  /// Those that `checkpoint` holds; `nil` if there are none.
  ///
  /// - Throws: `CheckpointError` where one is no root of anything.
  init?(_ checkpoint: Checkpoint) throws {
    var roots: [String: [Float]] = [:]
    for tensor in checkpoint.tensors where tensor.name.hasPrefix(Self.prefix) {
      let values = try checkpoint.floats(tensor.name)
      guard values.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
        throw CheckpointError("damaged: tensor '\(tensor.name)' holds a number that is no root of squares")
      }
      roots[String(tensor.name.dropFirst(Self.prefix.count))] = values
    }
    if roots.isEmpty { return nil }
    self.roots = roots
  }
}

extension NextTokenNetwork {
  /// The statistics of the network's gradients on a text, in batches of T steps of many streams side by side (Krause et al. 2018).
  func gradientStatistics(
    of tokens: [TokenID], context: ContextMode, steps: Int, watch: (Int) throws -> Void
  ) rethrows -> GradientStatistics {
    let batches = StreamBatches(
      tokens: tokens, batchSize: max(1, min(GradientStatistics.rows, tokens.count / (4 * steps))),
      sequenceLength: steps, window: window, context: context)
    let squares = AlignedBuffer(count: arena.count)
    var batch = Batch()
    resetState(rows: batches.batchSize)
    for number in 0..<batches.count {
      batches.fill(&batch, from: number * steps, steps: steps)
      arena.clearGradients()
      lossesAndGradients(batch) { _, _ in }
      engine.forEachPiece(arena.gradientPieces(ofAtMost: 1 << 14)) { _, piece in
        let (g, s) = (arena.gradients + piece.lowerBound, squares.pointer + piece.lowerBound)
        engine.kernels.addProduct(piece.count, g, g, s)
      }
      try watch(batch.targetCount)
    }
    arena.clearGradients()
    var roots: [String: [Float]] = [:]
    for parameter in arena.parameters {
      roots[parameter.name] = (parameter.offset..<parameter.offset + parameter.count).map {
        (squares.pointer[$0] / Float(batches.count)).squareRoot()
      }
    }
    return GradientStatistics(roots: roots)
  }
}
