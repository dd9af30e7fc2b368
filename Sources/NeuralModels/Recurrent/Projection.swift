import Kernels
import Tensors

/// The recurrent projection of an LSTM (Sak et al. 2014; PyTorch's `proj_size`): what units give, m_t [B × H], comes down to r_t = m_t P
/// of R < H numbers, which are the layer's output and all that the next step sees of it.
final class Projection {
  /// P: [H × R].
  let weights: Parameter
  /// m of all steps, [T·B × H], and its gradient in one, [B × H].
  let outputs, outputGradient: AlignedBuffer
  /// ∂L/∂r of all steps: [T·B × R].
  private let gradients: AlignedBuffer
  private let engine: Engine
  private var slices: [PackedShare] = []
  private let arena: ParameterArena

  init(hiddenSize: Int, size: Int, _ declarations: Declarations) {
    (engine, arena) = (declarations.engine, declarations.arena)
    weights = declarations.parameter("projection_weights", hiddenSize, size)
    outputs = declarations.buffer("unit_output", .positions(hiddenSize))
    outputGradient = declarations.buffer("unit_gradient", .rows(hiddenSize))
    gradients = declarations.buffer("projection_gradient", .positions(size))
    declarations.workspace.note("packed_projection", .floats(2 * weights.count))
  }

  private var hiddenSize: Int { weights.value.rows }
  private var size: Int { weights.value.columns }

  /// Makes room for a sequence.
  func reserve(_ pass: Pass) {
    outputs.reserve(pass.positions * hiddenSize)
    outputGradient.reserve(pass.rows * hiddenSize)
    gradients.reserve(pass.positions * size)
    if slices.isEmpty {
      slices = (0..<engine.threadCount).map { PackedShare(weights, thread: $0, engine) }
    }
  }

  /// Packs one thread's columns, and its rows.
  func packForward(_ thread: Int) { slices[thread].packColumns(version: arena.version) }
  func packBackward(_ thread: Int) { slices[thread].packRows(version: arena.version) }

  /// r_t = m_t P, one thread's columns of it, once all threads have their part of m_t.
  func forward(step t: Int, _ pass: Pass, into hiddens: AlignedBuffer, _ thread: Int) {
    let mine = engine.units(size, of: thread)
    pass.forEachRun(at: t) { rows in
      let positions = t * pass.rows + rows.lowerBound..<t * pass.rows + rows.upperBound
      slices[thread].columns.multiply(
        outputs.matrix(pass.positions, hiddenSize).rows(positions),
        into: hiddens.matrix(pass.positions, size).rows(positions).columns(mine))
    }
  }

  /// Keeps one thread's columns of ∂L/∂r_t: zeros for rows that have ended.
  func keep(step t: Int, _ pass: Pass, _ hiddenGradient: AlignedBuffer, _ thread: Int) {
    let mine = engine.units(size, of: thread)
    func target(_ row: Int) -> UnsafeMutablePointer<Float> {
      gradients.pointer + (t * pass.rows + row) * size + mine.lowerBound
    }
    pass.forEachRun(at: t) { rows in
      for row in rows {
        target(row).update(from: hiddenGradient.pointer + row * size + mine.lowerBound, count: mine.count)
      }
    }
    for row in pass.ended(at: t) { target(row).update(repeating: 0, count: mine.count) }
  }

  /// ∂m_t = ∂r_t Pᵀ, one thread's units of it, once all threads have kept their part of ∂r_t.
  func backward(step t: Int, _ pass: Pass, _ thread: Int) {
    let mine = engine.units(hiddenSize, of: thread)
    pass.forEachRun(at: t) { rows in
      let positions = t * pass.rows + rows.lowerBound..<t * pass.rows + rows.upperBound
      slices[thread].rows.multiply(
        gradients.matrix(pass.positions, size).rows(positions),
        into: outputGradient.matrix(pass.rows, hiddenSize).rows(rows).columns(mine))
    }
  }

  /// dP += mᵀ dr
  func addParameterGradients(_ pass: Pass) {
    engine.products.multiply(
      transposed: outputs.matrix(pass.positions, hiddenSize), gradients.matrix(pass.positions, size),
      into: weights.gradient, accumulate: true)
  }
}
