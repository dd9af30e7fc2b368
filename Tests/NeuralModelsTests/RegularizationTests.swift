import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// What training adds against learning by heart: against the tape with the masks known, and by what holds of masks.
@Suite("Regularization")
struct RegularizationTests {
  /// A network with all regularization that goes with it.
  private static func shape(
    _ kind: NeuralKind, layers: Int = 2, hidden: Int = 9, embedding: Int = 6, tied: Bool = false,
    locked: Bool,
    connection: Connection = .plain
  ) -> NetworkShape {
    var shape = NetworkShape(
      kind, layers: layers, hidden: hidden, embedding: embedding, tied: tied, direct: kind == .nnlm && !tied,
      vocabulary: 11, connection: connection)
    shape.configuration.regularization.embeddingDropout = 0.3
    shape.configuration.regularization.outputDropout = 0.4
    shape.configuration.regularization.labelSmoothing = 0.1
    guard kind != .nnlm else { return shape }
    shape.configuration.regularization.inputDropout = 0.2
    shape.configuration.regularization.hiddenDropout = 0.5
    shape.configuration.regularization.weightDropout = 0.35
    shape.configuration.regularization.isLocked = locked
    shape.configuration.regularization.activationPenalty = 2
    shape.configuration.regularization.temporalPenalty = 1.5
    return shape
  }

  private static let shapes =
    NeuralKind.allCases.flatMap { kind in
      [
        shape(kind, locked: true),
        shape(kind, layers: 1, hidden: 17, embedding: 17, tied: true, locked: false),
      ]
    } + [shape(.lstm, layers: 3, hidden: 33, locked: true)]
    + Connection.allCases.filter { $0 != .plain }.map {
      shape(.gru, layers: 3, hidden: 6, locked: false, connection: $0)
    }

  /// The masks that the network used last.
  private func masks(_ network: NextTokenNetwork, steps: Int, rows: Int) -> Oracle.Masks {
    func read(_ buffer: AlignedBuffer, _ count: Int) -> [Float] { (0..<count).map { buffer.pointer[$0] } }
    return Oracle.Masks(
      tokens: read(network.embedding.factors, network.embedding.weights.value.rows),
      between: network.dropouts.map { dropout in
        let width = dropout.inputSize
        guard dropout.isLocked else { return read(dropout.factors, steps * rows * width) }
        return (0..<steps).flatMap { _ in read(dropout.factors, rows * width) }
      },
      recurrent: network.recurrentLayers.map { layer in
        layer.weightDropout.map { read($0.factors, layer.recurrentWeights?.count ?? 0) } ?? []
      })
  }

  /// The tolerance is that of the tests of plain gradients, for the masks add no sums.
  @Test("All gradients are those of the tape with the same masks", arguments: shapes)
  func gradients(shape: NetworkShape) {
    let c = shape.configuration
    for (steps, rows, weight) in [(3, 2, 1.0), (1, 3, 1.0), (4, 1, 0.25)] {
      var exact: [String: [Double]] = [:]
      for engine in allEngines {
        let network = shape.make(engine)
        network.arena.randomize(limit: 0.6, seed: 21)
        var batch = Batch.random(
          steps: steps, rows: rows, window: network.window, vocabularySize: shape.vocabularySize,
          hasGaps: steps == 3, seed: 22)
        batch.weight = weight
        let states = network.randomizeState(rows: rows, seed: 23)
        _ = network.lossAndGradients(batch, dropoutKey: 99)
        if exact.isEmpty {
          let oracle = Oracle(network.arena)
          let masks = masks(network, steps: steps, rows: rows)
          let loss = oracle.loss(c, batch, states: states, masks: masks)
          let gradients = oracle.tape.gradients(of: loss)
          for parameter in network.arena.parameters {
            exact[parameter.name] = oracle[parameter.name].rows.flatMap { $0 }.map { weight * gradients[$0] }
          }
        }
        for parameter in network.arena.parameters {
          let expected = exact[parameter.name] ?? []
          let largest = expected.reduce(0) { max($0, abs($1)) }
          let error = zip(parameter.gradient.elements, expected).reduce(0) {
            max($0, abs(Double($1.0) - $1.1))
          }
          #expect(error <= 1e-4 * largest, "\(parameter.name), \(steps) steps, \(engine.testName)")
        }
      }
    }
  }

  @Test("The loss that is reported is that of the targets alone", arguments: NeuralKind.allCases)
  func reportedLoss(kind: NeuralKind) throws {
    var regularized = NetworkShape(kind)
    regularized.configuration.regularization.labelSmoothing = 0.2
    regularized.configuration.regularization.activationPenalty = 2
    regularized.configuration.regularization.temporalPenalty = 1
    let losses = try [NetworkShape(kind), regularized].map { shape in
      let network = shape.make(try singleThreadedEngine())
      network.arena.randomize(limit: 0.5, seed: 1)
      network.resetState(rows: 2)
      let batch = Batch.random(
        steps: 3, rows: 2, window: network.window, vocabularySize: 7, hasGaps: true, seed: 2)
      return network.lossAndGradients(batch, dropoutKey: 1)
    }
    #expect(losses[0] == losses[1])
  }

  @Test("After training steps, predictions are those of the whole network", arguments: shapes)
  func evaluation(shape: NetworkShape) throws {
    var plain = shape
    plain.configuration.regularization = Regularization()
    let scores = try [shape, plain].map { shape -> [Float] in
      let network = shape.make(try singleThreadedEngine())
      network.arena.randomize(limit: 0.5, seed: 1)
      let batch = Batch.random(
        steps: 3, rows: 2, window: network.window, vocabularySize: 11, hasGaps: true, seed: 2)
      network.resetState(rows: 2)
      _ = network.lossAndGradients(batch, dropoutKey: 5)
      network.resetState(rows: 2)
      return network.logProbabilities(batch)
    }
    #expect(scores[0] == scores[1])
  }

  @Test("NaN left in the buffers changes nothing", arguments: shapes)
  func poison(shape: NetworkShape) throws {
    let runs = try [false, true].map { isPoisoned -> [UInt32] in
      let network = shape.make(try Engine(threads: 2))
      network.arena.randomize(limit: 0.4, seed: 1)
      func run(steps: Int, rows: Int) {
        let batch = Batch.random(
          steps: steps, rows: rows, window: network.window, vocabularySize: 11, hasGaps: true, seed: 2)
        network.resetState(rows: rows)
        network.arena.clearGradients()
        _ = network.lossAndGradients(batch, dropoutKey: 6)
      }
      if isPoisoned {
        run(steps: 6, rows: 4)
        network.workspace.poison()
      }
      run(steps: 3, rows: 2)
      return network.arena.gradientBits
    }
    #expect(runs[0] == runs[1])
  }

  @Test("Any number of threads gives the same bits, and every key other ones", arguments: shapes)
  func threads(shape: NetworkShape) {
    for table in KernelTable.supported {
      let runs = [(1, 5), (2, 5), (3, 5), (1, 6)].map { threads, key -> [UInt32] in
        let network = shape.make(Engine(kernels: table, threads: threads))
        network.arena.randomize(limit: 0.4, seed: 1)
        let batch = Batch.random(
          steps: 5, rows: 3, window: network.window, vocabularySize: 11, hasGaps: true, seed: 2)
        _ = network.randomizeState(rows: 3, seed: 3)
        _ = network.lossAndGradients(batch, dropoutKey: UInt64(key))
        return network.arena.gradientBits
      }
      #expect(runs[0] == runs[1] && runs[0] == runs[2] && runs[0] != runs[3], "\(table.name)")
    }
  }

  /// The share of zeros is binomial: within five standard deviations.
  private func expectShare(_ mask: [Float], _ rate: Float) {
    let kept = 1 / (1 - rate)
    #expect(mask.allSatisfy { $0 == 0 || $0 == kept })
    let (n, p) = (Double(mask.count), Double(rate))
    let zeros = Double(mask.filter { $0 == 0 }.count)
    #expect(abs(zeros / n - p) < 5 * (p * (1 - p) / n).squareRoot())
  }

  @Test("Masks drop their share, of words, units and weights, and no two masks are alike")
  func masks() throws {
    var shape = NetworkShape(.lstm, layers: 2, hidden: 40, embedding: 40, vocabulary: 3000)
    let rates: [Float] = [0.1, 0.3, 0.6, 0.25, 0.5]
    shape.configuration.regularization.inputDropout = rates[0]
    shape.configuration.regularization.hiddenDropout = rates[1]
    shape.configuration.regularization.outputDropout = rates[2]
    shape.configuration.regularization.embeddingDropout = rates[3]
    shape.configuration.regularization.weightDropout = rates[4]
    let network = shape.make(try singleThreadedEngine())
    network.arena.randomize(limit: 0.4, seed: 1)
    let batch = Batch.random(
      steps: 30, rows: 4, window: 1, vocabularySize: 3000, hasGaps: false, seed: 2)
    network.resetState(rows: 4)
    _ = network.lossAndGradients(batch, dropoutKey: 7)
    let found = masks(network, steps: 30, rows: 4)
    let all = found.between + [found.tokens] + found.recurrent
    for (mask, rate) in zip(all, rates + [rates[4]]) { expectShare(mask, rate) }
    for (i, a) in all.enumerated() {
      for b in all[..<i] {
        let n = min(a.count, b.count)
        let (p, q) = (share(a[..<n]), share(b[..<n]))
        let both = Double((0..<n).filter { a[$0] == 0 && b[$0] == 0 }.count) / Double(n)
        // Where one drops, the other does so as often as anywhere.
        #expect(abs(both - p * q) < 5 * (p * q * (1 - p * q) / Double(n)).squareRoot())
      }
    }
  }

  private func share(_ mask: ArraySlice<Float>) -> Double {
    Double(mask.filter { $0 == 0 }.count) / Double(mask.count)
  }

  @Test("A locked mask is the same at every step, and differs from row to row; another is not")
  func locked() throws {
    let (steps, rows, width) = (6, 3, 50)
    let ones = Matrix(rows: steps * rows, columns: width)
    ones.view.fill(1)
    for isLocked in [true, false] {
      let dropout = Dropout(
        width, rate: 0.4, isLocked: isLocked, number: 1, Declarations(engine: try Engine(threads: 2)))
      let y = dropout.forward(ones.view, Pass(steps: steps, rows: rows, dropoutKey: 3))
      let perStep = (0..<steps).map { y.rows($0 * rows..<($0 + 1) * rows).elements }
      #expect(perStep.dropFirst().allSatisfy { ($0 == perStep[0]) == isLocked })
      #expect(Array(perStep[0][..<width]) != Array(perStep[0][width..<2 * width]))
      withExtendedLifetime(dropout) {}
    }
    withExtendedLifetime(ones) {}
  }

  @Test("A checkpoint's configuration says all of it, and nothing that is not there", arguments: shapes)
  func configuration(shape: NetworkShape) throws {
    let c = shape.configuration
    #expect(try NeuralConfiguration(kind: c.kind, json: c.json).regularization == c.regularization)
    var plain = NeuralConfiguration(kind: c.kind)
    plain.dropout = 0.2
    #expect(plain.json["dropout"] == .number(0.2) && plain.json["ar"] == nil)
    #expect(try NeuralConfiguration(kind: c.kind, json: plain.json) == plain)
  }
}
