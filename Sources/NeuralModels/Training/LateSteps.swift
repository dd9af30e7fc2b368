import Kernels
import Tensors

/// The steps of an optimizer with rows that have no gradients, of parameters that are sparse (see `SparseRows`).
///
/// Such a step depends on nothing but the row, what is remembered of it and the numbers of the step. So the numbers are kept, and a row
/// takes its steps one by one when it is needed, while it stays in the cache: the bits are the same whether it takes them early or late,
/// and so do not depend on when checkpoints are written. They are those of taking them at once, but for Adam's rows that have all but
/// come to rest (see `adamWithoutGradients`).
extension Optimizer: RowUpdater {
  /// Steps after which all rows are brought up to date: few enough to be kept.
  private static let mostLateSteps = 256

  private var sparseParameters: [Parameter] {
    movesWithoutGradients ? arena.parameters.filter { $0.sparseRows != nil } : []
  }

  /// Begins with rows that have taken every step.
  func beginLateSteps() {
    lateSteps.removeAll(keepingCapacity: true)
    for parameter in sparseParameters {
      guard let rows = parameter.sparseRows else { continue }
      rows.updater = self
      rows.stepsTaken = [Int](repeating: 0, count: rows.count)
    }
  }

  /// Keeps a step, which the rows with gradients have taken, for the others.
  func keepForOthers(_ step: OptimizerStep) {
    let parameters = sparseParameters
    if parameters.isEmpty { return }
    lateSteps.append(step)
    for case let rows? in parameters.map(\.sparseRows) {
      for row in rows.marked { rows.stepsTaken[row] = lateSteps.count }
    }
    if lateSteps.count == Self.mostLateSteps { bringUpToDate() }
  }

  /// Brings all rows up to date: before all values, or all that is remembered, are read.
  func bringUpToDate() {
    if lateSteps.isEmpty { return }
    for parameter in sparseParameters {
      parameter.bringUpToDate(rows: 0..<(parameter.sparseRows?.count ?? 0))
    }
    beginLateSteps()
  }

  func bringUpToDate(_ parameter: Parameter, rows: [Int]) {
    guard !lateSteps.isEmpty, let sparse = parameter.sparseRows else { return }
    var late: [(row: Int, firstStep: Int)] = []
    for row in rows where sparse.stepsTaken[row] < lateSteps.count {
      late.append((row, sparse.stepsTaken[row]))
      sparse.stepsTaken[row] = lateSteps.count
    }
    if late.isEmpty { return }
    let (offset, columns) = (parameter.offset, sparse.columns)
    lateSteps.withUnsafeBufferPointer { steps in
      nonisolated(unsafe) let steps = steps
      // Rows that stand next to each other have about as many steps to take, so threads take them in turn.
      engine.forEachPiece(late.map { offset + $0.row * columns..<offset + ($0.row + 1) * columns }) {
        takeSteps(UnsafeBufferPointer(rebasing: steps[late[$0].firstStep...]), $1)
      }
    }
    arena.valuesChanged()
  }

  /// Takes steps with a part of the arena whose gradients are zero.
  private func takeSteps(_ steps: UnsafeBufferPointer<OptimizerStep>, _ part: Range<Int>) {
    guard let first = steps.baseAddress else { return }
    let (kernels, n) = (engine.kernels, part.count)
    switch kind {
    case .adam where !hasCoupledDecay, .adamw:
      kernels.adamWithoutGradients(
        n, steps.count, first, arena.values + part.lowerBound, moment(0, part.lowerBound),
        moment(1, part.lowerBound))
    case .rmsprop where !hasCoupledDecay:
      // s = ρ s
      let squares = moment(0, part.lowerBound)
      for step in steps { kernels.scale(n, step.smoothing, squares, squares) }
    default:
      for step in steps { apply(step, part) }
    }
  }
}
