import Foundation
import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// How the trainer averages weights, adds up gradients and varies the length of sequences.
@Suite("Regularized training")
struct RegularizedTrainingTests {
  private let text = RandomText.tokens(sentences: 60, vocabularySize: 19, seed: 1)

  private func trainer(_ shape: NetworkShape, _ options: TrainingOptions, _ engine: Engine? = nil) throws
    -> Trainer<NextToken>
  {
    Trainer(
      text: text, vocabulary: shape.vocabulary, configuration: shape.configuration, options: options,
      engine: try engine ?? singleThreadedEngine())
  }

  private func values(_ arena: ParameterArena) -> [Float] { (0..<arena.count).map { arena.values[$0] } }

  // MARK: Averaged weights

  @Test("The average begins when an epoch is worse than the best of all but the last n before it")
  func trigger() {
    // (n, held-out losses, epochs before it begins): algorithm 1 of Merity et al. (2018).
    for (interval, losses, expected) in [
      (1, [5, 4, 3, 2], nil),
      (1, [5, 4, 4.5], nil),  // 4 is the previous one; without it the least is 5
      (1, [5, 4, 4.5, 4.2], 4),  // above 4
      (2, [5, 4, 4.5, 4.2, 4.1], 5), (2, [5, 4, 4.5, 4.2, 3.9], nil),
      (3, [3, 4, 5, 6], nil), (3, [3, 4, 5, 6, 7], 5),
    ] as [(Int, [Double], Int?)] {
      let arena = ParameterArena()
      _ = arena.add("a", shape: [3])
      arena.allocate()
      let average = WeightAverage(
        interval: interval, arena: arena, engine: Engine(kernels: KernelTable.supported[0], threads: 1))
      var begun: Int?
      for (i, loss) in losses.enumerated() {
        average.take(heldOutLoss: loss)
        if average.isActive, begun == nil { begun = i + 1 }
      }
      #expect(begun == expected, "n = \(interval), \(losses)")
    }
  }

  /// The mean of 40 numbers below 1 by Welford's formula errs by some ε of the largest.
  @Test("The average is the mean of the parameters after each step, and can be exchanged for them")
  func mean() {
    for engine in allEngines {
      let arena = ParameterArena()
      _ = arena.add("a", shape: [33, 5])
      arena.allocate()
      let average = WeightAverage(interval: 1, arena: arena, engine: engine)
      arena.randomize(limit: 1, seed: 90)
      average.takeUpdate()
      average.exchange()
      #expect(average.updates == 0, "it has not begun")
      for loss in [1.0, 2, 3] { average.take(heldOutLoss: loss) }
      var sums = [Double](repeating: 0, count: arena.count)
      for step in 1...40 {
        arena.randomize(limit: 1, seed: UInt64(step))
        average.takeUpdate()
        for (i, value) in values(arena).enumerated() { sums[i] += Double(value) }
      }
      let (last, version) = (values(arena), arena.version)
      average.exchange()
      #expect(arena.version != version)
      let worst = zip(values(arena), sums).reduce(0) { max($0, abs(Double($1.0) - $1.1 / 40)) }
      #expect(worst < 1e-6, "\(engine.testName)")
      average.exchange()
      #expect(values(arena) == last)
    }
  }

  @Test("Held-out text is measured with the average, and the average is the model")
  func averagedTraining() throws {
    let shape = NetworkShape(.lstm, hidden: 16, embedding: 8, vocabulary: 19)
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs, options.averageInterval) = (4, 10, 8, 1)
    (options.optimizer, options.rate, options.schedule) = (.sgd, 4, .constant)
    let heldOut = RandomText.tokens(sentences: 60, vocabularySize: 19, seed: 2)
    let trainer = try trainer(shape, options)
    var sums: [Double] = []
    var (steps, averaged, best) = (0, 0, Double.infinity)
    _ = try trainer.train(heldOut: heldOut) { event in
      switch event {
      case .update where trainer.state.numbers["average"]?["active"] == true:
        if sums.isEmpty { sums = [Double](repeating: 0, count: trainer.network.arena.count) }
        for (i, value) in values(trainer.network.arena).enumerated() { sums[i] += Double(value) }
        steps += 1
      case .epoch(let epoch):
        let loss = try #require(epoch.heldOutLoss)
        best = min(best, loss)
        guard steps > 0 else { break }
        averaged += 1
        let network = shape.make(try singleThreadedEngine())
        for (i, sum) in sums.enumerated() { network.arena.values[i] = Float(sum / Double(steps)) }
        network.arena.valuesChanged()
        #expect(abs(loss - crossEntropy(network, shape, heldOut)) < 1e-5)
      default: break
      }
    }
    #expect(averaged > 1)
    var state = trainer.finish().initialState
    var scores: [Float] = []
    trainer.finish().score(heldOut[...], context: .stream, after: &state, into: &scores)
    #expect(abs(best + scores.reduce(0) { $0 + Double($1) } / Double(scores.count)) < 1e-6)
  }

  private func crossEntropy(_ network: NextTokenNetwork, _ shape: NetworkShape, _ text: [TokenID]) -> Double {
    let model = NeuralModel(network, vocabulary: shape.vocabulary, configuration: shape.configuration)
    var state = model.initialState
    var scores: [Float] = []
    model.score(text[...], context: .stream, after: &state, into: &scores)
    return -scores.reduce(0) { $0 + Double($1) } / Double(scores.count)
  }

  // MARK: Accumulated gradients

  /// A feed-forward network sees no difference between a sequence of 20 steps and four of 5; sums in another order differ by some ε, which
  /// the steps of SGD carry on.
  @Test("Four sequences for one update are one sequence of four times the length")
  func accumulation() throws {
    let shape = NetworkShape(.nnlm, hidden: 9, embedding: 5, vocabulary: 19)
    var options = TrainingOptions()
    (options.batchSize, options.epochs, options.optimizer, options.rate) = (3, 2, .sgd, 0.5)
    var runs: [(losses: [Double], values: [Float], perEpoch: Int)] = []
    for (steps, accumulation) in [(20, 1), (5, 4)] {
      (options.sequenceLength, options.accumulation) = (steps, accumulation)
      let trainer = try trainer(shape, options)
      var losses: [Double] = []
      _ = try trainer.train(heldOut: nil) { event in
        guard case .update(let step) = event else { return }
        losses.append(step.loss)
        #expect(step.total == 2 * trainer.updatesPerEpoch)
      }
      runs.append((losses, values(trainer.network.arena), trainer.updatesPerEpoch))
    }
    #expect(runs[0].perEpoch == runs[1].perEpoch && runs[0].losses.count == runs[1].losses.count)
    #expect(zip(runs[0].losses, runs[1].losses).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(zip(runs[0].values, runs[1].values).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  // MARK: Random lengths

  @Test("Random sequences fill the streams, as many in every epoch, with lengths as they are drawn")
  func lengths() {
    let lengths = SequenceLengths(mean: 40, seed: 5)
    var all: [Int] = []
    for epoch in 0..<50 {
      let places = lengths.boundaries(epoch: epoch, length: 4_001)
      #expect(places.count == 102 && places.first == 0 && places.last == 4_001)
      all += zip(places, places.dropFirst()).map { $1 - $0 }
      #expect(lengths.boundaries(epoch: epoch, length: 4_001) == places)
      #expect(lengths.boundaries(epoch: epoch + 1, length: 4_001) != places)
      #expect(SequenceLengths(mean: 40, seed: 6).boundaries(epoch: epoch, length: 4_001) != places)
    }
    #expect(all.allSatisfy { $0 > 0 })
    // One in twenty is around 20 rather than 40, within five standard deviations; the rest have a deviation of 5, or 2 % more.
    let n = Double(all.count)
    let short = all.filter { $0 < 30 }.count
    #expect(abs(Double(short) / n - 0.05 - 0.95 * 0.025) < 5 * (0.07 * 0.93 / n).squareRoot())
    let long = all.filter { $0 >= 30 }.map(Double.init)
    let mean = long.reduce(0, +) / Double(long.count)
    let deviation = (long.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(long.count)).squareRoot()
    #expect(abs(mean - 41) < 1 && abs(deviation - 4.8) < 0.4)
    // The shortest sequences that are allowed, and streams of all lengths.
    for length in 1...200 {
      for epoch in 0..<20 {
        let places = SequenceLengths(mean: 10, seed: 1).boundaries(epoch: epoch, length: length)
        #expect(places.count == (length + 9) / 10 + 1)
        #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 } && places.last == length)
      }
    }
  }

  @Test("With random sequences every token is a target once in an epoch, and the rate follows the length")
  func randomTraining() throws {
    let shape = NetworkShape(.gru, vocabulary: 19)
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs, options.rate) = (2, 12, 3, 0.01)
    (options.hasRandomLengths, options.schedule) = (true, .constant)
    let trainer = try trainer(shape, options)
    var steps: [TrainingUpdate] = []
    _ = try trainer.train(heldOut: nil) { if case .update(let step) = $0 { steps.append(step) } }
    #expect(steps.count == 3 * trainer.updatesPerEpoch && steps.last?.tokens == 3 * text.count)
    // The last sequence may have rows without a target.
    for step in steps where step.number % trainer.updatesPerEpoch != 0 {
      #expect(abs(step.rate - 0.01 * Double(step.targets) / 24) < 1e-12)
    }
    #expect(Set(steps.map(\.targets)).count > 5)
  }

  // MARK: All of it

  /// Everything at once, on a network with all regularization.
  static func everything(_ kind: NeuralKind) -> (NetworkShape, TrainingOptions) {
    var shape = NetworkShape(kind, layers: 2, hidden: 12, embedding: 12, tied: true, vocabulary: 19)
    shape.configuration.regularization.embeddingDropout = 0.1
    shape.configuration.regularization.weightDropout = 0.3
    shape.configuration.regularization.isLocked = true
    shape.configuration.regularization.activationPenalty = 1
    shape.configuration.regularization.temporalPenalty = 1
    shape.configuration.regularization.labelSmoothing = 0.05
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs, options.rate) = (4, 10, 6, 3)
    (options.optimizer, options.schedule, options.weightDecay) = (.sgd, .constant, 1e-4)
    (options.averageInterval, options.accumulation) = (1, 2)
    options.hasRandomLengths = kind != .nnlm
    return (shape, options)
  }

  @Test("Any number of threads trains the same network with all of it", arguments: NeuralKind.allCases)
  func threads(kind: NeuralKind) throws {
    var (shape, options) = Self.everything(kind)
    shape.configuration.dropout = 0.3
    options.epochs = 4
    for table in KernelTable.supported {
      let runs = try (1...3).map { threads -> [Float] in
        let trainer = try trainer(shape, options, Engine(kernels: table, threads: threads))
        _ = try trainer.train(heldOut: text) { _ in }
        return values(trainer.network.arena)
      }
      #expect(runs[0] == runs[1] && runs[0] == runs[2], "\(table.name)")
    }
  }
}
