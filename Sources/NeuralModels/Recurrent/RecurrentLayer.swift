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
  /// R: what the layer gives, H without projection.
  let outputSize: Int
  /// W: [I × input gates·H].
  let inputWeights: Parameter
  /// U: [R × recurrent gates·H], in the order of the stages; `nil` if no stage has gates.
  let recurrentWeights: Parameter?
  /// b: [gates·H], if the cell has biases.
  let bias: Parameter?
  /// The cell's vectors, [H] each.
  let vectors: [Parameter]
  /// Present if recurrent weights are dropped in training.
  let weightDropout: WeightDropout?

  /// Present if the units' outputs come down to fewer numbers.
  let projection: Projection?
  /// Present if x_t and h_{t−1} shape each other before a step.
  let mogrifier: Mogrifier?
  /// Present if elements of the state stay as they are.
  let hiddenZoneout, cellZoneout: Zoneout?

  let buffers: RecurrentBuffers
  /// The gates whose last values are a part of the state, and the stages that multiply them.
  let keptGates: [(gate: Int, stage: Int)]
  let engine: Engine
  let arena: ParameterArena
  /// The slices of the threads, made when they are first needed.
  private var slices: [PackedSlice] = []
  private let packedInputWeights: PackedWeights
  /// Ũ, which takes the place of U since the last `forward`, if that dropped weights.
  private(set) var droppedWeights: MatrixView?
  /// x of the last `forward`.
  private(set) var inputs: MatrixView?
  /// The rows whose states have gradients.
  var gradientRows = 0

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
    packedInputWeights = PackedWeights(declarations)
    let h = hiddenSize
    let options = cell.options
    outputSize = options.projection ?? h
    keptGates = cell.stages.enumerated().compactMap { index, stage in stage.previousGate.map { ($0, index) } }
    precondition(
      outputSize == h || !cell.carriesHidden, "a projection is for cells that see h in products only")
    inputWeights = declarations.parameter("input_weights", inputSize, cell.inputGates.count * h)
    let recurrentGates = cell.stages.reduce(0) { $0 + $1.gates.count }
    recurrentWeights =
      recurrentGates > 0 ? declarations.parameter("recurrent_weights", outputSize, recurrentGates * h) : nil
    bias = cell.hasBias ? declarations.parameter("bias", cell.gates.count * h) : nil
    vectors = cell.vectors.map { declarations.parameter($0, h) }
    projection = options.projection.map { Projection(hiddenSize: h, size: $0, declarations) }
    mogrifier =
      options.mogrifierRounds > 0
      ? Mogrifier(
        rounds: options.mogrifierRounds, inputSize: inputSize, hiddenSize: outputSize, declarations) : nil
    buffers = RecurrentBuffers(
      cell, hiddenSize: h, outputSize: outputSize, lanes: engine.kernels.lanes, declarations)
    // Two copies of U, packed for the threads.
    declarations.workspace.note(
      "packed_weights",
      .floats(2 * ((recurrentWeights?.count ?? 0) + (mogrifier == nil ? 0 : inputWeights.count))))
    func zoneout(_ name: String, _ rate: Float, _ columns: Int, _ place: Int) -> Zoneout? {
      rate > 0
        ? Zoneout(
          name, rate: rate, columns: columns, number: MaskNumber.zoneout(layer: number, place), declarations)
        : nil
    }
    hiddenZoneout = zoneout("hidden", cell.hasHiddenState ? options.hiddenZoneout : 0, outputSize, 0)
    cellZoneout = zoneout("cell", cell.hasCellState ? options.cellZoneout : 0, h, 1)
    weightDropout = recurrentWeights.flatMap {
      weightDropoutRate > 0
        ? WeightDropout(
          rate: weightDropoutRate, $0, number: MaskNumber.recurrentWeights(layer: number), declarations) : nil
    }
  }

  var gateColumns: Int { cell.gates.count * hiddenSize }
  func columns(_ gates: Range<Int>) -> Range<Int> {
    gates.lowerBound * hiddenSize..<gates.upperBound * hiddenSize
  }

  /// Recurrent weights as the cell's options say, all else as the cell does.
  func initialize(using generator: inout SeededGenerator) {
    // Beside an identity, inputs of small weight: deviation 0.001 (Le et al. 2015, section 2).
    let limits = cell.inputGates.map {
      cell.options.recurrentInit == .identity
        ? 0.001 * Float(3).squareRoot()
        : cell.initialWeight(gate: $0, inputSize: inputSize, hiddenSize: hiddenSize)
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
    mogrifier?.initialize(using: &generator)
    projection?.weights.value.fillUniform(type(of: cell).usualWeight(hiddenSize), using: &generator)
  }

  // MARK: Forward

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    inputs = x
    reserveBuffers(pass)
    let gates = buffers.gates.matrix(pass.positions, gateColumns)
    let inputColumns = columns(cell.inputGates)
    // a[:, input gates] = x W + b
    if mogrifier == nil {
      packedInputWeights.multiply(
        x, inputWeights.value, into: gates.columns(inputColumns),
        bias: bias.map { UnsafePointer($0.value.pointer + inputColumns.lowerBound) },
        isKept: pass.keepsPackedWeights)
    }

    droppedWeights = pass.dropoutKey.flatMap { key in weightDropout?.forward(key: key) }
    let slices = packedSlices
    engine.pool.run { thread in
      let slice = slices[thread]
      if let (weights, version) = recurrentFactor { slice.packForward(weights, version: version) }
      projection?.packForward(thread)
      packMogrifierForward(thread)
      for t in 0..<pass.steps {
        enter(step: t, pass, slice)
        if let mogrifier { mogrify(step: t, x, pass, mogrifier, thread) }
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
        if let projection {
          engine.pool.barrier()
          projection.forward(step: t, pass, into: buffers.hiddens, thread)
        }
        hiddenZoneout?.forward(
          step: t, pass, previous: buffers.previousHiddens, buffers.hiddens, slice.outputs)
        cellZoneout?.forward(step: t, pass, previous: buffers.previousCells, buffers.cells, slice.units)
        stay(step: t, pass, slice)
        if let probe = pass.probe { show(step: t, pass, to: probe, thread) }
      }
      leave(pass, slice)
    }
    return buffers.hiddens.matrix(pass.positions, outputSize)
  }

  /// A cell without stages is called once a step.
  var stageIndices: Range<Int> { 0..<max(1, cell.stages.count) }

  private func reserveBuffers(_ pass: Pass) {
    let size = pass.positions * hiddenSize
    buffers.hiddens.reserve(pass.positions * outputSize)
    if cell.hasHiddenState { buffers.previousHiddens.reserve(pass.positions * outputSize) }
    if cell.hasCellState {
      for buffer in [buffers.cells, buffers.cellTanhs, buffers.previousCells] { buffer.reserve(size) }
    }
    for (i, stage) in cell.stages.enumerated() where !stage.multipliesHidden {
      buffers.operands[i].reserve(size)
      if stage.isPrepared { buffers.preparedGradients[i].reserve(pass.rows * hiddenSize) }
    }
    buffers.partialSums.reserve(cell.rowSums * pass.rows * sumParts)
    buffers.rowValues.reserve(cell.rowValues * pass.positions)
    projection?.reserve(pass)
    if let mogrifier { reserve(mogrifier, pass) }
    hiddenZoneout?.begin(pass)
    cellZoneout?.begin(pass)
  }

  private func reserve(_ mogrifier: Mogrifier, _ pass: Pass) {
    mogrifier.reserve(pass)
    if inputSlices.isEmpty {
      inputSlices = (0..<engine.threadCount).map { thread in
        PackedSlice(
          units: engine.units(hiddenSize, of: thread), outputs: engine.units(inputSize, of: thread),
          stageGates: [cell.inputGates.count], hiddenSize: hiddenSize, outputSize: inputSize,
          kernels: engine.kernels)
      }
    }
  }

  var sumParts: Int { (hiddenSize + engine.kernels.lanes - 1) / engine.kernels.lanes }

  /// The threads' slices of W, for the products of single steps.
  private(set) var inputSlices: [PackedSlice] = []

  /// The threads' slices of the recurrent weights, which take memory from the first use on.
  var packedSlices: [PackedSlice] {
    if slices.isEmpty {
      slices = (0..<engine.threadCount).map { thread in
        PackedSlice(
          units: engine.units(hiddenSize, of: thread), outputs: engine.units(outputSize, of: thread),
          stageGates: cell.stages.map(\.gates.count), hiddenSize: hiddenSize, outputSize: outputSize,
          kernels: engine.kernels)
      }
    }
    return slices
  }

  /// U, or Ũ if weights are dropped, and the version that it is packed under.
  var recurrentFactor: (weights: MatrixView, version: Int)? {
    droppedWeights.map { ($0, PackedSlice.noVersion) } ?? recurrentWeights.map { ($0.value, arena.version) }
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
}
