import Foundation
import Kernels
import LanguageModels
import Tensors
import TestSupport

@testable import NeuralModels

/// The models in textbook form, one scalar at a time: what the networks must compute, and by the tape their exact gradients.
///
/// The parameters are those of the network under test, read from its arena by name.
final class Oracle {
  let tape = Tape()
  /// The rows of the embedding before those of the tokens.
  private var firstEmbedding = 0
  private var parameters: [String: Grid] = [:]
  /// What takes the place of parameters of which something is dropped.
  private var dropped: [String: Grid] = [:]

  /// A matrix of variables; a vector is a matrix of one row.
  struct Grid {
    let rows: [[Scalar]]
    let columns: [[Scalar]]

    init(rows: [[Scalar]]) {
      self.rows = rows
      columns = rows[0].indices.map { column in rows.map { $0[column] } }
    }
  }

  /// The parameters of `arena` as variables.
  init(_ arena: ParameterArena) {
    for parameter in arena.parameters {
      let view = parameter.value
      parameters[parameter.name] = Grid(
        rows: (0..<view.rows).map { row in
          (0..<view.columns).map { tape.variable(Double(view[row, $0])) }
        })
    }
  }

  subscript(name: String) -> Grid {
    guard let grid = parameters[name] else { preconditionFailure("the network has no parameter \(name)") }
    return grid
  }

  /// What dropout multiplies by in one training step.
  struct Masks {
    /// For each token.
    var tokens: [Float]
    /// For each place between layers, [T·B × columns] row by row; empty without dropout there.
    var between: [[Float]]
    /// For the recurrent weights of each layer, row by row; empty without dropout there.
    var recurrent: [[Float]]
  }

  /// Lets the parameter `name` be used as parameter ∘ mask.
  private func drop(_ name: String, _ mask: [Float]) {
    guard !mask.isEmpty else { return }
    let width = self[name].columns.count
    dropped[name] = Grid(
      rows: self[name].rows.enumerated().map { r, row in
        row.enumerated().map { Double(mask[r * width + $0]) * $1 }
      })
  }

  func factor(_ name: String) -> Grid { dropped[name] ?? self[name] }

  func has(_ name: String) -> Bool { parameters[name] != nil }

  func variables(_ values: [Float]) -> [Scalar] { values.map { tape.variable(Double($0)) } }

  func zeros(_ count: Int) -> [Scalar] { (0..<count).map { _ in tape.variable(0) } }

  // MARK: Recurrent layers

  /// One step of one row: h, and the state after it, from x and the state before; a state is h, and then c for cells that have one.
  func step(
    _ kind: NeuralKind, _ options: CellOptions = CellOptions(), layer: String, _ x: [Scalar],
    _ state: [Scalar]
  ) -> (
    y: [Scalar], state: [Scalar]
  ) {
    let cell = kind.cell(x.count, hiddenSize(kind, layer: layer), options)
    let size = hiddenSize(kind, layer: layer)
    let textbook = TextbookCell(oracle: self, cell: cell, layer: layer, x: x, size: size)
    let h = cell.hasHiddenState ? Array(state.prefix(options.projection ?? size)) : zeros(size)
    switch kind {
    case .nnlm: preconditionFailure("\(kind) has no recurrent layers")
    case .rnn:
      let y = textbook.stayed(h, textbook.elman(h), options.hiddenZoneout)
      return (y, y)
    case .gru:
      let y = textbook.stayed(h, textbook.gru(h), options.hiddenZoneout)
      return (y, cell.hasHiddenState ? y : [])
    case .lstm:
      return longShortTermMemory(textbook, state)
    case .sru:
      let w = self["\(layer).input_weights"]
      return simpleRecurrentUnit(layer, x, state) { tape.dot(x, w.columns[$0 * size + $1]) }
    case .qrnn:
      let next = textbook.qrnn(state)
      return (next.y, next.cells)
    case .mingru:
      let y = textbook.minGRU(h)
      return (y, y)
    case .minlstm:
      let y = textbook.minLSTM(h)
      return (y, y)
    }
  }

  /// With the projection of Sak et al. (2014).
  private func longShortTermMemory(_ textbook: TextbookCell, _ state: [Scalar]) -> (
    y: [Scalar], state: [Scalar]
  ) {
    let options = textbook.cell.options
    let width = options.projection ?? textbook.size
    let (original, c) = (Array(state[..<width]), Array(state[width..<width + textbook.size]))
    let (x, h) = TextbookCell.mogrified(
      self, textbook.layer, rounds: options.mogrifierRounds, textbook.x, original)
    let textbook = TextbookCell(
      oracle: self, cell: textbook.cell, layer: textbook.layer, x: x, size: textbook.size)
    var next =
      options.hasLayerNorm
      ? textbook.layerNormLSTM(h, c) : textbook.lstm(h, c, last: Array(state[(width + textbook.size)...]))
    if options.projection != nil {
      let p = self["\(textbook.layer).projection_weights"]
      next.y = p.columns.map { tape.dot(next.y, $0) }
    }
    let y = textbook.stayed(original, next.y, options.hiddenZoneout)
    return (y, y + textbook.stayed(c, next.cells, options.cellZoneout) + next.gates)
  }

  /// Lei et al. (2018), with c in the place of g(c), and their α in front of x where the highway has no weights.
  private func simpleRecurrentUnit(
    _ layer: String, _ x: [Scalar], _ c: [Scalar], _ input: (Int, Int) -> Scalar
  ) -> (y: [Scalar], state: [Scalar]) {
    func vector(_ name: String, _ j: Int) -> Scalar { self["\(layer).\(name)"].rows[0][j] }
    let hasHighway = self["\(layer).input_weights"].columns.count == 4 * c.count
    let alpha = (1 + 2 * Foundation.exp(-3.0)).squareRoot()
    var (y, cells): ([Scalar], [Scalar]) = ([], [])
    for j in c.indices {
      let f = (input(1, j) + vector("forget_state", j) * c[j] + vector("forget_bias", j)).sigmoid
      let r = (input(2, j) + vector("reset_state", j) * c[j] + vector("reset_bias", j)).sigmoid
      let cell = f * c[j] + (1 - f) * input(0, j)
      cells.append(cell)
      y.append(r * cell + (1 - r) * (hasHighway ? input(3, j) : alpha * x[j]))
    }
    return (y, cells)
  }

  /// H of a layer.
  private func hiddenSize(_ kind: NeuralKind, layer: String) -> Int {
    switch kind {
    case .sru: self["\(layer).forget_bias"].columns.count
    case .qrnn, .minlstm: self["\(layer).bias"].columns.count / 3
    case .mingru: self["\(layer).bias"].columns.count / 2
    default:
      // A unit without gates that see the state has none but the candidate.
      has("\(layer).recurrent_weights")
        ? has("\(layer).projection_weights")
          ? self["\(layer).projection_weights"].rows.count : self["\(layer).recurrent_weights"].rows.count
        : self["\(layer).input_weights"].columns.count
    }
  }

  /// h_t of all steps, time-major, from x [T·B], time-major, and the initial state of each row.
  func run(
    _ kind: NeuralKind, _ options: CellOptions, layer: String, _ x: [[Scalar]], initial: [[Scalar]],
    restarts: [Bool]
  ) -> [[Scalar]] {
    var states = initial
    return x.enumerated().map { i, x in
      let row = i % initial.count
      if !restarts.isEmpty, restarts[i] { states[row] = zeros(states[row].count) }
      let next = step(kind, options, layer: layer, x, states[row])
      states[row] = next.state
      return next.y
    }
  }

  // MARK: Whole networks

  /// −ln p(target), or −Σ_w q(w) ln softmax(features W + b)[w] with q = (1 − ε) [target] + ε / V.
  private func crossEntropy(_ features: [Scalar], _ c: NeuralConfiguration, target: TokenID) -> Scalar {
    let epsilon = c.regularization.labelSmoothing
    guard epsilon > 0 else { return negativeLogProbability(c.softmax, features, target: target) }
    let logits = self["output.bias"].rows[0].indices.map { logit(features, $0, "output.") }
    let total = tape.sum(logits.map(\.exponential)).logarithm
    let even = total - 1 / Double(logits.count) * tape.sum(logits)
    return (1 - epsilon) * (total - logits[Int(target)]) + epsilon * even
  }

  private func meanCrossEntropy(_ features: [[Scalar]], _ c: NeuralConfiguration, _ batch: Batch) -> Scalar {
    let losses = zip(features, batch.targets).filter { $0.1 != Batch.ignored }
      .map { crossEntropy($0, c, target: $1) }
    return losses.isEmpty ? tape.variable(0) : 1 / Double(losses.count) * tape.sum(losses)
  }

  /// The embedding of `token` ∘ its mask.
  private func embedding(_ token: TokenID, _ masks: Masks?) -> [Scalar] {
    // Rows of an output layer that shares them may stand before those of the tokens.
    let row = self["embedding"].rows[firstEmbedding + Int(token)]
    guard let masks, !masks.tokens.isEmpty else { return row }
    return row.map { Double(masks.tokens[Int(token)]) * $0 }
  }

  private func drop(_ x: [[Scalar]], at place: Int, _ masks: Masks?) -> [[Scalar]] {
    guard let mask = masks?.between[place], !mask.isEmpty else { return x }
    return x.enumerated().map { i, row in
      row.enumerated().map { Double(mask[i * row.count + $0]) * $1 }
    }
  }

  private func meanSquare(_ x: [Scalar], count: Int) -> Scalar { 1 / Double(count) * tape.dot(x, x) }

  /// The mean of −ln p over the targets of a network, with all that its regularization adds.
  func loss(_ c: NeuralConfiguration, _ batch: Batch, states: [[Float]], masks: Masks? = nil) -> Scalar {
    firstEmbedding = c.sharedRowsOfClusters
    return c.kind.isRecurrent
      ? recurrentLoss(c, batch, states: states, masks: masks) : feedForwardLoss(c, batch, masks: masks)
  }

  /// The mean of −ln p over the targets of a recurrent network, with the penalties on its activations; `states` are those that
  /// its `setState` was given.
  private func recurrentLoss(
    _ c: NeuralConfiguration, _ batch: Batch, states: [[Float]], masks: Masks? = nil
  ) -> Scalar {
    for (l, mask) in (masks?.recurrent ?? []).enumerated() { drop("layer\(l + 1).recurrent_weights", mask) }
    var x = drop(batch.inputs.map { embedding($0, masks) }, at: 0, masks)
    var top = x
    var rest = states.map { $0[...] }
    func take(_ count: Int) -> [[Scalar]] {
      defer { rest = rest.map { $0.dropFirst(count) } }
      return rest.map { variables(Array($0.prefix(count))) }
    }
    for (l, size) in stateSizes(c).enumerated() {
      let width = c.kind == .qrnn && l == 0 ? c.inputWindow : 1
      let seen =
        width > 1
        ? windows(x, initial: take((width - 1) * x[0].count), restarts: batch.restarts) : x
      top = run(
        c.kind, c.cell, layer: "layer\(l + 1)", seen, initial: take(size), restarts: batch.restarts)
      let fits = x[0].count == top[0].count
      switch c.connection {
      case .residual where fits: top = zip(top, x).map { zip($0, $1).map { $0 + $1 } }
      case .highway where fits: top = zip(top, x).map { highway("layer\(l + 1).", $0, $1) }
      case .plain, .residual, .highway, .dense: break
      }
      let dropped = drop(top, at: l + 1, masks)
      // What comes from below is dropped already; the last layer gives its output alone.
      x = c.connection == .dense && l + 1 < c.layers ? zip(dropped, x).map { $0 + $1 } : dropped
    }
    let r = c.regularization
    var loss = meanCrossEntropy(x, c, batch)
    if r.activationPenalty > 0 {
      loss = loss + r.activationPenalty * meanSquare(x.flatMap { $0 }, count: x.count * x[0].count)
    }
    if r.temporalPenalty > 0, batch.steps > 1 {
      let pairs = (batch.rows..<top.count).filter { batch.restarts.isEmpty || !batch.restarts[$0] }
      let differences = pairs.flatMap { i in zip(top[i], top[i - batch.rows]).map { $0 - $1 } }
      let count = (batch.steps - 1) * batch.rows * top[0].count
      loss = loss + r.temporalPenalty * meanSquare(differences, count: count)
    }
    return loss
  }

  /// How many numbers each recurrent layer remembers, from the bottom to the top: asked of the layers, which need no memory for that.
  private func stateSizes(_ c: NeuralConfiguration) -> [Int] {
    var c = c
    c.softmax = SoftmaxOptions()
    let declared = NextTokenNetwork(
      c, vocabularySize: 2, engine: Engine(kernels: KernelTable.supported[0], threads: 1))
    return declared.recurrentLayers.map(\.stateSize)
  }

  /// The mean of −ln p over the targets of an NNLM (Bengio et al. 2003, equation 1).
  private func feedForwardLoss(_ c: NeuralConfiguration, _ batch: Batch, masks: Masks?) -> Scalar {
    let (weights, bias) = (self["hidden.weights"], self["hidden.bias"].rows[0])
    let features = batch.targets.indices.map { i in
      let window = batch.inputs[i * (c.order - 1)..<(i + 1) * (c.order - 1)]
      let x = window.flatMap { embedding($0, masks) }
      var h = bias.indices.map { (tape.dot(x, weights.columns[$0]) + bias[$0]).hyperbolicTangent }
      if let mask = masks?.between[0], !mask.isEmpty {
        h = h.enumerated().map { Double(mask[i * h.count + $0]) * $1 }
      }
      return c.hasDirectConnections ? h + x : h
    }
    return meanCrossEntropy(features, c, batch)
  }
}
