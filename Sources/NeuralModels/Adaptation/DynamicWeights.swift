import Kernels
import LanguageModels
import Tensors

/// The weights of a network that follow a text, and what they were before it; see `DynamicEvaluation`.
final class DynamicWeights {
  private let network: NextTokenNetwork
  private let step: OptimizerStep
  private let originals: ParameterCopy
  /// m, in the layout of the arena.
  private let scales: AlignedBuffer
  /// The rows of sparse parameters that have moved, for each of them.
  private var moved: [Set<Int>]

  private var arena: ParameterArena { network.arena }
  private var engine: Engine { network.engine }

  /// The weights as they are now are those to return to.
  ///
  /// - Parameter statistics: m; one for all weights, if `nil`, which makes it stochastic gradient descent.
  init(_ network: NextTokenNetwork, _ dynamic: DynamicEvaluation, _ statistics: GradientStatistics?) {
    self.network = network
    let arena = network.arena
    originals = ParameterCopy(of: arena, engine: network.engine)
    originals.take()
    moved = arena.parameters.map { _ in [] }
    scales = AlignedBuffer(count: arena.count)
    var (sum, count) = (0.0, 0)
    for parameter in arena.parameters {
      let roots = statistics?.roots[parameter.name]
      let target = scales.pointer + parameter.offset
      for i in 0..<parameter.count {
        target[i] = roots.map { i < $0.count ? $0[i] : 0 } ?? 1
        sum += Double(target[i])
      }
      count += parameter.count
    }
    // λ r = λ m / mean(m)
    let mean = sum > 0 ? sum / Double(count) : 1
    step = OptimizerStep(
      rate: Float(dynamic.rate), momentum: Float(dynamic.decay / mean), epsilon: Float(dynamic.epsilon))
  }

  /// Moves the weights by their gradients, and back a little to where they were; clears the gradients.
  func follow() {
    for (i, parameter) in arena.parameters.enumerated() {
      guard let rows = parameter.sparseRows else { continue }
      moved[i].formUnion(rows.marked)
      // What has moved returns, also without a gradient.
      parameter.markGradients(rows: moved[i].sorted())
    }
    engine.forEachPiece(arena.gradientPieces(ofAtMost: 1 << 14)) { _, piece in
      let first = piece.lowerBound
      engine.kernels.followText(
        piece.count, step, arena.values + first, arena.gradients + first, scales.pointer + first,
        originals.buffer.pointer + first)
    }
    arena.clearGradients()
    arena.valuesChanged()
  }

  /// Makes the weights what they were before the text.
  func restore() {
    originals.putBack()
    for i in moved.indices { moved[i].removeAll() }
  }
}
