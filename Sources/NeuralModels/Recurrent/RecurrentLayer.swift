import Kernels
import LanguageModels
import Tensors

/// One recurrent layer: what all cells share.
///
/// Forward: the input projection of all steps in one product, then per step the stages of the cell. Backward: the same in reverse
/// (back-propagation through time, cut off at the sequence's beginning), then one product over all T·B rows for each weight's
/// gradient. Within a step each thread has its own units: it multiplies by its own slice of the recurrent weights, packed once per update so that
/// it stays in its cache, and meets the others once for every product over time.
final class RecurrentLayer: SequenceLayer {
  /// What it is called in checkpoints.
  let name: String
  let cell: any RecurrentCell
  let inputSize: Int
  /// H.
  let hiddenSize: Int
  /// W: [I × input gates·H].
  let inputWeights: Parameter
  /// U: [H × recurrent gates·H], in the order of the stages; `nil` if no stage has gates.
  let recurrentWeights: Parameter?
  /// b: [gates·H], if the cell has biases.
  let bias: Parameter?
  /// The cell's vectors, [H] each.
  let vectors: [Parameter]
  /// Present if recurrent weights are dropped in training.
  let weightDropout: WeightDropout?

  /// h and c before the first step, [B × H] each; after `forward`, those of the last step.
  let hiddenState: AlignedBuffer
  let cellState: AlignedBuffer
  /// ∂L/∂h and ∂L/∂c of the last step's state before `backward`, of the initial state after it.
  let hiddenGradient: AlignedBuffer
  let cellGradient: AlignedBuffer

  let buffers: Buffers
  let engine: Engine
  private let arena: ParameterArena
  /// The slices of the threads, made when they are first needed.
  private var slices: [PackedSlice] = []
  /// Ũ, which takes the place of U since the last `forward`, if that dropped weights.
  private(set) var droppedWeights: MatrixView?
  /// x of the last `forward`.
  private(set) var inputs: MatrixView?

  /// What is kept of a sequence for the way back.
  struct Buffers {
    let hiddens, gates, cells, cellTanhs: AlignedBuffer
    /// The state before every step, which a restart may have set to zero: [T·B × H].
    let previousHiddens, previousCells: AlignedBuffer
    /// For each stage the operand that the one before prepared, [T·B × H], and its gradient, [B × H].
    let prepared, preparedGradients: [AlignedBuffer]
    /// See `PartialSums`.
    let partialSums: AlignedBuffer
  }

  /// A layer of H units of `cell`; `number` tells it from others of its network.
  init(
    cell: any RecurrentCell, inputSize: Int, hiddenSize: Int, number: Int = 0, weightDropoutRate: Float = 0,
    _ declarations: Declarations
  ) {
    precondition(!cell.readsInput || inputSize == hiddenSize, "the cell reads inputs of its own size only")
    self.cell = cell
    self.inputSize = inputSize
    self.hiddenSize = hiddenSize
    (name, arena, engine) = (declarations.name, declarations.arena, declarations.engine)
    let h = hiddenSize
    inputWeights = declarations.parameter("input_weights", inputSize, cell.inputGates.count * h)
    let recurrentGates = cell.stages.reduce(0) { $0 + $1.gates.count }
    recurrentWeights =
      recurrentGates > 0 ? declarations.parameter("recurrent_weights", h, recurrentGates * h) : nil
    bias = cell.hasBias ? declarations.parameter("bias", cell.gates.count * h) : nil
    vectors = cell.vectors.map { declarations.parameter($0, h) }
    func buffer(_ name: String, _ columns: Int, if isNeeded: Bool = true) -> AlignedBuffer {
      declarations.buffer(name, .positions(isNeeded ? columns : 0))
    }
    let stages = cell.stages
    let parts = (h + engine.kernels.lanes - 1) / engine.kernels.lanes
    buffers = Buffers(
      hiddens: buffer("hidden", h), gates: buffer("gates", cell.gates.count * h),
      cells: buffer("cell", h, if: cell.hasCellState),
      cellTanhs: buffer("cell_tanh", h, if: cell.hasCellState),
      previousHiddens: buffer("previous_hidden", h, if: cell.hasHiddenState),
      previousCells: buffer("previous_cell", h, if: cell.hasCellState),
      prepared: stages.indices.map { buffer("prepared\($0)", h, if: stages[$0].operand == .prepared) },
      preparedGradients: stages.indices.map {
        declarations.buffer("prepared_gradient\($0)", .rows(stages[$0].operand == .prepared ? h : 0))
      },
      partialSums: declarations.buffer("partial_sums", .rows(cell.rowSums * parts)))
    // Two copies of U, packed for the threads.
    declarations.workspace.note("packed_weights", .floats(2 * (recurrentWeights?.count ?? 0)))
    hiddenState = declarations.state("hidden_state", columns: cell.hasHiddenState ? h : 0)
    cellState = declarations.state("cell_state", columns: cell.hasCellState ? h : 0)
    hiddenGradient = declarations.state("hidden_gradient", columns: h)
    cellGradient = declarations.state("cell_gradient", columns: cell.hasCellState ? h : 0)
    weightDropout = recurrentWeights.flatMap {
      weightDropoutRate > 0
        ? WeightDropout(
          rate: weightDropoutRate, $0, number: MaskNumber.recurrentWeights(layer: number), declarations) : nil
    }
  }

  var outputSize: Int { hiddenSize }
  var gateColumns: Int { cell.gates.count * hiddenSize }
  func columns(_ gates: Range<Int>) -> Range<Int> {
    gates.lowerBound * hiddenSize..<gates.upperBound * hiddenSize
  }

  /// Recurrent weights as the cell's options say, all else as the cell does.
  func initialize(using generator: inout SeededGenerator) {
    let limits = cell.inputGates.map {
      cell.initialWeight(gate: $0, inputSize: inputSize, hiddenSize: hiddenSize)
    }
    inputWeights.value.fillUniform(using: &generator) { limits[$0 / hiddenSize] }
    initializeRecurrentWeights(using: &generator)
    for gate in bias == nil ? 0..<0 : 0..<cell.gates.count {
      bias?.value.columns(columns(gate..<gate + 1)).fill(cell.initialBias(gate: gate))
    }
    for (k, vector) in vectors.enumerated() {
      let (value, isSpread) = cell.initialVector(k)
      if isSpread { vector.value.fillUniform(value, using: &generator) } else { vector.value.fill(value) }
    }
  }

  // MARK: Forward

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    inputs = x
    reserveBuffers(pass)
    let gates = buffers.gates.matrix(pass.positions, gateColumns)
    let inputColumns = columns(cell.inputGates)
    // a[:, input gates] = x W + b
    engine.products.multiply(
      x, inputWeights.value, into: gates.columns(inputColumns),
      bias: bias.map { UnsafePointer($0.value.pointer + inputColumns.lowerBound) })

    droppedWeights = pass.dropoutKey.flatMap { key in weightDropout?.forward(key: key) }
    let slices = packedSlices
    engine.pool.run { thread in
      let slice = slices[thread]
      if let (weights, version) = recurrentFactor { slice.packForward(weights, version: version) }
      for t in 0..<pass.steps {
        enter(step: t, pass, slice.units)
        for stage in stageIndices {
          // Everyone's share of the operand is there.
          if !cell.stages.isEmpty { engine.pool.barrier() }
          pass.forEachRun(at: t) { rows in
            multiplyForward(step: t, stage, pass, rows, slice)
            if !slice.units.isEmpty {
              cell.forward(stage: stage, cellStep(t, stage, pass, rows, slice.units), engine.kernels)
            }
          }
        }
        stay(step: t, pass, slice.units)
        if let probe = pass.probe { show(step: t, pass, to: probe, thread) }
      }
      leave(pass, slice.units)
    }
    return buffers.hiddens.matrix(pass.positions, hiddenSize)
  }

  /// A cell without stages is called once a step.
  var stageIndices: Range<Int> { 0..<max(1, cell.stages.count) }

  private func reserveBuffers(_ pass: Pass) {
    let size = pass.positions * hiddenSize
    buffers.hiddens.reserve(size)
    if cell.hasHiddenState { buffers.previousHiddens.reserve(size) }
    if cell.hasCellState {
      for buffer in [buffers.cells, buffers.cellTanhs, buffers.previousCells] { buffer.reserve(size) }
    }
    for (i, stage) in cell.stages.enumerated() where stage.operand == .prepared {
      buffers.prepared[i].reserve(size)
      buffers.preparedGradients[i].reserve(pass.rows * hiddenSize)
    }
    buffers.partialSums.reserve(cell.rowSums * pass.rows * sumParts)
  }

  private var sumParts: Int { (hiddenSize + engine.kernels.lanes - 1) / engine.kernels.lanes }

  /// The threads' slices of the recurrent weights, which take memory from the first use on.
  var packedSlices: [PackedSlice] {
    if slices.isEmpty {
      slices = (0..<engine.threadCount).map { thread in
        PackedSlice(
          units: engine.units(hiddenSize, of: thread), stageGates: cell.stages.map(\.gates.count),
          hiddenSize: hiddenSize, kernels: engine.kernels)
      }
    }
    return slices
  }

  /// U, or Ũ if weights are dropped, and the version that it is packed under.
  var recurrentFactor: (weights: MatrixView, version: Int)? {
    droppedWeights.map { ($0, PackedSlice.noVersion) } ?? recurrentWeights.map { ($0.value, arena.version) }
  }

  /// Copies the state before step t into place, with zeros for rows that restart.
  private func enter(step t: Int, _ pass: Pass, _ units: Range<Int>) {
    let place = t * pass.rows * hiddenSize
    let before = (t - 1) * pass.rows * hiddenSize
    func enter(_ initial: AlignedBuffer, _ all: AlignedBuffer, _ previous: AlignedBuffer) {
      move(
        from: t == 0 ? initial.pointer : all.pointer + before, to: previous.pointer + place, pass.rows, units)
      for row in pass.restarting(at: t) {
        (previous.pointer + place + row * hiddenSize + units.lowerBound).update(
          repeating: 0, count: units.count)
      }
    }
    if cell.hasHiddenState { enter(hiddenState, buffers.hiddens, buffers.previousHiddens) }
    if cell.hasCellState { enter(cellState, buffers.cells, buffers.previousCells) }
  }

  /// Rows that have ended keep their state; their outputs are without meaning.
  private func stay(step t: Int, _ pass: Pass, _ units: Range<Int>) {
    for row in pass.ended(at: t) {
      let first = (t * pass.rows + row) * hiddenSize + units.lowerBound
      if cell.hasHiddenState {
        (buffers.hiddens.pointer + first).update(
          from: buffers.previousHiddens.pointer + first, count: units.count)
      } else {
        (buffers.hiddens.pointer + first).update(repeating: 0, count: units.count)
      }
      if cell.hasCellState {
        (buffers.cells.pointer + first).update(
          from: buffers.previousCells.pointer + first, count: units.count)
      }
      // What the products over all rows multiply by gradients of zero must be numbers.
      for (i, stage) in cell.stages.enumerated() where stage.operand == .prepared {
        (buffers.prepared[i].pointer + first).update(repeating: 0, count: units.count)
      }
    }
  }

  /// Keeps the state of the last step for the next sequence.
  private func leave(_ pass: Pass, _ units: Range<Int>) {
    let last = (pass.steps - 1) * pass.rows * hiddenSize
    if cell.hasHiddenState {
      move(from: buffers.hiddens.pointer + last, to: hiddenState.pointer, pass.rows, units)
    }
    if cell.hasCellState {
      move(from: buffers.cells.pointer + last, to: cellState.pointer, pass.rows, units)
    }
  }

  private func move(
    from source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>, _ rows: Int,
    _ units: Range<Int>
  ) {
    for row in 0..<rows {
      let first = row * hiddenSize + units.lowerBound
      (target + first).update(from: source + first, count: units.count)
    }
  }

  /// a_t[:, gates] += s U (or = s U + b for gates without input), for the gates of a stage and one thread's units.
  private func multiplyForward(
    step t: Int, _ stage: Int, _ pass: Pass, _ rows: Range<Int>, _ slice: PackedSlice
  ) {
    guard stage < cell.stages.count, !cell.stages[stage].gates.isEmpty else { return }
    let operand = operand(stage).rows(t * pass.rows + rows.lowerBound..<t * pass.rows + rows.upperBound)
    let first = cell.stages[..<stage].reduce(0) { $0 + $1.gates.count }
    for (index, gate) in cell.stages[stage].gates.enumerated() {
      let packed = slice.gates[first + index]
      let column = gate * hiddenSize + slice.units.lowerBound
      let a = MatrixView(
        buffers.gates.pointer + (t * pass.rows + rows.lowerBound) * gateColumns + column,
        rows: rows.count, columns: slice.units.count, stride: gateColumns)
      if cell.inputGates.contains(gate) {
        packed.multiply(operand, into: a, accumulate: true)
      } else {
        packed.multiply(operand, into: a, bias: bias.map { UnsafePointer($0.value.pointer + column) })
      }
    }
  }

  /// What a stage multiplies at all steps: [T·B × H].
  func operand(_ stage: Int) -> MatrixView {
    let buffer =
      cell.stages[stage].operand == .prepared ? buffers.prepared[stage] : buffers.previousHiddens
    return MatrixView(buffer.pointer, rows: buffer.count / hiddenSize, columns: hiddenSize)
  }

  /// What the cell works on at step t, for some rows and units.
  func cellStep(
    _ t: Int, _ stage: Int, _ pass: Pass, _ rows: Range<Int>, _ units: Range<Int>,
    inputGradient: MatrixView? = nil
  ) -> CellStep {
    let position = t * pass.rows + rows.lowerBound
    let states = position * hiddenSize + units.lowerBound
    let row = rows.lowerBound * hiddenSize + units.lowerBound
    let next = stage + 1 < cell.stages.count ? stage + 1 : nil
    let (first, second) = (vectors.first, vectors.dropFirst().first)
    return CellStep(
      shape: CellShape(
        rows: rows.count, units: units.count, gateStride: gateColumns, stateStride: hiddenSize),
      hiddenSize: hiddenSize, gates: buffers.gates.pointer + position * gateColumns + units.lowerBound,
      previousHidden: buffers.previousHiddens.pointer + states, hidden: buffers.hiddens.pointer + states,
      previousCell: buffers.previousCells.pointer + states, cell: buffers.cells.pointer + states,
      cellTanh: buffers.cellTanhs.pointer + states,
      input: (inputs?.pointer ?? buffers.hiddens.pointer) + states,
      prepared: (next.map { buffers.prepared[$0] } ?? buffers.hiddens).pointer + states,
      vectors: (first?.value.pointer ?? buffers.hiddens.pointer) + units.lowerBound,
      vectorStride: second.map { $0.offset - (first?.offset ?? 0) } ?? 0,
      partialSums: PartialSums(
        pointer: buffers.partialSums.pointer, rows: pass.rows, firstRow: rows.lowerBound, parts: sumParts,
        firstPart: units.lowerBound / engine.kernels.lanes),
      hiddenGradient: hiddenGradient.pointer + row, cellGradient: cellGradient.pointer + row,
      inputGradient: (inputGradient?.pointer ?? hiddenGradient.pointer) + states,
      preparedGradient: (next.map { buffers.preparedGradients[$0] } ?? hiddenGradient).pointer + row,
      vectorGradients: (first?.gradient.pointer ?? hiddenGradient.pointer) + units.lowerBound)
  }

  /// Lets a probe see a step, once all threads have done it.
  private func show(step t: Int, _ pass: Pass, to probe: any Probe, _ thread: Int) {
    engine.pool.barrier()
    if thread == 0 {
      let rows = t * pass.rows..<(t + 1) * pass.rows
      probe.sawStep(
        t, of: self, gates: buffers.gates.matrix(pass.positions, gateColumns).rows(rows),
        hidden: buffers.hiddens.matrix(pass.positions, hiddenSize).rows(rows),
        cell: cell.hasCellState ? buffers.cells.matrix(pass.positions, hiddenSize).rows(rows) : nil)
    }
    engine.pool.barrier()
  }
}
