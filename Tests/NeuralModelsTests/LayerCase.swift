import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// A layer for the tests that go through all of them, and what it does in textbook form.
struct LayerCase: Sendable, CustomTestStringConvertible {
  let name: String
  /// I, and sizes within.
  let input: Int
  let make: @Sendable (Declarations) -> any SequenceLayer
  /// One step of one row: y and the next state from x and the state, one after the other as `state(row:)` has them.
  let step: @Sendable (Oracle, _ x: [Scalar], _ state: [Scalar]) -> (y: [Scalar], state: [Scalar])

  var testDescription: String { name }

  /// A recurrent layer of a kind.
  static func recurrent(_ kind: NeuralKind, input: Int, hidden: Int) -> LayerCase {
    recurrent(CellVariant(kind, "") { _ in }, input: input, hidden: hidden)
  }

  /// A recurrent layer of a variant of a cell.
  static func recurrent(_ variant: CellVariant, input: Int, hidden: Int) -> LayerCase {
    let (kind, options) = (variant.kind, variant.options)
    return recurrent(
      "\(variant.testDescription) \(input) to \(hidden)", input: input, hidden: hidden,
      { kind.cell(input, hidden, options) }
    ) { $0.step(kind, options, layer: "layer", $1, $2) }
  }

  private static func recurrent(
    _ name: String, input: Int, hidden: Int, _ cell: @escaping @Sendable () -> any RecurrentCell,
    _ step: @escaping @Sendable (Oracle, [Scalar], [Scalar]) -> (y: [Scalar], state: [Scalar])
  ) -> LayerCase {
    LayerCase(
      name: name, input: input,
      make: { RecurrentLayer(cell: cell(), inputSize: input, hiddenSize: hidden, $0.of("layer")) }, step: step
    )
  }

  /// Every kind of cell, of several sizes; cells of the tests; every layer that is not recurrent, and stacks.
  static let all: [LayerCase] =
    NeuralKind.recurrent.flatMap { kind in
      [(4, 5), (5, 5), (7, 17), (18, 33)].map { recurrent(kind, input: $0, hidden: $1) }
    }
    + CellVariant.all.flatMap { variant in
      [recurrent(variant, input: 7, hidden: 17)]
    }
    + [5, 17, 33].flatMap { hidden in
      [
        recurrent(
          "two stages, 4 to \(hidden)", input: 4, hidden: hidden, { TwoStageCell() }, Oracle.twoStages),
        recurrent("row sums, 4 to \(hidden)", input: 4, hidden: hidden, { CenteredCell() }, Oracle.centered),
      ]
    } + Connection.allCases.map(connection) + [hiddenLayer, direct, dropout, penalty, stack]
    + [2, 4].map(window)

  /// A connection around a gated recurrent unit.
  private static func connection(_ connection: Connection) -> LayerCase {
    LayerCase(
      name: "\(connection) connection", input: 7,
      make: { d in
        connection.around(RecurrentLayer(cell: GRUCell(), inputSize: 7, hiddenSize: 7, d.of("layer")), d)
      }
    ) { oracle, x, state in
      let inner = oracle.step(.gru, layer: "layer", x, state)
      return switch connection {
      case .plain: inner
      case .residual: (zip(inner.y, x).map { $0 + $1 }, inner.state)
      case .highway: (oracle.highway("", inner.y, x), inner.state)
      case .dense: (inner.y + x, inner.state)
      }
    }
  }

  private static let hiddenLayer = LayerCase(
    name: "hidden layer", input: 6, make: { FeedForwardLayer(6, 9, $0.of("hidden")) }
  ) { oracle, x, _ in (oracle.hidden(x), []) }

  private static let direct = LayerCase(
    name: "direct connection around a hidden layer", input: 6,
    make: { DirectConnection(around: FeedForwardLayer(6, 9, $0.of("hidden")), $0.of("direct")) }
  ) { oracle, x, _ in (oracle.hidden(x) + x, []) }

  /// The inputs of some steps side by side.
  private static func window(width: Int) -> LayerCase {
    LayerCase(
      name: "window of \(width)", input: 3, make: { Window(3, width: width, $0) },
      step: { _, x, state in (x + state, Array((x + state).prefix(state.count))) })
  }

  private static let dropout = LayerCase(
    name: "dropout of nothing", input: 6, make: { Dropout(6, rate: 0.5, number: 0, $0) }
  ) { _, x, _ in (x, []) }

  private static let penalty = LayerCase(
    name: "no penalty", input: 6,
    make: {
      ActivationPenalty(
        activation: 0, temporal: 0, around: Dropout(6, rate: 0, number: 0, $0), engine: $0.engine)
    }
  ) { _, x, _ in (x, []) }

  /// Dropout below and above recurrent layers, which are of different sizes.
  private static let stack = LayerCase(
    name: "stack", input: 6,
    make: { d in
      Stack(
        [
          Dropout(6, rate: 0.5, number: 0, d),
          RecurrentLayer(cell: LSTMCell(), inputSize: 6, hiddenSize: 5, d.of("one")),
          Dropout(5, rate: 0, number: 1, d),
          RecurrentLayer(cell: GRUCell(), inputSize: 5, hiddenSize: 7, d.of("two")),
          Dropout(7, rate: 0.5, number: 2, d),
        ], d)
    }
  ) { oracle, x, state in
    let one = oracle.step(.lstm, layer: "one", x, Array(state[..<10]))
    let two = oracle.step(.gru, layer: "two", one.y, Array(state[10...]))
    return (two.y, one.state + two.state)
  }
}

extension Oracle {
  fileprivate func hidden(_ x: [Scalar]) -> [Scalar] {
    let (weights, bias) = (self["hidden.weights"], self["hidden.bias"].rows[0])
    return bias.indices.map { (tape.dot(x, weights.columns[$0]) + bias[$0]).hyperbolicTangent }
  }

  @Sendable fileprivate static func twoStages(_ o: Oracle, _ x: [Scalar], _ h: [Scalar]) -> (
    y: [Scalar], state: [Scalar]
  ) {
    let (w, u) = (o["layer.input_weights"], o["layer.recurrent_weights"])
    let bias = o["layer.bias"].rows[0]
    let n = h.count
    func gate(_ k: Int, _ j: Int, _ operand: [Scalar], _ column: Int) -> Scalar {
      o.tape.dot(x, w.columns[k * n + j]) + o.tape.dot(operand, u.columns[column * n + j]) + bias[k * n + j]
    }
    // U's columns are in the order of the stages.
    let r = (0..<n).map { gate(1, $0, h, 0).sigmoid }
    let z = (0..<n).map { gate(2, $0, h, 1).sigmoid }
    let reset = zip(r, h).map { $0 * $1 }
    let y = (0..<n).map { j in
      (1 - z[j]) * gate(0, j, reset, 2).hyperbolicTangent + z[j] * h[j]
    }
    return (y, y)
  }

  @Sendable fileprivate static func centered(_ o: Oracle, _ x: [Scalar], _ h: [Scalar]) -> (
    y: [Scalar], state: [Scalar]
  ) {
    let (w, u) = (o["layer.input_weights"], o["layer.recurrent_weights"])
    let (bias, gain) = (o["layer.bias"].rows[0], o["layer.gain"].rows[0])
    let a = h.indices.map {
      o.tape.dot(x, w.columns[$0]) + o.tape.dot(h, u.columns[$0]) + bias[$0]
    }
    let mean = 1 / Double(a.count) * o.tape.sum(a)
    let y = zip(gain, a).map { ($0 * ($1 - mean)).hyperbolicTangent }
    return (y, y)
  }
}
