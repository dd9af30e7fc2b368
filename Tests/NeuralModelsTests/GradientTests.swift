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

  @Test("All gradients of all networks are those of the tape", arguments: NeuralKind.allCases)
  func everyGradient(kind: NeuralKind) {
    let engines = allEngines
    for shape in Self.shapes where shape.configuration.kind == kind {
      var worst = Worst()
      for (steps, rows) in [(3, 2), (1, 3), (4, 1)] {
        checkNetwork(shape, steps: steps, rows: rows, hasGaps: steps == 3, engines, &worst)
      }
      #expect(worst.place != "nothing compared")
      print(
        "\(shape.testDescription): worst relative error of a gradient \(Float(worst.error)) (\(worst.place))")
    }
  }

  @Test(
    "All gradients of every variant of a cell, in every connection, are those of the tape",
    arguments: CellVariant.all)
  func everyVariant(variant: CellVariant) {
    let tables = KernelTable.supported
    let engines = [
      Engine(kernels: tables[tables.count - 1], threads: 2), Engine(kernels: tables[0], threads: 1),
    ]
    for connection in Connection.allCases {
      var worst = Worst()
      let width = variant.options.projection ?? 5
      let shape = NetworkShape(
        variant.kind, layers: 3, hidden: 5, embedding: width, connection: connection, cell: variant.options)
      checkNetwork(shape, steps: 3, rows: 2, hasGaps: true, engines, &worst)
      #expect(worst.place != "nothing compared")
      let name = "\(variant.testDescription), \(connection)"
      print("\(name): worst relative error of a gradient \(Float(worst.error))")
    }
  }

  // MARK: Whole networks

  private static let shapes =
    NeuralKind.recurrent.flatMap { kind in
      [
        NetworkShape(kind), NetworkShape(kind, layers: 3),
        NetworkShape(kind, layers: 2, hidden: 5, embedding: 5, tied: true),
        NetworkShape(kind, layers: 2, hidden: 17, embedding: 3),
        NetworkShape(kind, sizes: [9, 5], embedding: 5, tied: true),
      ]
        + Connection.allCases.filter { $0 != .plain }.flatMap {
          [
            NetworkShape(kind, layers: 3, hidden: 9, embedding: 9, connection: $0),
            // It fits one layer only, but for dense connections.
            NetworkShape(kind, sizes: [5, 7, 7], embedding: 4, connection: $0),
          ]
        }
    }
    + [(.lstm, 1, false), (.gru, 2, false), (.lstm, 1, true)].map { kind, divisor, isTied in
      var shape = NetworkShape(kind, layers: 2, hidden: 6, embedding: 6, tied: isTied, vocabulary: 13)
      shape.configuration.softmax.kind = .adaptive
      (shape.configuration.softmax.cutoffs, shape.configuration.softmax.tailDivisor) = ([3, 8], divisor)
      return shape
    }
    + [false, true].map { isTied in
      var shape = NetworkShape(.rnn, hidden: 6, embedding: 6, tied: isTied, vocabulary: 13)
      shape.configuration.softmax.kind = .classes
      shape.configuration.softmax.classes = (0..<13).map { isTied ? $0 / 4 : $0 * 5 % 4 }
      return shape
    }
    + [1, 4].map { width in
      var shape = NetworkShape(.qrnn, layers: 2)
      shape.configuration.inputWindow = width
      return shape
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
        let loss = oracle.loss(c, batch, states: states)
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
          "\(parameter.name), \(engine.testName)")
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
        NetworkShape(
          .lstm, hidden: 17, embedding: 9, dropout: 0.4,
          cell: CellVariant(.lstm, "") { ($0.hiddenZoneout, $0.cellZoneout) = (0.2, 0.5) }.options),
        NetworkShape(.nnlm, hidden: 17, embedding: 9, direct: true, dropout: 0.4),
      ]
      + Connection.allCases.filter { $0 != .plain }.map {
        NetworkShape(.qrnn, layers: 3, hidden: 9, embedding: 9, dropout: 0.4, connection: $0)
      })
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
  @Test("The output layer's blocks of rows add up")
  func blocks() throws {
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
