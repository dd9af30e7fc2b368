import Kernels
import LanguageModels
import Tensors

/// Measures how far back losses reach, in batches in which only the last step has a target.
struct GradientReachMeter {
  private let network: NextTokenNetwork
  private let configuration: NeuralConfiguration
  private let text: [TokenID]
  /// K.
  private let steps: Int

  /// How many rows are measured at once, and how many tokens before the first distance are read to get a state.
  private static let (rows, warmUp) = (32, 100)

  /// A meter for `network`, whose gradients it overwrites.
  init(_ network: NextTokenNetwork, _ configuration: NeuralConfiguration, text: [TokenID], steps: Int) {
    (self.network, self.configuration, self.text, self.steps) = (network, configuration, text, steps)
  }

  /// Where the context of each token begins.
  private var beginnings: [Int] {
    guard configuration.context == .sentence else { return [Int](repeating: 0, count: text.count) }
    var beginning = 0
    return text.enumerated().map { i, token in
      defer { if token == Vocabulary.endOfSentence { beginning = i + 1 } }
      return beginning
    }
  }

  func measure(mostPlaces: Int) throws -> GradientReach {
    let beginnings = beginnings
    let eligible = text.indices.filter { $0 - beginnings[$0] >= steps }
    guard !eligible.isEmpty else {
      throw ShortTextError(longest: text.indices.map { $0 - beginnings[$0] }.max() ?? 0)
    }
    let count = min(mostPlaces, eligible.count)
    let places = (0..<count).map { eligible[($0 * eligible.count + eligible.count / 2) / count] }
    let recorder = Recorder(steps: steps)
    var loss = 0.0
    for first in stride(from: 0, to: count, by: Self.rows) {
      let rows = Array(places[first..<min(first + Self.rows, count)])
      network.resetState(rows: rows.count)
      let warm = batch(rows.map { $0 - steps - Self.warmUp..<$0 - steps }, beginnings, ofPlaces: rows)
      _ = network.losses(warm)
      var batch = batch(rows.map { $0 - steps..<$0 + 1 }, beginnings, ofPlaces: rows)
      for (row, place) in rows.enumerated() { batch.targets[steps * rows.count + row] = text[place] }
      batch.targetCount = rows.count
      // Each row is to have the gradient of its own loss, not of the mean.
      batch.weight = Double(rows.count)
      loss += network.lossAndGradients(batch, dropoutKey: nil, probe: recorder)
    }
    return GradientReach(
      steps: steps, places: count, loss: loss / Double(count),
      layers: recorder.layers.enumerated().map { i, seen in
        layer(seen, isLast: i == recorder.layers.count - 1)
      })
  }

  /// The steps with these targets, side by side, none of which is a target yet.
  private func batch(_ ranges: [Range<Int>], _ beginnings: [Int], ofPlaces places: [Int]) -> Batch {
    var batch = Batch(steps: ranges[0].count, rows: ranges.count)
    for step in 0..<batch.steps {
      for (range, place) in zip(ranges, places) {
        let (target, beginning) = (range.lowerBound + step, beginnings[place])
        batch.inputs.append(target > beginning ? text[target - 1] : Vocabulary.endOfSentence)
        batch.restarts.append(target == beginning)
      }
    }
    batch.targets = [TokenID](repeating: Batch.ignored, count: batch.steps * batch.rows)
    return batch
  }

  private func layer(_ seen: Recorder.Seen, isLast: Bool) -> GradientReach.Layer {
    let layer = seen.layer
    let matrices = layer.gateMatrices.map { gate, weights in
      GradientReach.RecurrentMatrix(
        gate: gate,
        spectralRadius: weights.rows == weights.columns
          ? MatrixMeasures.spectralRadius(weights, engine: network.engine) : nil,
        norm: MatrixMeasures.norm(weights))
    }
    var bound: Double?
    if isLast, configuration.kind == .rnn, let norm = matrices.first?.norm {
      let options = configuration.cell
      bound = norm * options.activation.largestDerivative + (options.isResidualInTime ? 1 : 0)
    }
    let saturations = layer.cell.gates.indices.filter(layer.cell.isSigmoid).map { k in
      GradientReach.Saturation(
        gate: layer.cell.gates[k], shut: Double(seen.shut[k]) / Double(seen.activations),
        open: Double(seen.open[k]) / Double(seen.activations))
    }
    return GradientReach.Layer(
      name: layer.name, hidden: seen.hidden.map(GradientReach.Spread.init),
      cell: layer.cell.hasCellState ? seen.cell.map(GradientReach.Spread.init) : nil, gates: saturations,
      matrices: matrices, boundFactor: bound)
  }

  /// Takes down norms of gradients and counts activations.
  private final class Recorder: Probe {
    struct Seen {
      let layer: RecurrentLayer
      /// The norms for each distance.
      var hidden, cell: [[Double]]
      /// For each gate, the activations below 0.1 and above 0.9; and all activations of a gate.
      var shut, open: [Int]
      var activations = 0
    }

    let steps: Int
    private(set) var layers: [Seen] = []

    init(steps: Int) { self.steps = steps }

    private func index(_ layer: RecurrentLayer) -> Int {
      if let index = layers.firstIndex(where: { $0.layer === layer }) { return index }
      let (none, zeros) = (
        [[Double]](repeating: [], count: steps + 1), [Int](repeating: 0, count: layer.cell.gates.count)
      )
      layers.append(Seen(layer: layer, hidden: none, cell: none, shut: zeros, open: zeros))
      return layers.count - 1
    }

    func sawStep(
      _ t: Int, of layer: RecurrentLayer, gates: MatrixView, hidden: MatrixView, cell: MatrixView?
    ) {
      let i = index(layer)
      let units = gates.columns / layer.cell.gates.count
      for row in 0..<gates.rows {
        for k in layer.cell.gates.indices {
          let values = gates.row(row) + k * units
          for unit in 0..<units {
            if values[unit] < 0.1 { layers[i].shut[k] += 1 }
            if values[unit] > 0.9 { layers[i].open[k] += 1 }
          }
        }
      }
      layers[i].activations += gates.rows * units
    }

    func sawGradient(_ t: Int, of layer: RecurrentLayer, hidden: MatrixView, cell: MatrixView?) {
      let i = index(layer)
      layers[i].hidden[steps - t] += norms(hidden)
      if let cell { layers[i].cell[steps - t] += norms(cell) }
    }

    private func norms(_ matrix: MatrixView) -> [Double] {
      (0..<matrix.rows).map { row in
        let values = matrix.row(row)
        var sum = 0.0
        for column in 0..<matrix.columns { sum += Double(values[column]) * Double(values[column]) }
        return sum.squareRoot()
      }
    }
  }
}

extension RecurrentCell {
  /// Whether the activation of gate k is that of a gate, between 0 and 1, rather than of a value.
  func isSigmoid(gate k: Int) -> Bool {
    !["hidden", "candidate", "candidate state", "highway"].contains(gates[k])
  }
}

extension RecurrentLayer {
  /// The recurrent weights of each gate that sees h or what a stage made of it.
  fileprivate var gateMatrices: [(gate: String, weights: MatrixView)] {
    guard let recurrentWeights else { return [] }
    var (matrices, column): ([(String, MatrixView)], Int) = ([], 0)
    for stage in cell.stages {
      for gate in stage.gates {
        if stage.previousGate == nil {
          matrices.append(
            (cell.gates[gate], recurrentWeights.value.columns(column..<column + hiddenSize)))
        }
        column += hiddenSize
      }
    }
    return matrices
  }
}

extension CellOptions.Activation {
  /// The largest derivative of F.
  var largestDerivative: Double { self == .sigmoid ? 0.25 : 1 }
}
