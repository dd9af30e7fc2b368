import Kernels
import Tensors

/// What a recurrent layer keeps of a sequence for the way back, and of its rows from one sequence to the next.
struct RecurrentBuffers {
  /// What the layer gives, [T·B × R], and the gates, [T·B × gates·H].
  let hiddens, gates: AlignedBuffer
  /// c and tanh c of every step: [T·B × H].
  let cells, cellTanhs: AlignedBuffer
  /// The state before every step, which a restart may have set to zero: [T·B × R], [T·B × H].
  let previousHiddens, previousCells: AlignedBuffer
  /// For each stage that does not multiply h_{t−1} its operand, [T·B × H]: what the one before prepared, or a gate of the step before.
  let operands: [AlignedBuffer]
  /// The gradients of what is prepared, [B × H].
  let preparedGradients: [AlignedBuffer]
  /// See `PartialSums`.
  let partialSums: AlignedBuffer
  /// What the cell keeps of rows: [T·B × row values].
  let rowValues: AlignedBuffer

  /// h, c and, for stages that multiply them, gates before the first step, [B × R] and [B × H]; after `forward`, those of the last step.
  let hiddenState, cellState: AlignedBuffer
  let gateStates: [AlignedBuffer]
  /// ∂L/∂h and ∂L/∂c of the last step's state before `backward`, of the initial state after it; and the same of those gates, one after the other.
  let hiddenGradient, cellGradient, gateGradients: AlignedBuffer

  init(
    _ cell: any RecurrentCell, hiddenSize h: Int, outputSize: Int, lanes: Int, _ declarations: Declarations
  ) {
    func buffer(_ name: String, _ columns: Int, if isNeeded: Bool = true) -> AlignedBuffer {
      declarations.buffer(name, .positions(isNeeded ? columns : 0))
    }
    let stages = cell.stages
    hiddens = buffer("hidden", outputSize)
    gates = buffer("gates", cell.gates.count * h)
    cells = buffer("cell", h, if: cell.hasCellState)
    cellTanhs = buffer("cell_tanh", h, if: cell.hasCellState)
    previousHiddens = buffer("previous_hidden", outputSize, if: cell.hasHiddenState)
    previousCells = buffer("previous_cell", h, if: cell.hasCellState)
    operands = stages.indices.map { buffer("operand\($0)", h, if: !stages[$0].multipliesHidden) }
    preparedGradients = stages.indices.map {
      declarations.buffer("prepared_gradient\($0)", .rows(stages[$0].isPrepared ? h : 0))
    }
    partialSums = declarations.buffer("partial_sums", .rows(cell.rowSums * ((h + lanes - 1) / lanes)))
    rowValues = buffer("row_values", cell.rowValues)
    let kept = stages.compactMap(\.previousGate)
    hiddenState = declarations.state("hidden_state", columns: cell.hasHiddenState ? outputSize : 0)
    cellState = declarations.state("cell_state", columns: cell.hasCellState ? h : 0)
    gateStates = kept.map { declarations.state("\(cell.gates[$0])_state", columns: h) }
    hiddenGradient = declarations.state("hidden_gradient", columns: outputSize)
    cellGradient = declarations.state("cell_gradient", columns: cell.hasCellState ? h : 0)
    gateGradients = declarations.state("gate_gradients", columns: kept.count * h)
  }
}
