import Kernels

/// The pointwise mathematics of a recurrent layer's gates, and nothing else.
///
/// A layer of H units has `blocks` pre-activations for each unit, kept as blocks of H columns:
///
///     a_t[:, k]  =  x_t W_k + b_k       for k in `inputBlocks`       (b_k alone for the other blocks)
///                +  h_{t−1} U_k         for k in `recurrentBlocks`
///
/// The products are the layer's. A cell turns a_t and the last state into the new state (`forward`), and the gradients of the new
/// state into those of a_t and of the last state (`backward`), for some of the units: each thread has its own.
protocol RecurrentCell: Sendable {
  /// How many pre-activations a unit has.
  var blocks: Int { get }
  /// The blocks that the input reaches.
  var inputBlocks: Range<Int> { get }
  /// The blocks that the last hidden state reaches.
  var recurrentBlocks: Range<Int> { get }
  /// Whether the state has a cell state c beside h.
  var hasCellState: Bool { get }
  /// Whether h_{t−1} reaches h_t by another way than the products, so that `backward` gives a part of its gradient.
  var carriesHidden: Bool { get }
  /// What the bias of block k starts with.
  func initialBias(block: Int) -> Float

  /// Overwrites the activations over their pre-activations, and the new state.
  func forward(_ step: CellStep, _ kernels: KernelTable)

  /// Overwrites ∂L/∂a_t over the activations, and the gradients of the last state over those of the new one.
  func backward(_ step: CellStep, _ kernels: KernelTable)
}

extension RecurrentCell {
  var hasCellState: Bool { false }
  var carriesHidden: Bool { false }
  func initialBias(block: Int) -> Float { 0 }
}

/// What a cell works on at one time step: B rows, and the units of one thread.
///
/// All pointers are those of the first row and the thread's first unit.
struct CellStep {
  /// Rows, units, and the floats from a row to the next of gates and of states.
  let shape: CellShape
  /// a_t, then the activations, then ∂L/∂a_t: [B × blocks·H].
  let gates: UnsafeMutablePointer<Float>
  /// H, the columns from a block of gates to the next.
  let hidden: Int
  /// h_{t−1}.
  let lastHidden: UnsafePointer<Float>
  /// h_t.
  let newHidden: UnsafeMutablePointer<Float>
  /// c_{t−1}; without meaning for cells without a cell state, as are the next two.
  let lastCell: UnsafePointer<Float>
  /// c_t.
  let newCell: UnsafeMutablePointer<Float>
  /// tanh(c_t).
  let cellTanh: UnsafeMutablePointer<Float>
  /// Backward only: in, ∂L/∂h_t; out, what reaches h_{t−1} by another way than the products, if `carriesHidden`.
  let hiddenGradient: UnsafeMutablePointer<Float>
  /// Backward only: in, ∂L/∂c_t; out, ∂L/∂c_{t−1}.
  let cellGradient: UnsafeMutablePointer<Float>

  /// The pre-activations of block k.
  func gate(_ k: Int) -> UnsafeMutablePointer<Float> { gates + k * hidden }
}

/// The recurrent cells by their names on the command line.
public enum CellKind: String, CaseIterable, Sendable {
  case rnn
  case gru
  case lstm

  var cell: any RecurrentCell {
    switch self {
    case .rnn: ElmanCell()
    case .gru: GRUCell()
    case .lstm: LSTMCell()
    }
  }
}
