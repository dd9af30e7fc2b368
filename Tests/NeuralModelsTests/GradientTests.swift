import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Gradients against those of the tape, relative to the largest of each tensor.
///
/// The tolerance: an element of a gradient is a sum over at most T·B·H ≈ 200 products (T = 3, B = 2, H = 33), whose factors
/// passed through at most T·L + 2 ≈ 11 products of 66 terms each on their way forward and back. Every product errs by at most
/// n ε of the largest term, ε = 2⁻²⁴, and rounding errors add up like √n when they are independent:
/// 11 · √66 · ε + √200 · ε ≈ 6e-6. Gradients near 1e-1 of their terms by cancellation, and the 4 ε of exp and tanh, take it
/// to at most 1e-4. A wrong term in a derivation is at least 1e-2.
private let tolerance = 1e-4

@Suite("Gradients")
struct GradientTests {
  /// The largest relative error so far, and where it was.
  private struct Worst {
    var error = 0.0
    var place = "nothing compared"

    mutating func compare(_ values: [Float], _ exact: [Double], _ place: String) {
      #expect(values.count == exact.count, "\(place)")
      let largest = exact.reduce(0) { max($0, abs($1)) }
      let difference = zip(values, exact).reduce(0) { worst, pair in
        let error = abs(Double(pair.0) - pair.1)
        return error.isNaN ? .infinity : max(worst, error)
      }
      // A gradient of zeros must be exactly that.
      let error = largest > 0 ? difference / largest : (difference > 0 ? .infinity : 0)
      #expect(error < tolerance, "\(place)")
      if error > self.error { (self.error, self.place) = (error, place) }
    }
  }

  @Test("All gradients of all layers and networks are those of the tape")
  func everyGradient() {
    let engines = allEngines
    var worst = Worst()
    for kind in CellKind.allCases {
      for size in Size.all { checkLayer(kind, size, engines, &worst) }
    }
    for shape in Self.shapes {
      for (steps, rows) in [(3, 2), (1, 3), (4, 1)] {
        checkNetwork(shape, steps: steps, rows: rows, hasGaps: steps == 3, engines, &worst)
      }
    }
    print("worst relative gradient error: \(Float(worst.error)) (\(worst.place))")
  }

  // MARK: A recurrent layer alone

  private struct Size {
    let steps, rows, input, hidden: Int
    let restarts: [Bool]

    static let all = [
      Size(steps: 3, rows: 2, input: 4, hidden: 5, restarts: []),
      // One row restarts in the middle, the other at the beginning.
      Size(steps: 3, rows: 2, input: 4, hidden: 5, restarts: [false, true, false, false, true, false]),
      Size(steps: 1, rows: 3, input: 5, hidden: 4, restarts: []),
      Size(steps: 4, rows: 1, input: 6, hidden: 3, restarts: []),
      Size(steps: 2, rows: 3, input: 7, hidden: 17, restarts: []),
      Size(steps: 3, rows: 2, input: 18, hidden: 33, restarts: [false, false, true, false, false, true]),
    ]
  }

  private func checkLayer(_ kind: CellKind, _ s: Size, _ engines: [Engine], _ worst: inout Worst) {
    var generator = SeededGenerator(seed: 11)
    let size = s.steps * s.rows
    let x = generator.floats(size * s.input, limit: 1)
    let initial = (0..<2).map { _ in generator.floats(s.rows * s.hidden, limit: 0.9) }
    let upstream = generator.floats(size * s.hidden, limit: 1)
    let lastUpstream = (0..<2).map { _ in generator.floats(s.rows * s.hidden, limit: 1) }

    var exact: [String: [Double]] = [:]
    for engine in engines {
      let arena = ParameterArena()
      let layer = RecurrentLayer(
        cell: kind.cell, inputSize: s.input, hiddenSize: s.hidden, name: "layer", arena: arena,
        workspace: Workspace(), engine: engine)
      arena.allocate()
      arena.randomize(limit: 0.6, seed: 12)
      if exact.isEmpty {
        exact = exactGradients(kind, s, arena, x: x, initial: initial, upstream, lastUpstream)
      }

      layer.resetState(rows: s.rows)
      layer.hiddenState.pointer.update(from: initial[0], count: initial[0].count)
      if layer.cell.hasCellState {
        layer.cellState.pointer.update(from: initial[1], count: initial[1].count)
      }
      let inputs = Matrix(rows: size, columns: s.input, x)
      let inputGradient = Matrix(rows: size, columns: s.input)
      inputGradient.view.fill(.nan)
      let outputGradient = Matrix(rows: size, columns: s.hidden, upstream)
      _ = layer.forward(inputs.view, steps: s.steps, rows: s.rows, restarts: s.restarts)
      layer.hiddenGradient.pointer.update(from: lastUpstream[0], count: lastUpstream[0].count)
      layer.cellGradient.pointer.update(from: lastUpstream[1], count: lastUpstream[1].count)
      layer.backward(
        inputs.view, steps: s.steps, rows: s.rows, restarts: s.restarts,
        outputGradient: outputGradient.view, inputGradient: inputGradient.view)

      var found = Dictionary(uniqueKeysWithValues: arena.parameters.map { ($0.name, $0.gradient.elements) })
      found["x"] = inputGradient.view.elements
      withExtendedLifetime((inputs, outputGradient, inputGradient)) {}
      found["h0"] = layer.hiddenGradient.matrix(s.rows, s.hidden).elements
      if layer.cell.hasCellState { found["c0"] = layer.cellGradient.matrix(s.rows, s.hidden).elements }
      #expect(found.count == exact.count)
      for (name, values) in found {
        worst.compare(values, exact[name] ?? [], "\(kind), \(name), H = \(s.hidden), \(engine.testName)")
      }
    }
  }

  /// The gradients of Σ_t upstream_t · h_t + lastUpstream · (h_T, c_T).
  private func exactGradients(
    _ kind: CellKind, _ s: Size, _ arena: ParameterArena, x: [Float], initial: [[Float]], _ upstream: [Float],
    _ lastUpstream: [[Float]]
  ) -> [String: [Double]] {
    let oracle = Oracle(arena)
    let (x, h, c) = (oracle.variables(x), oracle.variables(initial[0]), oracle.variables(initial[1]))
    func split(_ all: [Scalar], _ width: Int) -> [[Scalar]] {
      stride(from: 0, to: all.count, by: width).map { Array(all[$0..<$0 + width]) }
    }
    let hasCellState = kind.cell.hasCellState
    let states = zip(split(h, s.hidden), split(c, s.hidden)).map { (h: $0, c: hasCellState ? $1 : []) }
    let (outputs, last) = oracle.run(
      kind, layer: "layer", split(x, s.input), initial: states, restarts: s.restarts)
    let reached = outputs.flatMap { $0 } + last.flatMap(\.h) + last.flatMap(\.c)
    let weights = upstream + lastUpstream[0] + (hasCellState ? lastUpstream[1] : [])
    let gradients = oracle.tape.gradients(of: oracle.tape.dot(reached, oracle.variables(weights)))

    var exact = Dictionary(
      uniqueKeysWithValues: arena.parameters.map { parameter in
        (parameter.name, oracle[parameter.name].rows.flatMap { $0 }.map { gradients[$0] })
      })
    exact["x"] = x.map { gradients[$0] }
    exact["h0"] = h.map { gradients[$0] }
    if hasCellState { exact["c0"] = c.map { gradients[$0] } }
    return exact
  }

  // MARK: Whole networks

  private static let shapes =
    CellKind.allCases.compactMap { NeuralKind(rawValue: $0.rawValue) }.flatMap { kind in
      [
        NetworkShape(kind), NetworkShape(kind, layers: 3),
        NetworkShape(kind, layers: 2, hidden: 5, embedding: 5, tied: true),
        NetworkShape(kind, layers: 2, hidden: 17, embedding: 3),
      ]
    } + [
      NetworkShape(.nnlm), NetworkShape(.nnlm, direct: true),
      NetworkShape(.nnlm, hidden: 5, embedding: 5, order: 2, tied: true),
      NetworkShape(.nnlm, hidden: 33, embedding: 3, direct: true),
    ]

  private func checkNetwork(
    _ shape: NetworkShape, steps: Int, rows: Int, hasGaps: Bool, _ engines: [Engine], _ worst: inout Worst
  ) {
    let c = shape.configuration
    var exactLoss = 0.0
    var exact: [String: [Double]] = [:]
    for engine in engines {
      let network = shape.make(engine)
      network.arena.randomize(limit: 0.6, seed: 21)
      let batch = Batch.random(
        steps: steps, rows: rows, window: network.window, vocabularySize: shape.vocabularySize,
        hasGaps: hasGaps, seed: 22)
      let states = network.randomizeState(rows: rows, seed: 23)
      if exact.isEmpty {
        let oracle = Oracle(network.arena)
        let loss =
          c.kind.cell.map { oracle.recurrentLoss(c, $0, batch, states: states) }
          ?? oracle.feedForwardLoss(c, batch)
        let gradients = oracle.tape.gradients(of: loss)
        exactLoss = loss.value
        for parameter in network.arena.parameters {
          exact[parameter.name] = oracle[parameter.name].rows.flatMap { $0 }.map { gradients[$0] }
        }
      }
      let loss = network.lossAndGradients(batch, dropoutKey: nil) / Double(batch.targetCount)
      #expect(abs(loss - exactLoss) < 1e-6 * exactLoss)
      for parameter in network.arena.parameters {
        worst.compare(
          parameter.gradient.elements, exact[parameter.name] ?? [],
          "\(shape.testDescription), \(parameter.name), \(engine.testName)")
      }
    }
  }

  // MARK: What the tape cannot reach

  /// Dropout's masks are random, but fixed by the key: the derivative of the loss in a random direction d is
  /// g · d = (L(w + ε d) − L(w − ε d)) / 2ε + O(ε²), with ε² ≈ 1e-5 and rounding of about 1e-6 / ε ≈ 3e-4.
  @Test(
    "With dropout, the gradient is that of finite differences",
    arguments: NeuralKind.allCases.map { NetworkShape($0, layers: 2, hidden: 17, embedding: 9, dropout: 0.4) }
      + [
        NetworkShape(.nnlm, hidden: 17, embedding: 9, direct: true, dropout: 0.4)
      ])
  func dropout(shape: NetworkShape) throws {
    let network = shape.make(try singleThreadedEngine())
    network.arena.randomize(limit: 0.5, seed: 1)
    let batch = Batch.random(
      steps: 4, rows: 5, window: network.window, vocabularySize: shape.vocabularySize, hasGaps: false, seed: 2
    )
    let arena = network.arena
    let values = (0..<arena.count).map { arena.values[$0] }
    var generator = SeededGenerator(seed: 3)
    let direction = generator.floats(arena.count, limit: 1)
    func loss(at distance: Float) -> Double {
      for i in 0..<arena.count { arena.values[i] = values[i] + distance * direction[i] }
      arena.valuesChanged()
      arena.clearGradients()
      network.resetState(rows: batch.rows)
      return network.lossAndGradients(batch, dropoutKey: 77) / Double(batch.targetCount)
    }
    let epsilon: Float = 0x1p-8
    let difference = (loss(at: epsilon) - loss(at: -epsilon)) / Double(2 * epsilon)
    _ = loss(at: 0)
    let slope = (0..<arena.count).reduce(0) { $0 + Double(arena.gradients[$1] * direction[$1]) }
    #expect(abs(slope - difference) < 2e-3 * max(1, abs(slope)))
    // The masks were used: without them the loss is another one.
    network.resetState(rows: batch.rows)
    arena.clearGradients()
    let plain = network.lossAndGradients(batch, dropoutKey: nil) / Double(batch.targetCount)
    #expect(abs(plain - loss(at: 0)) > 1e-5)
  }

  /// A vocabulary of 20 000 makes the output layer take 64 rows at a time.
  @Test("The output layer's chunks of rows add up")
  func chunks() throws {
    let shape = NetworkShape(.nnlm, hidden: 6, embedding: 3, vocabulary: 20_000)
    let network = shape.make(try Engine(threads: 2))
    network.arena.randomize(limit: 0.4, seed: 4)
    let whole = Batch.random(
      steps: 70, rows: 1, window: network.window, vocabularySize: shape.vocabularySize, hasGaps: false,
      seed: 5)
    func gradients(_ steps: Range<Int>) -> (Double, [Double]) {
      var batch = Batch(steps: steps.count, rows: 1)
      batch.inputs = Array(
        whole.inputs[steps.lowerBound * network.window..<steps.upperBound * network.window])
      batch.targets = Array(whole.targets[steps])
      batch.targetCount = steps.count
      network.arena.clearGradients()
      let loss = network.lossAndGradients(batch, dropoutKey: nil)
      // Of the sum rather than the mean.
      return (
        loss, (0..<network.arena.count).map { Double(network.arena.gradients[$0]) * Double(steps.count) }
      )
    }
    let (all, first, second) = (gradients(0..<70), gradients(0..<64), gradients(64..<70))
    #expect(abs(all.0 - first.0 - second.0) < 1e-9 * all.0)
    let largest = all.1.reduce(0) { max($0, abs($1)) }
    for i in all.1.indices where abs(all.1[i] - first.1[i] - second.1[i]) > 1e-5 * largest {
      Issue.record("gradient \(i) is \(all.1[i]) instead of \(first.1[i] + second.1[i])")
      break
    }
  }
}
