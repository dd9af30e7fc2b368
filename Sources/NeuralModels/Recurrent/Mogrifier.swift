import Kernels
import LanguageModels
import Tensors

/// The mogrifier (Melis, Kočiský and Blunsom 2020): before each step x_t and h_{t−1} shape each other in r rounds,
///
///     x^i = 2 σ(h^{i−1} Q_i) ∘ x^{i−2}    for odd i
///     h^i = 2 σ(x^{i−1} Q_i) ∘ h^{i−2}    for even i        x^{−1} = x_t,  h^0 = h_{t−1}
///
/// and the cell is given the last of both. The factor 2 makes it begin near what it would be without. All its products wait for each other.
final class Mogrifier {
  /// Q_i: [R × I] for odd i, [I × R] for even i; i counts from 1.
  let weights: [Parameter]
  /// ∂L/∂x and ∂L/∂h of the rounds' results in one step, [B × I] and [B × R]: to be written before `backward`.
  let inputGradient, hiddenGradient: AlignedBuffer
  private let inputSize, hiddenSize: Int
  /// What each round gives, and its σ(…), which turns into the gradient of what is in it: [T·B × I] or [T·B × R].
  private let results, factors: [AlignedBuffer]
  private let engine: Engine
  private let arena: ParameterArena
  private var slices: [[PackedShare]] = []

  /// The rounds for inputs of I and states of R numbers.
  init(rounds: Int, inputSize: Int, hiddenSize: Int, _ declarations: Declarations) {
    (self.inputSize, self.hiddenSize) = (inputSize, hiddenSize)
    (engine, arena) = (declarations.engine, declarations.arena)
    let sizes = (1...rounds).map { $0 % 2 == 1 ? (hiddenSize, inputSize) : (inputSize, hiddenSize) }
    weights = sizes.enumerated().map { declarations.parameter("mogrifier\($0 + 1)", $1.0, $1.1) }
    results = sizes.enumerated().map { declarations.buffer("mogrified\($0 + 1)", .positions($1.1)) }
    factors = sizes.enumerated().map { declarations.buffer("mogrifier_factor\($0 + 1)", .positions($1.1)) }
    inputGradient = declarations.buffer("mogrified_input_gradient", .rows(inputSize))
    hiddenGradient = declarations.buffer("mogrified_hidden_gradient", .rows(hiddenSize))
    declarations.workspace.note(
      "packed_mogrifier", .floats(2 * weights.reduce(0) { $0 + $1.count }))
  }

  private var rounds: Range<Int> { 0..<weights.count }
  private func isOfInput(_ round: Int) -> Bool { round % 2 == 0 }
  private func size(_ round: Int) -> Int { isOfInput(round) ? inputSize : hiddenSize }

  /// Every weight uniform in ± 1 / √(rows).
  func initialize(using generator: inout SeededGenerator) {
    for one in weights {
      one.value.fillUniform(1 / Float(one.value.rows).squareRoot(), using: &generator)
    }
  }

  /// Makes room for a sequence.
  func reserve(_ pass: Pass) {
    for round in rounds {
      results[round].reserve(pass.positions * size(round))
      factors[round].reserve(pass.positions * size(round))
    }
    inputGradient.reserve(pass.rows * inputSize)
    hiddenGradient.reserve(pass.rows * hiddenSize)
    if slices.isEmpty {
      slices = (0..<engine.threadCount).map { thread in
        weights.map { PackedShare($0, thread: thread, engine) }
      }
    }
  }

  /// Packs one thread's columns, and its rows.
  func packForward(_ thread: Int) {
    for slice in slices[thread] { slice.packColumns(version: arena.version) }
  }
  func packBackward(_ thread: Int) { for slice in slices[thread] { slice.packRows(version: arena.version) } }

  // MARK: What goes in and comes out

  /// x and h_{t−1} of all steps as the cell is given them, x [T·B × I] and `hiddens` [T·B × R] being what the layer has.
  func inputs(_ x: MatrixView) -> MatrixView { last(ofInput: true, before: weights.count, x) }
  func hiddens(_ hiddens: MatrixView) -> MatrixView { last(ofInput: false, before: weights.count, hiddens) }

  /// What the last round before `end` has made of x, or of h; themselves if there is none.
  private func last(ofInput: Bool, before end: Int, _ original: MatrixView) -> MatrixView {
    guard let round = (0..<end).last(where: { isOfInput($0) == ofInput }) else { return original }
    return MatrixView(results[round].pointer, rows: original.rows, columns: original.columns)
  }

  /// What a round multiplies, and what it scales.
  private func operands(_ round: Int, _ x: MatrixView, _ hiddens: MatrixView) -> (
    factor: MatrixView, base: MatrixView
  ) {
    let (x, h) = (last(ofInput: true, before: round, x), last(ofInput: false, before: round, hiddens))
    return isOfInput(round) ? (h, x) : (x, h)
  }

  // MARK: One step

  /// All rounds of step t; each begins when all threads have done the one before.
  func forward(step t: Int, _ pass: Pass, _ x: MatrixView, _ hiddens: MatrixView, _ thread: Int) {
    for round in rounds {
      engine.pool.barrier()
      let (operand, base) = operands(round, x, hiddens)
      let mine = engine.units(size(round), of: thread)
      let factor = factors[round].matrix(pass.positions, size(round))
      let result = results[round].matrix(pass.positions, size(round))
      pass.forEachRun(at: t) { rows in
        let positions = t * pass.rows + rows.lowerBound..<t * pass.rows + rows.upperBound
        slices[thread][round].columns.multiply(
          operand.rows(positions), into: factor.rows(positions).columns(mine))
        for row in positions {
          engine.kernels.mogrify(
            mine.count, factor.row(row) + mine.lowerBound, base.row(row) + mine.lowerBound,
            result.row(row) + mine.lowerBound)
        }
      }
      // What the products over all rows multiply by gradients of zero must be numbers, and so the gradients themselves.
      for row in pass.ended(at: t) {
        for all in [factor, result] {
          (all.row(t * pass.rows + row) + mine.lowerBound).update(repeating: 0, count: mine.count)
        }
      }
    }
    engine.pool.barrier()
  }

  /// From the gradients of what the rounds of step t gave to those of x_t and h_{t−1}, in place, each thread its own columns.
  func backward(step t: Int, _ pass: Pass, _ x: MatrixView, _ hiddens: MatrixView, _ thread: Int) {
    for round in rounds.reversed() {
      let base = operands(round, x, hiddens).base
      let (own, other) = (
        gradient(pass, ofInput: isOfInput(round)), gradient(pass, ofInput: !isOfInput(round))
      )
      let mine = engine.units(size(round), of: thread)
      let theirs = engine.units(other.columns, of: thread)
      let factor = factors[round].matrix(pass.positions, size(round))
      pass.forEachRun(at: t) { rows in
        for row in rows {
          let position = t * pass.rows + row
          engine.kernels.mogrifyBackward(
            mine.count, factor.row(position) + mine.lowerBound, base.row(position) + mine.lowerBound,
            own.row(row) + mine.lowerBound)
        }
      }
      engine.pool.barrier()
      pass.forEachRun(at: t) { rows in
        let positions = t * pass.rows + rows.lowerBound..<t * pass.rows + rows.upperBound
        slices[thread][round].rows.multiply(
          factor.rows(positions), into: other.rows(rows).columns(theirs), accumulate: true)
      }
    }
  }

  private func gradient(_ pass: Pass, ofInput: Bool) -> MatrixView {
    ofInput ? inputGradient.matrix(pass.rows, inputSize) : hiddenGradient.matrix(pass.rows, hiddenSize)
  }

  /// dQ_i += (what it multiplied)ᵀ da_i
  func addParameterGradients(_ pass: Pass, _ x: MatrixView, _ hiddens: MatrixView) {
    for round in rounds {
      engine.products.multiply(
        transposed: operands(round, x, hiddens).factor, factors[round].matrix(pass.positions, size(round)),
        into: weights[round].gradient, accumulate: true)
    }
  }
}
