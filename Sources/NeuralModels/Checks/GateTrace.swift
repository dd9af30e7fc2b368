import LanguageModels
import Tensors

/// What the gates and states of a recurrent network do while it reads: each of them by token and unit.
public struct GateTrace: Sendable {
  /// A gate, the cell state or the hidden state.
  public struct Series: Sendable {
    public let name: String
    /// Whether its values lie between 0 and 1.
    public let isGate: Bool
    /// For each token read, one number for each unit.
    public let values: [[Float]]
  }

  /// One recurrent layer.
  public struct Layer: Sendable {
    /// Its name in checkpoints.
    public let name: String
    /// The gates in the order of the cell, then the cell state if there is one, then the hidden state.
    public let series: [Series]
  }

  /// The recurrent layers, from the input to the output.
  public let layers: [Layer]
  /// −ln p of each token after those before it.
  public let losses: [Double]
}

extension NeuralModel {
  /// What the gates do while the network reads the tokens, of which the first is read from a state of zeros.
  public func gateTrace(reading tokens: [TokenID]) -> GateTrace {
    precondition(configuration.kind.isRecurrent && !tokens.isEmpty, "a recurrent network reads tokens")
    var batch = Batch(steps: tokens.count, rows: 1, inputs: tokens)
    batch.targets = Array(tokens.dropFirst()) + [Batch.ignored]
    batch.targetCount = tokens.count - 1
    let recorder = TraceRecorder()
    let losses = network.withLock { box in
      let network = box.taken()
      network.resetState(rows: 1)
      return network.losses(batch, probe: recorder)
    }
    return GateTrace(layers: recorder.layers, losses: losses.dropLast())
  }
}

private final class TraceRecorder: Probe {
  private var names: [String] = []
  private var series: [[(name: String, isGate: Bool, values: [[Float]])]] = []

  var layers: [GateTrace.Layer] {
    zip(names, series).map { name, series in
      GateTrace.Layer(
        name: name,
        series: series.map { GateTrace.Series(name: $0.name, isGate: $0.isGate, values: $0.values) })
    }
  }

  func sawStep(
    _ t: Int, of layer: RecurrentLayer, gates: MatrixView, hidden: MatrixView, cell: MatrixView?
  ) {
    func numbers(_ matrix: MatrixView) -> [Float] {
      Array(UnsafeBufferPointer(start: matrix.row(0), count: matrix.columns))
    }
    let units = layer.hiddenSize
    var seen = layer.cell.gates.enumerated().filter { $1 != "hidden" }.map { k, name in
      (name, layer.cell.isSigmoid(gate: k), [numbers(gates.columns(k * units..<(k + 1) * units))])
    }
    if let cell { seen.append(("cell", false, [numbers(cell)])) }
    seen.append(("hidden", false, [numbers(hidden)]))
    if let index = names.firstIndex(of: layer.name) {
      for (i, item) in seen.enumerated() { series[index][i].values += item.2 }
    } else {
      names.append(layer.name)
      series.append(seen.map { (name: $0.0, isGate: $0.1, values: $0.2) })
    }
  }

  func sawGradient(_ t: Int, of layer: RecurrentLayer, hidden: MatrixView, cell: MatrixView?) {}
}
