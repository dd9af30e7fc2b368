import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

/// Training that stops and goes on comes to the same weights as training that never stopped.
@Suite("Resumption")
struct ResumeTests {
  private struct Stop: Error {}

  private let heldOut = RandomText.tokens(sentences: 30, vocabularySize: 19, seed: 2)

  private func trainer(_ shape: NetworkShape, _ options: TrainingOptions) throws -> Trainer<NextToken> {
    var c = shape.configuration
    c.dropout = 0.2
    return Trainer(
      text: RandomText.tokens(sentences: 60, vocabularySize: shape.vocabularySize, seed: 1),
      vocabulary: shape.vocabulary, configuration: c, options: options, engine: try singleThreadedEngine())
  }

  private func options(_ optimizer: OptimizerKind = .adam, _ schedule: Schedule = .cosine) -> TrainingOptions
  {
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs) = (4, 5, 4)
    (options.optimizer, options.rate, options.schedule) = (optimizer, 0.01, schedule)
    options.warmUpUpdates = 3
    return options
  }

  /// The model so far and the state, written to a file and read again.
  private func stored(_ trainer: Trainer<NextToken>) throws -> (Checkpoint, JSONValue) {
    let folder = try TemporaryFolder()
    let state = trainer.state
    try Checkpoint(
      model: "lstm", programVersion: "test",
      tokenizer: Tokenizer(unit: .word, lowercase: false, invalid: .error),
      vocabulary: trainer.vocabulary, configuration: trainer.configuration.json,
      training: .object([.init("state", state.numbers)]), tensors: trainer.tensors + state.tensors
    ).write(to: folder("partial"))
    let checkpoint = try Checkpoint(path: folder("partial"))
    return (checkpoint, try #require(checkpoint.training["state"]))
  }

  private func bits(_ tensors: [Tensor]) -> [[UInt32]] {
    tensors.map { tensor in
      guard case .float32(let values) = tensor.elements else { return [] }
      return values.map(\.bitPattern)
    }
  }

  /// Trains, stopping at every event for which `stops` is true, each time with a new trainer that reads what the last one left.
  private func trainInPieces(
    _ shape: NetworkShape, _ options: TrainingOptions, heldOut: [TokenID]?,
    stops: (TrainingEvent) -> Bool
  ) throws -> (tensors: [[UInt32]], end: TrainingEnd, pieces: Int, events: [String]) {
    var trainer = try trainer(shape, options)
    var events: [String] = []
    for piece in 1... {
      do {
        let end = try trainer.train(heldOut: heldOut) { event in
          if case .evaluating = event {} else { events.append("\(event)") }
          if stops(event) { throw Stop() }
        }
        return (bits(trainer.tensors), end, piece, events)
      } catch is Stop {
        let (checkpoint, numbers) = try stored(trainer)
        trainer = try self.trainer(shape, options)
        try trainer.resume(from: checkpoint, numbers: numbers)
      }
    }
    preconditionFailure("training ends")
  }

  @Test(
    "Every kind, stopped at every seventh step, at epochs and in evaluations",
    arguments: NetworkShape.ofEachKind)
  func kinds(shape: NetworkShape) throws {
    let whole = try trainInPieces(shape, options(), heldOut: heldOut) { _ in false }
    var evaluations = 0
    let pieces = try trainInPieces(shape, options(), heldOut: heldOut) { event in
      switch event {
      case .update(let step): return step.number % 7 == 0
      case .evaluating:
        evaluations += 1
        return evaluations == 2
      case .epoch, .rollback: return true
      }
    }
    #expect(whole.pieces == 1 && pieces.pieces > 15)
    #expect(pieces.tensors == whole.tensors)
    #expect(pieces.events == whole.events && pieces.end == whole.end)
  }

  @Test(
    "Every optimizer under every schedule, with and without held-out text", arguments: OptimizerKind.allCases,
    Schedule.allCases)
  func optimizers(optimizer: OptimizerKind, schedule: Schedule) throws {
    let shape = NetworkShape(.gru, hidden: 9, vocabulary: 19)
    for heldOut in schedule == .newbob ? [heldOut] : [heldOut, nil] {
      let whole = try trainInPieces(shape, options(optimizer, schedule), heldOut: heldOut) { _ in false }
      let pieces = try trainInPieces(shape, options(optimizer, schedule), heldOut: heldOut) { event in
        if case .update(let step) = event { step.number % 13 == 0 } else { false }
      }
      #expect(pieces.pieces > 4 && pieces.tensors == whole.tensors && pieces.events == whole.events)
    }
  }

  @Test("With all of regularization, averaged weights among it", arguments: NeuralKind.allCases)
  func regularized(kind: NeuralKind) throws {
    let (shape, options) = RegularizedTrainingTests.everything(kind)
    let whole = try trainInPieces(shape, options, heldOut: heldOut) { _ in false }
    var averages = 0
    let pieces = try trainInPieces(shape, options, heldOut: heldOut) { event in
      switch event {
      case .update(let step): return step.number % 5 == 0
      case .evaluating:
        averages += 1
        return averages == 3 || averages == 11
      case .epoch, .rollback: return true
      }
    }
    #expect(pieces.pieces > 8 && pieces.tensors == whole.tensors && pieces.events == whole.events)
  }

  @Test("Training that goes back after it diverged")
  func divergence() throws {
    let shape = NetworkShape(.rnn, hidden: 9, vocabulary: 19)
    var options = options(.sgd, .linear)
    (options.epochs, options.rate, options.clipNorm) = (20, 60, 0)
    func isRollback(_ event: String) -> Bool { event.hasPrefix("rollback") }
    func run(stops: (TrainingEvent) -> Bool) throws -> ([[UInt32]], [String]) {
      let run = try trainInPieces(shape, options, heldOut: heldOut, stops: stops)
      return (run.tensors, run.events)
    }
    let whole = try run { _ in false }
    #expect((1...3).contains(whole.1.filter(isRollback).count))
    let pieces = try run { event in
      switch event {
      case .update(let step): step.number % 17 == 0
      case .rollback: true
      default: false
      }
    }
    #expect(pieces.0 == whole.0 && pieces.1 == whole.1)
    #expect(whole.0.joined().allSatisfy { Float(bitPattern: $0).isFinite })
  }

  @Test("A finished run goes on with more epochs, under a new cycle of its schedule")
  func extended() throws {
    let shape = NetworkShape(.lstm, hidden: 9, vocabulary: 19)
    let first = try trainer(shape, options())
    #expect(try first.train(heldOut: nil) { _ in } == .epochs)
    let (checkpoint, numbers) = try stored(first)
    #expect(numbers["elapsed"] == nil)
    var longer = options()
    longer.epochs = 6
    let second = try trainer(shape, longer)
    try second.resume(from: checkpoint, numbers: numbers)
    var rates: [Double] = []
    var epochs: [Int] = []
    _ = try second.train(heldOut: nil) { event in
      if case .update(let step) = event { rates.append(step.rate) }
      if case .epoch(let epoch) = event { epochs.append(epoch.number) }
    }
    #expect(epochs == [5, 6])
    #expect(rates.count == 2 * second.updatesPerEpoch)
    // It warms up, and falls to nothing, once more.
    #expect(rates[0] < rates[2] && abs(rates[3] - 0.01) < 1e-12)
    #expect(try #require(rates.last) < 1e-4)
    // With no epochs left there is nothing to do.
    let third = try trainer(shape, options())
    try third.resume(from: checkpoint, numbers: numbers)
    #expect(try third.train(heldOut: nil) { _ in Issue.record("nothing was to happen") } == .epochs)
    #expect(bits(third.tensors) == bits(first.tensors))
  }

  @Test("Training that ended, or was stopped, in the middle of an epoch", arguments: NetworkShape.ofEachKind)
  func middle(shape: NetworkShape) throws {
    var short = options(.adam, .constant)
    short.maximumUpdates = 33
    var long = short
    long.maximumUpdates = 50
    let whole = try trainer(shape, long)
    _ = try whole.train(heldOut: nil) { _ in }
    // In the middle of the measurement that ends it.
    let first = try trainer(shape, short)
    #expect(throws: Stop.self) {
      _ = try first.train(heldOut: heldOut) { event in
        if case .evaluating = event, first.position.updates == 33 { throw Stop() }
      }
    }
    let second = try trainer(shape, short)
    let (checkpoint, numbers) = try stored(first)
    try second.resume(from: checkpoint, numbers: numbers)
    #expect(try second.train(heldOut: heldOut) { _ in } == .maximumUpdates)
    let third = try trainer(shape, long)
    let (finished, finishedNumbers) = try stored(second)
    try third.resume(from: finished, numbers: finishedNumbers)
    #expect(try third.train(heldOut: heldOut) { _ in } == .maximumUpdates)
    #expect(third.network.arena.valueBits == whole.network.arena.valueBits)
  }

  @Test("A state that lacks something, or does not fit, is an error")
  func damaged() throws {
    let shape = NetworkShape(.lstm, hidden: 9, vocabulary: 19)
    let trainer = try trainer(shape, options())
    _ = try? trainer.train(heldOut: heldOut) { event in
      if case .update(let step) = event, step.number == 40 { throw Stop() }
    }
    let (checkpoint, numbers) = try stored(trainer)
    let members = try #require(numbers.members)
    // Of these, one is of the clock, and the others were not there in the first version.
    for missing in members
    where !["elapsed", "best_epoch", "last_epoch_loss", "start_loss"].contains(missing.name) {
      let other = try self.trainer(shape, options())
      let rest = JSONValue.object(members.filter { $0.name != missing.name })
      #expect(throws: CheckpointError.self) { try other.resume(from: checkpoint, numbers: rest) }
    }
    for tensor in checkpoint.tensors {
      // The weights are also the model's, if no epoch was better.
      var edited = checkpoint
      edited.tensors.removeAll { $0.name == tensor.name }
      let other = try self.trainer(shape, options())
      if tensor.name == "training.values" || tensor.name == "training.good" { continue }
      #expect(throws: CheckpointError.self) { try other.resume(from: edited, numbers: numbers) }
    }
    var rows = options()
    rows.batchSize = 3
    let other = try self.trainer(shape, rows)
    #expect(throws: CheckpointError.self) { try other.resume(from: checkpoint, numbers: numbers) }
  }
}

/// Limits other than epochs.
@Suite("Limits of training")
struct LimitTests {
  private func run(_ change: (inout TrainingOptions) -> Void) throws -> (
    end: TrainingEnd, steps: [TrainingUpdate], epochs: [TrainingEpoch], perEpoch: Int
  ) {
    let shape = NetworkShape(.gru, hidden: 16, embedding: 8, vocabulary: 12)
    let text = RandomText.tokens(sentences: 40, vocabularySize: 12, seed: 4)
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs, options.rate) = (4, 10, 3, 0.01)
    change(&options)
    let trainer = Trainer(
      text: text, vocabulary: shape.vocabulary, configuration: shape.configuration, options: options,
      engine: try singleThreadedEngine())
    var (steps, epochs): ([TrainingUpdate], [TrainingEpoch]) = ([], [])
    let end = try trainer.train(heldOut: RandomText.tokens(sentences: 40, vocabularySize: 12, seed: 5)) {
      switch $0 {
      case .update(let step): steps.append(step)
      case .epoch(let epoch): epochs.append(epoch)
      default: break
      }
    }
    return (end, steps, epochs, trainer.updatesPerEpoch)
  }

  @Test("Steps: the schedule ends with them, and the held-out text is measured")
  func steps() throws {
    let run = try run { ($0.maximumUpdates, $0.epochs) = (11, .max) }
    #expect(run.end == .maximumUpdates && run.steps.count == 11)
    #expect(run.steps.allSatisfy { $0.total == 11 })
    #expect(try #require(run.steps.last).rate < 0.01 / 20)
    #expect(run.epochs.last?.updates == 11 && run.epochs.last?.heldOutLoss != nil)
    // Whichever comes first.
    #expect(try self.run { $0.maximumUpdates = 1000 }.end == .epochs)
  }

  @Test("Time: the rate falls to nothing within it")
  func time() throws {
    let watch = ContinuousClock.now
    let run = try run { ($0.timeLimit, $0.epochs) = (0.7, .max) }
    #expect(run.end == .timeLimit)
    #expect(ContinuousClock.now - watch > .milliseconds(500))
    #expect(run.steps.first?.total == nil)
    #expect(try #require(run.steps.last).rate < 0.001)
    #expect(try #require(run.steps.first).rate > 0.009)
    let middle = run.steps[run.steps.count / 2].rate
    #expect(middle < 0.009 && middle > 0.001)
    #expect(run.epochs.last?.updates == run.steps.count)
  }

  @Test("Patience: so many epochs without a better held-out loss")
  func patience() throws {
    let run = try run { ($0.patience, $0.epochs, $0.schedule) = (2, 500, .constant) }
    #expect(run.end == .patience)
    #expect(run.epochs.suffix(2).allSatisfy { !$0.isBest } && run.epochs.dropLast(2).last?.isBest == true)
  }

  @Test("Target perplexity")
  func target() throws {
    let run = try run { ($0.targetPerplexity, $0.epochs) = (9, 100) }
    #expect(run.end == .targetPerplexity)
    let losses = run.epochs.compactMap(\.heldOutLoss)
    #expect(try #require(losses.last) <= log(9))
    #expect(losses.dropLast().allSatisfy { $0 > log(9) })
  }
}
