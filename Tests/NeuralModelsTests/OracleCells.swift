import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

/// Cells with products over time in textbook form, with all their options.
///
/// Only where a gate's columns are is taken from the cell.
struct TextbookCell {
  let oracle: Oracle
  let cell: any RecurrentCell
  let layer: String
  let x: [Scalar]
  /// H.
  let size: Int

  private var options: CellOptions { cell.options }

  /// x W + b of a gate, as far as it has them.
  func input(_ gate: String, _ j: Int) -> Scalar {
    guard let k = cell.gates.firstIndex(of: gate) else { preconditionFailure("there is no gate \(gate)") }
    var sum = oracle.zeros(1)[0]
    if cell.inputGates.contains(k) {
      sum = sum + oracle.tape.dot(x, oracle["\(layer).input_weights"].columns[k * size + j])
    }
    return cell.hasBias ? sum + oracle["\(layer).bias"].rows[0][k * size + j] : sum
  }

  /// s U of a gate in some stage.
  func recurrent(_ gate: String, _ j: Int, _ operand: [Scalar], stage: Int = 0) -> Scalar {
    let before = cell.stages[..<stage].reduce(0) { $0 + $1.gates.count }
    let place = cell.stages[stage].gates.firstIndex { cell.gates[$0] == gate } ?? 0
    let k = before + place - cell.stages[stage].gates.startIndex
    return oracle.tape.dot(operand, oracle.factor("\(layer).recurrent_weights").columns[k * size + j])
  }

  /// Melis et al. (2020), equations 1 and 2.
  static func mogrified(_ oracle: Oracle, _ layer: String, rounds: Int, _ x: [Scalar], _ h: [Scalar]) -> (
    x: [Scalar], h: [Scalar]
  ) {
    var (x, h) = (x, h)
    for round in 0..<rounds {
      let q = oracle["\(layer).mogrifier\(round + 1)"].columns
      if round % 2 == 0 {
        x = x.indices.map { 2 * oracle.tape.dot(h, q[$0]).sigmoid * x[$0] }
      } else {
        h = h.indices.map { 2 * oracle.tape.dot(x, q[$0]).sigmoid * h[$0] }
      }
    }
    return (x, h)
  }

  /// p s + (1 − p) s̃: what zoneout is on average.
  func stayed(_ previous: [Scalar], _ new: [Scalar], _ p: Float) -> [Scalar] {
    p == 0 ? new : zip(previous, new).map { Double(p) * $0 + (1 - Double(p)) * $1 }
  }

  func vector(_ name: String, _ j: Int) -> Scalar { oracle["\(layer).\(name)"].rows[0][j] }

  /// Elman (1990): h′ = F(x W + h U + b), and h more if it is residual in time.
  func elman(_ h: [Scalar]) -> [Scalar] {
    (0..<size).map { j in
      let a = input("hidden", j) + recurrent("hidden", j, h)
      let y: Scalar =
        switch options.activation {
        case .tanh: a.hyperbolicTangent
        case .sigmoid: a.sigmoid
        case .relu: a.value > 0 ? a : 0 * a
        }
      return options.isResidualInTime ? y + h[j] : y
    }
  }

  /// The documentation of PyTorch's GRU for the reset after the product, of ONNX's GRU for the reset before it, Zhou et al. (2016) with f = 1 − z
  /// for the minimal unit.
  func gru(_ h: [Scalar]) -> [Scalar] {
    let fixed = options.fixedGates
    let one = oracle.tape.variable(1)
    func gate(_ name: String, _ fixed: Int?, _ j: Int) -> Scalar {
      if let fixed { return oracle.tape.variable(Double(fixed)) }
      return (input(name, j) + recurrent(name, j, h)).sigmoid
    }
    let z = (0..<size).map { gate("update", fixed.update, $0) }
    if options.isMinimal {
      let f = z.map { one - $0 }
      let shown = zip(f, h).map { $0 * $1 }
      return (0..<size).map { j in
        let n = (input("candidate", j) + recurrent("candidate", j, shown, stage: 1)).hyperbolicTangent
        return (1 - f[j]) * h[j] + f[j] * n
      }
    }
    let r = (0..<size).map { gate("reset", options.reset == .none ? 1 : fixed.reset, $0) }
    let isFixed = options.reset == .none || fixed.reset != nil
    let n: [Scalar] = (0..<size).map { j in
      let x = input("candidate", j)
      if isFixed {
        // 0 · (h U) needs no U.
        return r[j].value == 0
          ? x.hyperbolicTangent : (x + recurrent("candidate", j, h)).hyperbolicTangent
      }
      if options.reset == .after {
        let u = input("candidate state", j) + recurrent("candidate state", j, h)
        return (x + r[j] * u).hyperbolicTangent
      }
      return (x + recurrent("candidate", j, zip(r, h).map { $0 * $1 }, stage: 1)).hyperbolicTangent
    }
    return (0..<size).map { (1 - z[$0]) * n[$0] + z[$0] * h[$0] }
  }

  /// Ba et al. (2016), equations 20 to 22, with one bias in the place of β₁, β₂ and b.
  func layerNormLSTM(_ h: [Scalar], _ c: [Scalar]) -> (y: [Scalar], cells: [Scalar], gates: [Scalar]) {
    func normalized(_ x: [Scalar]) -> [Scalar] {
      let mean = 1 / Double(x.count) * oracle.tape.sum(x)
      let centred = x.map { $0 - mean }
      let variance = 1 / Double(x.count) * oracle.tape.dot(centred, centred)
      // 1 / √(v + ε)
      let scale = (-0.5 * (variance + oracle.tape.variable(1e-5)).logarithm).exponential
      return centred.map { $0 * scale }
    }
    let names = ["input", "forget", "candidate", "output"]
    let x = normalized(names.flatMap { name in (0..<size).map { input("\(name) of x", $0) } })
    let s = normalized(names.flatMap { name in (0..<size).map { recurrent("\(name) of h", $0, h) } })
    func sum(_ gate: Int, _ j: Int) -> Scalar {
      vector("\(names[gate])_input_gain", j) * x[gate * size + j]
        + vector("\(names[gate])_state_gain", j) * s[gate * size + j] + vector("\(names[gate])_bias", j)
    }
    let cells = (0..<size).map {
      sum(1, $0).sigmoid * c[$0] + sum(0, $0).sigmoid * sum(2, $0).hyperbolicTangent
    }
    let shown = normalized(cells)
    let y = (0..<size).map { j in
      sum(3, j).sigmoid * (vector("cell_gain", j) * shown[j] + vector("cell_bias", j)).hyperbolicTangent
    }
    return (y, cells, [])
  }

  /// Greff et al. (2017), section 2, and 3 for what is left out; `last` are the gates that the next step sees, if it does.
  func lstm(_ h: [Scalar], _ c: [Scalar], last: [Scalar]) -> (y: [Scalar], cells: [Scalar], gates: [Scalar]) {
    let a = options.ablations
    let one = oracle.tape.variable(1)
    func gate(_ name: String, _ j: Int, _ cell: Scalar) -> Scalar {
      var sum = input(name, j) + recurrent(name, j, h)
      for (k, stage) in self.cell.stages.indices.dropFirst().enumerated() {
        sum = sum + recurrent(name, j, Array(last[k * size..<(k + 1) * size]), stage: stage)
      }
      return (options.hasPeepholes ? sum + vector("\(name)_peephole", j) * cell : sum).sigmoid
    }
    var (y, cells): ([Scalar], [Scalar]) = ([], [])
    var gates: [[Scalar]] = []
    for j in 0..<size {
      let i = a.contains(.noInputGate) ? one : gate("input", j, c[j])
      let f =
        a.contains(.coupledGates) ? one - i : a.contains(.noForgetGate) ? one : gate("forget", j, c[j])
      let g = input("candidate", j) + recurrent("candidate", j, h)
      let cell = f * c[j] + i * (a.contains(.noInputActivation) ? g : g.hyperbolicTangent)
      let o = a.contains(.noOutputGate) ? one : gate("output", j, cell)
      cells.append(cell)
      y.append(o * (a.contains(.noOutputActivation) ? cell : cell.hyperbolicTangent))
      gates.append(
        [
          (i, a.contains(.noInputGate)), (f, !a.isDisjoint(with: [.noForgetGate, .coupledGates])),
          (o, a.contains(.noOutputGate)),
        ].filter { !$0.1 }.map(\.0))
    }
    guard a.contains(.fullGateRecurrence) else { return (y, cells, []) }
    return (y, cells, gates[0].indices.flatMap { k in gates.map { $0[k] } })
  }
}

/// A cell with some options, for the tests that go through all of them.
struct CellVariant: Sendable, CustomTestStringConvertible {
  let kind: NeuralKind
  let name: String
  let options: CellOptions

  init(_ kind: NeuralKind, _ name: String, _ change: (inout CellOptions) -> Void) {
    var options = CellOptions()
    change(&options)
    (self.kind, self.name, self.options) = (kind, name, options)
  }

  var testDescription: String { name.isEmpty ? "\(kind)" : "\(kind) \(name)" }

  /// Every variant of every cell, and some together.
  static let all: [CellVariant] =
    [.rnn, .gru, .lstm].map { kind in CellVariant(kind, "without bias") { $0.hasBias = false } }
    + CellOptions.Activation.allCases.flatMap { activation in
      [false, true].map { isResidual in
        CellVariant(.rnn, "\(activation)\(isResidual ? " residual in time" : "")") {
          ($0.activation, $0.isResidualInTime) = (activation, isResidual)
        }
      }
    }
    + CellOptions.ResetGate.allCases.map { reset in
      CellVariant(.gru, "reset \(reset)") { $0.reset = reset }
    }
    + [
      CellVariant(.gru, "minimal") { $0.isMinimal = true },
      CellVariant(.lstm, "layer norm") { $0.hasLayerNorm = true },
      CellVariant(.lstm, "layer norm, zoneout, projection") {
        ($0.hasLayerNorm, $0.projection, $0.cellZoneout, $0.hiddenZoneout) = (true, 3, 0.4, 0.1)
      },
    ]
    + (1...4).map { rounds in CellVariant(.lstm, "mogrifier \(rounds)") { $0.mogrifierRounds = rounds } } + [
      CellVariant(.lstm, "mogrifier 5, projection, peepholes, zoneout") {
        ($0.mogrifierRounds, $0.projection, $0.hasPeepholes, $0.cellZoneout) = (5, 3, true, 0.3)
      },
      CellVariant(.lstm, "mogrifier 2, fgr") {
        ($0.mogrifierRounds, $0.ablations) = (2, .fullGateRecurrence)
      },
      CellVariant(.lstm, "mogrifier 3, layer norm") { ($0.mogrifierRounds, $0.hasLayerNorm) = (3, true) },
      CellVariant(.lstm, "projection") { $0.projection = 3 },
      CellVariant(.lstm, "projection, peepholes, cifg") {
        ($0.projection, $0.hasPeepholes, $0.ablations) = (4, true, .coupledGates)
      },
      CellVariant(.lstm, "projection, zoneout") {
        ($0.projection, $0.hiddenZoneout, $0.cellZoneout) = (3, 0.2, 0.4)
      },
      CellVariant(.lstm, "zoneout, fgr, peepholes") {
        ($0.hiddenZoneout, $0.cellZoneout, $0.ablations, $0.hasPeepholes) = (
          0.2, 0.4, .fullGateRecurrence, true
        )
      },
      CellVariant(.lstm, "zoneout") { ($0.hiddenZoneout, $0.cellZoneout) = (0.2, 0.4) },
      CellVariant(.lstm, "zoneout, peepholes") {
        ($0.hiddenZoneout, $0.cellZoneout, $0.hasPeepholes) = (0.2, 0.4, true)
      },
      CellVariant(.gru, "zoneout") { $0.hiddenZoneout = 0.3 },
      CellVariant(.gru, "minimal, zoneout") { ($0.isMinimal, $0.hiddenZoneout) = (true, 0.3) },
      CellVariant(.rnn, "zoneout, residual in time") {
        ($0.isResidualInTime, $0.hiddenZoneout) = (true, 0.3)
      },
      CellVariant(.gru, "reset before, no bias") { ($0.reset, $0.hasBias) = (.before, false) },
    ]
    + [("before", CellOptions.ResetGate.before), ("after", .after)].flatMap { name, reset in
      ["reset=0", "reset=1", "update=0", "reset=0,update=0", "reset=1,update=0"].map { fixed in
        CellVariant(.gru, "reset \(name) \(fixed)") {
          ($0.reset, $0.fixedGates) = (reset, CellOptions.FixedGates(fixed) ?? .init())
        }
      }
    }
    + [CellVariant(.lstm, "peepholes") { $0.hasPeepholes = true }]
    + (Ablations.all.map(\.ablation) + [
      [.noInputGate, .noOutputActivation], [.noInputGate, .noForgetGate, .noOutputGate],
      [.coupledGates, .noOutputGate, .noInputActivation], [.fullGateRecurrence, .coupledGates],
    ]).flatMap { ablations in
      [false, true].map { hasPeepholes in
        CellVariant(.lstm, "\(ablations)\(hasPeepholes ? " peepholes" : "")") {
          ($0.ablations, $0.hasPeepholes) = (ablations, hasPeepholes)
        }
      }
    }
}
