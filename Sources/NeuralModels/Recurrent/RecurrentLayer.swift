import Kernels
import LanguageModels
import Tensors

/// One recurrent layer over a chunk of T steps of B rows: what all cells share.
///
/// Forward: the input projection of all steps in one product, then per step the recurrent product and the cell. Backward: the same in
/// reverse (back-propagation through time, cut off at the chunk's beginning), then one product over all T·B rows for each
/// weight's gradient. Within a step each thread has its own units: it multiplies by its own slice of the recurrent weights, packed
/// once per update so that it stays in its cache, and meets the others once.
///
/// Activations are time-major: step t is rows t·B ..< (t + 1)·B of [T·B × columns].
final class RecurrentLayer {
  let cell: any RecurrentCell
  /// I.
  let inputSize: Int
  /// H.
  let hiddenSize: Int
  /// W: [I × inputBlocks·H].
  let inputWeights: Parameter
  /// U: [H × recurrentBlocks·H].
  let recurrentWeights: Parameter
  /// b: [blocks·H].
  let bias: Parameter

  /// h and c before the first step, [B × H] each; after `forward`, those of the last step.
  let hiddenState = AlignedBuffer()
  let cellState = AlignedBuffer()
  /// ∂L/∂h and ∂L/∂c of the last step's state before `backward`, of the initial state after it.
  let hiddenGradient = AlignedBuffer()
  let cellGradient = AlignedBuffer()

  private let arena: ParameterArena
  private let engine: Engine
  private let hiddens: AlignedBuffer
  private let gates: AlignedBuffer
  private let cells: AlignedBuffer
  private let cellTanhs: AlignedBuffer
  /// The state before every step, which a restart may have set to zero: [T·B × H].
  private let lastHiddens: AlignedBuffer
  private let lastCells: AlignedBuffer
  private let packed: [PackedSlice]
  /// Present if recurrent weights are dropped in training …
  let weightDropout: WeightDropout?
  /// … and Ũ, which takes the place of U since the last `forward`, if that was given a key.
  private var droppedWeights: MatrixView?

  init(
    cell: any RecurrentCell, inputSize: Int, hiddenSize: Int, number: Int = 0, weightDropoutRate: Float = 0,
    name: String, arena: ParameterArena, workspace: Workspace, engine: Engine
  ) {
    self.cell = cell
    self.inputSize = inputSize
    self.hiddenSize = hiddenSize
    self.arena = arena
    self.engine = engine
    inputWeights = arena.add(
      "\(name).input_weights", shape: [inputSize, cell.inputBlocks.count * hiddenSize])
    recurrentWeights = arena.add(
      "\(name).recurrent_weights", shape: [hiddenSize, cell.recurrentBlocks.count * hiddenSize])
    bias = arena.add("\(name).bias", shape: [cell.blocks * hiddenSize])
    (hiddens, gates, cells) = (workspace.buffer(), workspace.buffer(), workspace.buffer())
    (cellTanhs, lastHiddens, lastCells) = (workspace.buffer(), workspace.buffer(), workspace.buffer())
    weightDropout =
      weightDropoutRate > 0
      ? WeightDropout(
        rate: weightDropoutRate, recurrentWeights, number: MaskNumber.recurrentWeights(layer: number),
        workspace: workspace, engine: engine) : nil
    packed = (0..<engine.threadCount).map { thread in
      PackedSlice(
        units: engine.units(hiddenSize, of: thread), blocks: cell.recurrentBlocks.count,
        hiddenSize: hiddenSize,
        kernels: engine.kernels)
    }
  }

  private var gateColumns: Int { cell.blocks * hiddenSize }
  private var inputColumns: Range<Int> {
    cell.inputBlocks.lowerBound * hiddenSize..<cell.inputBlocks.upperBound * hiddenSize
  }
  private var recurrentColumns: Range<Int> {
    cell.recurrentBlocks.lowerBound * hiddenSize..<cell.recurrentBlocks.upperBound * hiddenSize
  }

  // MARK: Forward

  /// h_t of all T steps from x; the state moves to the last step.
  ///
  /// - Parameters:
  ///   - x: [T·B × I].
  ///   - restarts: rows whose state is set to zero before a step: [T·B], or empty.
  ///   - dropoutKey: decides which recurrent weights are dropped; none without it.
  /// - Returns: h_t, [T·B × H], until the next call.
  func forward(
    _ x: MatrixView, steps: Int, rows: Int, restarts: [Bool], dropoutKey: UInt64? = nil
  ) -> MatrixView {
    let size = steps * rows
    let gates = gates.matrix(size, gateColumns)
    let hiddens = hiddens.matrix(size, hiddenSize)
    lastHiddens.reserve(size * hiddenSize)
    if cell.hasCellState {
      for buffer in [cells, cellTanhs, lastCells] { buffer.reserve(size * hiddenSize) }
    }

    // a[:, inputBlocks] = x W + b
    engine.products.multiply(
      x, inputWeights.value, into: gates.columns(inputColumns),
      bias: bias.value.pointer + inputColumns.lowerBound)

    droppedWeights = dropoutKey.flatMap { key in weightDropout?.forward(key: key) }
    let (recurrent, version) = recurrentFactor
    let chunk = Chunk(steps: steps, rows: rows, restarts: restarts)
    engine.pool.run { thread in
      let slice = packed[thread]
      slice.packForward(recurrent, version: version)
      for t in 0..<steps {
        enter(step: t, chunk, slice.units)
        // Everyone's share of h_{t−1} is there.
        engine.pool.barrier()
        multiplyForward(step: t, chunk, slice)
        if !slice.units.isEmpty { cell.forward(cellStep(t, rows, slice.units), engine.kernels) }
      }
      leave(chunk, slice.units)
    }
    return hiddens
  }

  /// U, or Ũ if weights are dropped, and the version that it is packed under.
  private var recurrentFactor: (weights: MatrixView, version: Int) {
    droppedWeights.map { ($0, PackedSlice.noVersion) } ?? (recurrentWeights.value, arena.version)
  }

  /// Copies the state before step t into place, with zeros for rows that restart.
  private func enter(step t: Int, _ chunk: Chunk, _ units: Range<Int>) {
    let isFirst = t == 0
    move(
      from: isFirst ? hiddenState.pointer : hiddens.pointer + (t - 1) * chunk.rows * hiddenSize,
      to: lastHiddens.pointer + t * chunk.rows * hiddenSize, chunk.rows, units)
    if cell.hasCellState {
      move(
        from: isFirst ? cellState.pointer : cells.pointer + (t - 1) * chunk.rows * hiddenSize,
        to: lastCells.pointer + t * chunk.rows * hiddenSize, chunk.rows, units)
    }
    for row in chunk.restarting(at: t) {
      let first = (t * chunk.rows + row) * hiddenSize + units.lowerBound
      (lastHiddens.pointer + first).update(repeating: 0, count: units.count)
      if cell.hasCellState { (lastCells.pointer + first).update(repeating: 0, count: units.count) }
    }
  }

  /// Keeps the state of the last step for the next chunk.
  private func leave(_ chunk: Chunk, _ units: Range<Int>) {
    let last = (chunk.steps - 1) * chunk.rows * hiddenSize
    move(from: hiddens.pointer + last, to: hiddenState.pointer, chunk.rows, units)
    if cell.hasCellState { move(from: cells.pointer + last, to: cellState.pointer, chunk.rows, units) }
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

  /// a_t[:, recurrentBlocks] += h_{t−1} U (or = h_{t−1} U + b for blocks without input), for one thread's units.
  private func multiplyForward(step t: Int, _ chunk: Chunk, _ slice: PackedSlice) {
    let h = MatrixView(
      lastHiddens.pointer + t * chunk.rows * hiddenSize, rows: chunk.rows, columns: hiddenSize)
    for (packed, block) in zip(slice.blocks, cell.recurrentBlocks) {
      let first = block * hiddenSize + slice.units.lowerBound
      let a = MatrixView(
        gates.pointer + t * chunk.rows * gateColumns + first, rows: chunk.rows, columns: slice.units.count,
        stride: gateColumns)
      if cell.inputBlocks.contains(block) {
        packed.multiply(h, into: a, accumulate: true)
      } else {
        packed.multiply(h, into: a, bias: bias.value.pointer + first)
      }
    }
  }

  private func cellStep(_ t: Int, _ rows: Int, _ units: Range<Int>) -> CellStep {
    let states = t * rows * hiddenSize + units.lowerBound
    return CellStep(
      shape: CellShape(rows: rows, units: units.count, gateStride: gateColumns, stateStride: hiddenSize),
      gates: gates.pointer + t * rows * gateColumns + units.lowerBound, hidden: hiddenSize,
      lastHidden: lastHiddens.pointer + states, newHidden: hiddens.pointer + states,
      lastCell: lastCells.pointer + states, newCell: cells.pointer + states,
      cellTanh: cellTanhs.pointer + states,
      hiddenGradient: hiddenGradient.pointer + units.lowerBound,
      cellGradient: cellGradient.pointer + units.lowerBound)
  }

  // MARK: Backward

  /// Adds the gradients of W, U and b; overwrites ∂L/∂x and the gradients of the initial state.
  ///
  /// `hiddenGradient` and `cellGradient` must hold the gradients of the last step's state: zeros, if the loss does not reach
  /// beyond the chunk.
  ///
  /// - Parameters:
  ///   - x: what `forward` was given.
  ///   - outputGradient: ∂L/∂h_t of all steps: [T·B × H].
  ///   - inputGradient: overwritten with ∂L/∂x, [T·B × I].
  func backward(
    _ x: MatrixView, steps: Int, rows: Int, restarts: [Bool], outputGradient: MatrixView,
    inputGradient: MatrixView
  ) {
    let (recurrent, version) = recurrentFactor
    let chunk = Chunk(steps: steps, rows: rows, restarts: restarts)
    engine.pool.run { thread in
      let slice = packed[thread]
      slice.packBackward(recurrent, version: version)
      for t in stride(from: steps - 1, through: 0, by: -1) {
        // ∂h_t comes from above and from step t + 1.
        for row in 0..<rows {
          engine.kernels.addScaled(
            slice.units.count, 1, outputGradient.row(t * rows + row) + slice.units.lowerBound,
            hiddenGradient.pointer + row * hiddenSize + slice.units.lowerBound)
        }
        if !slice.units.isEmpty { cell.backward(cellStep(t, rows, slice.units), engine.kernels) }
        // Everyone's share of ∂a_t is there.
        engine.pool.barrier()
        multiplyBackward(step: t, chunk, slice)
        for row in chunk.restarting(at: t) {
          // Nothing flows back from a row that restarted.
          let first = row * hiddenSize + slice.units.lowerBound
          (hiddenGradient.pointer + first).update(repeating: 0, count: slice.units.count)
          if cell.hasCellState {
            (cellGradient.pointer + first).update(repeating: 0, count: slice.units.count)
          }
        }
      }
    }
    let gateGradients = gates.matrix(steps * rows, gateColumns)
    let lastHiddens = lastHiddens.matrix(steps * rows, hiddenSize)
    // a = x W + h_{t−1} U + b:  dW += xᵀ da,  dU += h_{t−1}ᵀ da,  db += Σ da,  dx = da Wᵀ
    engine.products.multiply(
      transposed: x, gateGradients.columns(inputColumns), into: inputWeights.gradient, accumulate: true)
    if droppedWeights != nil, let weightDropout {
      engine.products.multiply(
        transposed: lastHiddens, gateGradients.columns(recurrentColumns), into: weightDropout.gradient)
      weightDropout.backward()
    } else {
      engine.products.multiply(
        transposed: lastHiddens, gateGradients.columns(recurrentColumns), into: recurrentWeights.gradient,
        accumulate: true)
    }
    engine.addColumnSums(gateGradients, into: bias.gradient)
    engine.products.multiply(
      gateGradients.columns(inputColumns), transposed: inputWeights.value, into: inputGradient)
  }

  /// ∂h_{t−1} = (what the cell left there) + ∂a_t Uᵀ, for one thread's units.
  private func multiplyBackward(step t: Int, _ chunk: Chunk, _ slice: PackedSlice) {
    let a = MatrixView(
      gates.pointer + t * chunk.rows * gateColumns + recurrentColumns.lowerBound, rows: chunk.rows,
      columns: recurrentColumns.count, stride: gateColumns)
    let gradient = MatrixView(
      hiddenGradient.pointer + slice.units.lowerBound, rows: chunk.rows, columns: slice.units.count,
      stride: hiddenSize)
    slice.transpose.multiply(a, into: gradient, accumulate: cell.carriesHidden)
  }
}

/// The steps and rows of one call, and where rows restart.
private struct Chunk {
  let steps: Int
  let rows: Int
  let restarts: [Bool]

  /// The rows whose state is zero before step t.
  func restarting(at t: Int) -> [Int] {
    restarts.isEmpty ? [] : (0..<rows).filter { restarts[t * rows + $0] }
  }
}
