import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// What holds for every network, whatever its parameters.
@Suite("Networks")
struct NetworkPropertyTests {
  private static let shapes = NetworkShape.ofEachKind

  private func random(_ shape: NetworkShape, _ engine: Engine, seed: UInt64 = 1) -> NextTokenNetwork {
    let network = shape.make(engine)
    network.arena.randomize(limit: 0.4, seed: seed)
    return network
  }

  private func batch(_ shape: NetworkShape, steps: Int, rows: Int, seed: UInt64 = 2) -> Batch {
    let window = shape.configuration.kind == .nnlm ? shape.configuration.order - 1 : 1
    return .random(
      steps: steps, rows: rows, window: window, vocabularySize: shape.vocabularySize, hasGaps: true,
      seed: seed)
  }

  @Test(
    "Sizes are known before memory is taken, and no buffer grows beyond what it was declared for",
    arguments: shapes)
  func sizes(shape: NetworkShape) throws {
    let engine = try singleThreadedEngine()
    let options = TrainingOptions()
    let needs = shape.configuration.needs(
      vocabularySize: shape.vocabularySize, options, hasHeldOut: false, engine: engine)
    let network = shape.make(engine)
    #expect(needs.parameters == network.arena.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) })
    let batch = batch(shape, steps: options.sequenceLength, rows: options.batchSize)
    network.resetState(rows: batch.rows)
    _ = network.lossAndGradients(batch, dropoutKey: 1)
    _ = network.logProbabilities(batch)
    #expect(network.workspace.overfull(steps: batch.steps, rows: batch.rows).isEmpty)
    #expect(Double(network.workspace.byteCount) <= needs.activationBytes)
    #expect(Double(network.workspace.byteCount) > 0.6 * needs.activationBytes)
    let huge = shape.configuration.needs(
      vocabularySize: .max / 2, options, hasHeldOut: true, engine: engine)
    // The softmaxes of classes are as large as the classes.
    let isInClasses = shape.configuration.softmax.kind == .classes
    #expect(huge.parameters == nil && (isInClasses || huge.activationBytes > 1e18))
  }

  @Test("NaN left in the buffers changes nothing", arguments: shapes)
  func poison(shape: NetworkShape) throws {
    let (small, large) = (batch(shape, steps: 3, rows: 2), batch(shape, steps: 5, rows: 4, seed: 3))
    for key in [nil, UInt64(9)] {
      var c = shape.configuration
      c.dropout = 0.3
      let engine = try Engine(threads: 2)
      func run(poisoned: Bool) -> (Double, [UInt32], [Float]) {
        let network = c.makeNetwork(vocabularySize: shape.vocabularySize, engine: engine)
        network.arena.randomize(limit: 0.4, seed: 1)
        // The buffers grow to a larger batch first, so that the small one leaves room for poison.
        network.resetState(rows: large.rows)
        if poisoned { _ = network.lossAndGradients(large, dropoutKey: key) }
        network.arena.clearGradients()
        let states = network.randomizeState(rows: small.rows, seed: 4)
        if poisoned { network.workspace.poison() }
        let loss = network.lossAndGradients(small, dropoutKey: key)
        for (row, state) in states.enumerated() { network.setState(state, row: row) }
        if poisoned { network.workspace.poison() }
        return (loss, network.arena.gradientBits, network.logProbabilities(small))
      }
      let (clean, poisoned) = (run(poisoned: false), run(poisoned: true))
      #expect(clean.0 == poisoned.0 && clean.0.isFinite)
      #expect(clean.1 == poisoned.1 && clean.2 == poisoned.2)
    }
  }

  @Test("Gradients are added: twice the batch, twice the gradients", arguments: shapes)
  func accumulation(shape: NetworkShape) throws {
    let network = random(shape, try singleThreadedEngine())
    let batch = batch(shape, steps: 4, rows: 3)
    for _ in 0..<2 {
      network.resetState(rows: batch.rows)
      _ = network.lossAndGradients(batch, dropoutKey: nil)
    }
    let twice = (0..<network.arena.count).map { network.arena.gradients[$0] }
    network.arena.clearGradients()
    network.resetState(rows: batch.rows)
    _ = network.lossAndGradients(batch, dropoutKey: nil)
    let largest = twice.reduce(0) { max($0, abs($1)) }
    // Additions in another order: some ε of the largest.
    let same = twice.indices.allSatisfy { abs(twice[$0] - 2 * network.arena.gradients[$0]) < 1e-5 * largest }
    #expect(same && largest > 0)
  }

  @Test("The padding of the arena has no gradients", arguments: shapes)
  func padding(shape: NetworkShape) throws {
    let network = random(shape, try singleThreadedEngine())
    let batch = batch(shape, steps: 4, rows: 3)
    network.resetState(rows: batch.rows)
    _ = network.lossAndGradients(batch, dropoutKey: nil)
    var isParameter = [Bool](repeating: false, count: network.arena.count)
    for parameter in network.arena.parameters {
      for i in 0..<parameter.count { isParameter[parameter.offset + i] = true }
    }
    #expect(isParameter.indices.allSatisfy { isParameter[$0] || network.arena.gradients[$0] == 0 })
  }

  @Test("20 steps are 7 and then 13", arguments: shapes)
  func carriedState(shape: NetworkShape) throws {
    let network = random(shape, try singleThreadedEngine())
    let rows = 3
    let whole = batch(shape, steps: 20, rows: rows)
    func part(_ steps: Range<Int>) -> Batch {
      var part = Batch(steps: steps.count, rows: rows)
      let (targets, window) = (steps.lowerBound * rows..<steps.upperBound * rows, network.window)
      part.inputs = Array(whole.inputs[targets.lowerBound * window..<targets.upperBound * window])
      part.targets = Array(whole.targets[targets])
      part.restarts = Array(whole.restarts[targets])
      part.targetCount = part.targets.filter { $0 != Batch.ignored }.count
      return part
    }
    let states = network.randomizeState(rows: rows, seed: 5)
    let all = network.logProbabilities(whole)
    let end = (0..<rows).map { network.state(row: $0) }
    for (row, state) in states.enumerated() { network.setState(state, row: row) }
    let parts = network.logProbabilities(part(0..<7)) + network.logProbabilities(part(7..<20))
    #expect(parts == all)
    #expect((0..<rows).map { network.state(row: $0) } == end)
    // In training the state goes on likewise.
    for (row, state) in states.enumerated() { network.setState(state, row: row) }
    let loss =
      network.lossAndGradients(part(0..<7), dropoutKey: nil)
      + network.lossAndGradients(part(7..<20), dropoutKey: nil)
    #expect(abs(loss + all.reduce(0) { $0 + Double($1) }) < 1e-5 * loss)
  }

  @Test("No state is a state of zeros", arguments: shapes)
  func zeroState(shape: NetworkShape) throws {
    let network = random(shape, try singleThreadedEngine())
    let batch = batch(shape, steps: 4, rows: 3)
    _ = network.randomizeState(rows: 3, seed: 6)
    network.resetState(rows: 3)
    let without = network.logProbabilities(batch)
    network.resetState(rows: 3)
    for row in 0..<3 { network.setState([Float](repeating: 0, count: network.stateSize), row: row) }
    #expect(network.logProbabilities(batch) == without)
    // A state that is not zero matters to networks that have one; the first steps of the batch restart.
    var unbroken = batch
    unbroken.restarts = []
    network.resetState(rows: 3)
    let zero = network.logProbabilities(unbroken)
    _ = network.randomizeState(rows: 3, seed: 6)
    #expect((network.logProbabilities(unbroken) == zero) == (network.stateSize == 0))
  }

  @Test("A restart is a state of zeros in the middle of a batch", arguments: shapes)
  func restart(shape: NetworkShape) throws {
    let network = random(shape, try singleThreadedEngine())
    guard network.stateSize > 0 else { return }
    var whole = batch(shape, steps: 6, rows: 2)
    whole.restarts = (0..<12).map { $0 / 2 == 4 }
    _ = network.randomizeState(rows: 2, seed: 7)
    let scores = network.logProbabilities(whole)
    var rest = Batch(steps: 2, rows: 2)
    (rest.inputs, rest.targets) = (Array(whole.inputs[8...]), Array(whole.targets[8...]))
    network.resetState(rows: 2)
    #expect(network.logProbabilities(rest) == Array(scores[8...]))
  }

  @Test("Rows of a batch do not see each other", arguments: shapes)
  func rows(shape: NetworkShape) throws {
    let network = random(shape, try Engine(threads: 2))
    let whole = batch(shape, steps: 5, rows: 4)
    let states = network.randomizeState(rows: 4, seed: 8)
    let scores = network.logProbabilities(whole)
    for row in 0..<4 {
      var alone = Batch(steps: 5, rows: 1)
      for t in 0..<5 {
        let i = t * 4 + row
        alone.inputs += whole.inputs[i * network.window..<(i + 1) * network.window]
        alone.targets.append(whole.targets[i])
        alone.restarts.append(whole.restarts[i])
      }
      network.resetState(rows: 1)
      network.setState(states[row], row: 0)
      #expect(network.logProbabilities(alone) == (0..<5).map { scores[$0 * 4 + row] })
    }
  }

  @Test("Any number of threads gives the same bits", arguments: shapes, [Float(0), 0.3])
  func threads(shape: NetworkShape, dropout: Float) {
    var c = shape.configuration
    c.dropout = dropout
    let batch = batch(shape, steps: 5, rows: 3)
    for table in KernelTable.supported {
      let runs = (1...3).map { threads -> (Double, [UInt32], [Float]) in
        let network = c.makeNetwork(
          vocabularySize: shape.vocabularySize, engine: Engine(kernels: table, threads: threads))
        network.arena.randomize(limit: 0.4, seed: 1)
        _ = network.randomizeState(rows: 3, seed: 2)
        let loss = network.lossAndGradients(batch, dropoutKey: 5)
        return (loss, network.arena.gradientBits, network.logProbabilities(batch))
      }
      for run in runs.dropFirst() {
        #expect(run.0 == runs[0].0 && run.1 == runs[0].1 && run.2 == runs[0].2, "\(table.name)")
      }
    }
  }

  @Test("Masks of dropout differ between steps", arguments: shapes)
  func masks(shape: NetworkShape) throws {
    var c = shape.configuration
    c.dropout = 0.5
    let network = c.makeNetwork(vocabularySize: shape.vocabularySize, engine: try singleThreadedEngine())
    network.arena.randomize(limit: 0.4, seed: 1)
    let batch = batch(shape, steps: 5, rows: 3)
    let losses = [1, 2, 1].map { (key: UInt64) -> Double in
      network.resetState(rows: 3)
      return network.lossAndGradients(batch, dropoutKey: key)
    }
    #expect(losses[0] != losses[1] && losses[0] == losses[2])
  }

  @Test("Dropout keeps the mean, and its layers differ")
  func dropout() throws {
    let engine = try singleThreadedEngine()
    let ones = Matrix(rows: 100, columns: 101)
    ones.view.fill(1)
    let masks = (0..<2).map { layer -> [Float] in
      let dropout = Dropout(101, rate: 0.25, number: layer, Declarations(engine: engine))
      defer { withExtendedLifetime(dropout) {} }
      return dropout.forward(ones.view, Pass(steps: 100, rows: 1, dropoutKey: 3)).elements
    }
    let n = Double(masks[0].count)
    for mask in masks {
      #expect(mask.allSatisfy { $0 == 0 || abs($0 - 4 / 3) < 1e-6 })
      // The share of zeros is binomial: within five standard deviations.
      let zeros = Double(mask.filter { $0 == 0 }.count)
      #expect(abs(zeros / n - 0.25) < 5 * (0.25 * 0.75 / n).squareRoot())
    }
    // Where one layer drops, the other does so as often as anywhere.
    let both = Double(zip(masks[0], masks[1]).filter { $0 == 0 && $1 == 0 }.count)
    #expect(abs(both / n - 0.0625) < 5 * (0.0625 * 0.9375 / n).squareRoot())
    withExtendedLifetime(ones) {}
  }

  @Test("An untrained model scores about ln V", arguments: shapes)
  func untrained(shape: NetworkShape) throws {
    let network = shape.make(try singleThreadedEngine())
    var generator = SeededGenerator(seed: 9)
    network.initialize(using: &generator)
    let batch = batch(shape, steps: 20, rows: 3)
    network.resetState(rows: 3)
    let loss = network.lossAndGradients(batch, dropoutKey: nil) / Double(batch.targetCount)
    let uniform = Double(shape.vocabularySize).logarithm
    // A simple recurrent unit hands its input on, which is large where there are few tokens.
    #expect(abs(loss - uniform) < (shape.configuration.kind == .sru ? 0.1 : 0.05) * uniform)
  }
}
