import LanguageModels
import Tensors

/// A map over time from x [T·B × I] to y [T·B × O]: what every layer of a network is, and a stack of layers too.
///
/// Activations are time-major: step t is rows t·B ..< (t + 1)·B. A layer declares its parameters and buffers when it is made
/// (`Declarations`), and remembers of each of the B rows what its state holds from one sequence to the next.
///
/// A new layer is a file with a class that conforms to this; its tests are those of
/// `LayerTests`, which ask for its equations in their list and no more.
protocol SequenceLayer: AnyObject {
  /// I.
  var inputSize: Int { get }
  /// O.
  var outputSize: Int { get }
  /// Whether ∂L/∂x may take the place of ∂L/∂y in memory.
  var isPointwise: Bool { get }
  /// The layers within, if it is made of others, whose parameters and states are then its own, one after the other.
  var parts: [any SequenceLayer] { get }

  /// Gives every parameter its first value; those that are not touched are zero.
  func initialize(using generator: inout SeededGenerator)

  /// y of all steps; the state moves behind each row's last step.
  ///
  /// - Returns: [T·B × O], until the next call; x itself if there is nothing to do.
  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView

  /// For the sequence of the last `forward`, which x must have outlived: adds the gradients of the parameters to theirs, and writes ∂L/∂x.
  ///
  /// The gradients of the state are those of the state after the sequence before the call, and of the state before it afterwards.
  ///
  /// - Parameters:
  ///   - gradient: ∂L/∂y, [T·B × O], zero behind the ends of rows; it is used up.
  ///   - inputGradient: [T·B × I], overwritten with ∂L/∂x, or with the sum of what it held and that if `adding`. It may be
  ///     `gradient` if the layer `isPointwise`.
  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass)

  // MARK: State

  /// How many numbers the layer remembers of a row.
  var stateSize: Int { get }

  /// Makes room for B rows, with states of zeros.
  func resetState(rows: Int)

  /// What the layer remembers of a row: `stateSize` numbers.
  func state(row: Int) -> [Float]

  /// Makes the layer remember of a row what `state(row:)` once gave.
  func setState(_ values: ArraySlice<Float>, row: Int)

  /// No loss reaches beyond the sequence.
  func clearStateGradients(rows: Int)

  /// ∂L/∂ of what `state(row:)` gives: after `backward`, of the state before the sequence.
  func stateGradient(row: Int) -> [Float]

  /// Says what ∂L/∂ of the state behind the sequence is, before `backward`.
  func setStateGradient(_ values: ArraySlice<Float>, row: Int)
}

/// Most layers have no memory but that of the layers within.
extension SequenceLayer {
  var isPointwise: Bool { false }
  var parts: [any SequenceLayer] { [] }

  func initialize(using generator: inout SeededGenerator) {
    for part in parts { part.initialize(using: &generator) }
  }

  var stateSize: Int { parts.reduce(0) { $0 + $1.stateSize } }

  func resetState(rows: Int) { for part in parts { part.resetState(rows: rows) } }

  func state(row: Int) -> [Float] { parts.flatMap { $0.state(row: row) } }

  func setState(_ values: ArraySlice<Float>, row: Int) {
    var rest = values
    for part in parts {
      part.setState(rest.prefix(part.stateSize), row: row)
      rest = rest.dropFirst(part.stateSize)
    }
  }

  func clearStateGradients(rows: Int) { for part in parts { part.clearStateGradients(rows: rows) } }

  func stateGradient(row: Int) -> [Float] { parts.flatMap { $0.stateGradient(row: row) } }

  func setStateGradient(_ values: ArraySlice<Float>, row: Int) {
    var rest = values
    for part in parts {
      part.setStateGradient(rest.prefix(part.stateSize), row: row)
      rest = rest.dropFirst(part.stateSize)
    }
  }
}

extension SequenceLayer {
  /// Lets row i go on from the state of row rows[i]: what a beam search does with its survivors.
  func gatherState(_ rows: [Int]) {
    let states = rows.map { state(row: $0) }
    resetState(rows: rows.count)
    for (row, state) in states.enumerated() { setState(state[...], row: row) }
  }
}

/// What comes with a sequence on its way through the layers.
struct Pass {
  /// T.
  var steps: Int
  /// B.
  var rows: Int
  /// Where rows begin anew, with a state of zeros before the step: [T·B]; empty if they never do.
  var restarts: [Bool] = []
  /// The steps of each row, [B]; empty if each has all T. Behind a row's end its state stays as it is, and the outputs are without
  /// meaning, but finite.
  var lengths: [Int] = []
  /// Decides what dropout drops; `nil` outside training.
  var dropoutKey: UInt64?
  /// Whether it is one of many short passes with the same weights, which are then packed once for all.
  var keepsPackedWeights = false
  /// What the gradients of penalties are multiplied by; see `Batch.weight`.
  var weight = 1.0
  /// Looks on.
  var probe: (any Probe)?

  /// T·B.
  var positions: Int { steps * rows }

  /// The rows that begin anew before step t.
  func restarting(at t: Int) -> [Int] {
    restarts.isEmpty ? [] : (0..<rows).filter { restarts[t * rows + $0] }
  }

  /// Calls `body` with the runs of neighbouring rows that have a step t.
  @inline(__always)
  func forEachRun(at t: Int, _ body: (Range<Int>) -> Void) {
    if lengths.isEmpty { return body(0..<rows) }
    var row = 0
    while row < rows {
      let first = row
      while row < rows, t < lengths[row] { row += 1 }
      if row > first { body(first..<row) }
      while row < rows, t >= lengths[row] { row += 1 }
    }
  }

  /// The steps of a row.
  func length(of row: Int) -> Int { lengths.isEmpty ? steps : lengths[row] }

  /// The rows that have ended before step t.
  func ended(at t: Int) -> [Int] { lengths.isEmpty ? [] : (0..<rows).filter { t >= lengths[$0] } }
}

/// Sees what happens at each step of a recurrent layer before it is overwritten: pictures of gates and of gradients come from here.
///
/// It is called from one thread, while the others wait.
protocol Probe: AnyObject {
  /// After step t: the activations of the gates, [B × gates·H], the new hidden state, and the new cell state if the cell has one.
  func sawStep(_ t: Int, of layer: RecurrentLayer, gates: MatrixView, hidden: MatrixView, cell: MatrixView?)

  /// On the way back: ∂L/∂h_t, [B × R], of all losses from step t on, and if there is a cell state ∂L/∂c_t, [B × H], as far as it comes from
  /// later steps.
  func sawGradient(_ t: Int, of layer: RecurrentLayer, hidden: MatrixView, cell: MatrixView?)
}
