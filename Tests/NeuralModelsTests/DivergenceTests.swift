import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

/// No training that diverged ends as if it were good.
@Suite("Divergence")
struct DivergenceTests {
  private func options(_ change: (inout TrainingOptions) -> Void) -> TrainingOptions {
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs) = (4, 10, 2)
    change(&options)
    return options
  }

  private func trainer(_ shape: NetworkShape, sentences: Int = 60, _ options: TrainingOptions) throws
    -> Trainer<NextToken>
  {
    Trainer(
      text: RandomText.tokens(sentences: sentences, vocabularySize: shape.vocabularySize, seed: 1),
      vocabulary: shape.vocabulary, configuration: shape.configuration, options: options,
      engine: try singleThreadedEngine())
  }

  private func heldOut(_ shape: NetworkShape) -> [TokenID] {
    RandomText.tokens(sentences: 30, vocabularySize: shape.vocabularySize, seed: 2)
  }

  // MARK: Rates that are too high

  @Test(
    "Few steps at a rate that is much too high are no success, whatever ends them",
    arguments: [
      (NeuralKind.rnn, OptimizerKind.sgd, 500.0, 60), (.rnn, .adam, 100, 10), (.rnn, .adam, 100, 1),
      (.gru, .momentum, 1000, 40), (.lstm, .rmsprop, 30, 3), (.nnlm, .adagrad, 100, 99),
      (.nnlm, .sgd, 5000, 30),
    ])
  func tooFast(kind: NeuralKind, optimizer: OptimizerKind, rate: Double, steps: Int) throws {
    let shape = NetworkShape(kind, hidden: 8, embedding: 8, vocabulary: 19)
    for heldOut in [nil, heldOut(shape)] {
      let trainer = try trainer(
        shape,
        options {
          ($0.optimizer, $0.rate, $0.clipNorm) = (optimizer, rate, 0)
          ($0.maximumUpdates, $0.epochs) = (steps, .max)
        })
      let error = #expect(throws: DivergenceError.self) { _ = try trainer.train(heldOut: heldOut) { _ in } }
      #expect(error?.leavesGoodModel == false)
      #expect(error?.description.hasPrefix("training diverged ") == true)
      #expect(error?.description.contains("and clip gradients (--clip 1)") == true)
      #expect(trainer.network.arena.valueBits.allSatisfy { Float(bitPattern: $0).isFinite })
    }
  }

  @Test("A loss that is hopeless is seen long before the next good state")
  func early() throws {
    let shape = NetworkShape(.rnn, hidden: 8, embedding: 8, vocabulary: 19)
    let trainer = try trainer(shape, options { ($0.rate, $0.epochs, $0.schedule) = (100, 100, .constant) })
    var rollbacks: [TrainingRollback] = []
    #expect(throws: DivergenceError.self) {
      try trainer.train(heldOut: nil) { if case .rollback(let rollback) = $0 { rollbacks.append(rollback) } }
    }
    #expect(rollbacks.count == 3 && rollbacks[0].update < 20 && rollbacks[2].update < 90)
    #expect(rollbacks.allSatisfy { $0.symptom.contains("more than 3 times that of guessing") })
  }

  // MARK: The last step

  /// Trains, with weights that are made infinite before the last of `steps` steps.
  private func spoilt(
    steps: Int, heldOut: [TokenID]? = nil, after: (Trainer<NextToken>) -> Void = { _ in }
  ) throws -> Trainer<NextToken> {
    let shape = NetworkShape(.rnn, hidden: 8, embedding: 8, vocabulary: 19)
    let trainer = try trainer(
      shape, options { ($0.maximumUpdates, $0.epochs, $0.rate) = (steps, .max, 0.01) })
    _ = try trainer.train(heldOut: heldOut) { event in
      guard case .update(let step) = event else { return }
      after(trainer)
      if step.number == steps - 1 {
        trainer.network.arena.values.update(repeating: .infinity, count: 8)
        trainer.network.arena.valuesChanged()
      }
    }
    return trainer
  }

  @Test("A return at the last step to the weights before training is no success")
  func lastStep() throws {
    let shape = NetworkShape(.rnn, hidden: 8, embedding: 8, vocabulary: 19)
    for heldOut in [nil, heldOut(shape)] {
      let error = #expect(throws: DivergenceError.self) { _ = try spoilt(steps: 9, heldOut: heldOut) }
      #expect(error?.leavesGoodModel == false)
      #expect(
        error?.description
          == "training diverged at step 9: no step was left after its return to the weights before training; "
          + "try a lower --lr, such as 0.001, the usual rate of adam (it was 0.01)")
    }
  }

  @Test("A return at the last step to weights that were trained is one")
  func lastStepAfterGoodState() throws {
    var good: [UInt32] = []
    let trainer = try spoilt(steps: 150) { trainer in
      if trainer.position.updates == 100 { good = trainer.network.arena.valueBits }
    }
    #expect(trainer.network.arena.valueBits == good && trainer.stateNumber("rollbacks") == 1)
    // Or to the best epoch's, though nothing is left of the last ones.
    let shape = NetworkShape(.rnn, hidden: 8, embedding: 8, vocabulary: 19)
    let measured = try spoilt(steps: 95, heldOut: heldOut(shape))
    #expect(measured.stateNumber("rollbacks") == 1 && measured.position.bestLoss < log(19))
  }

  @Test("A run that is stopped before it is judged is judged all the same when it goes on")
  func resumption() throws {
    struct Stop: Error {}
    let shape = NetworkShape(.rnn, hidden: 8, embedding: 8, vocabulary: 19)
    let options = options { ($0.rate, $0.epochs, $0.schedule) = (1, 2, .constant) }
    let first = try trainer(shape, options)
    var loss = 0.0
    #expect(throws: Stop.self) {
      try first.train(heldOut: nil) { event in
        guard case .epoch(let epoch) = event, epoch.number == 2 else { return }
        loss = epoch.loss
        throw Stop()
      }
    }
    let state = first.state
    #expect(state.numbers["last_epoch_loss"]?.doubleValue == loss && loss > log(19))
    let checkpoint = Checkpoint(
      model: "rnn", programVersion: "test",
      tokenizer: Tokenizer(unit: .word, lowercase: false, invalid: .error), vocabulary: shape.vocabulary,
      configuration: shape.configuration.json, training: .null, tensors: first.tensors + state.tensors)
    let (second, whole) = (try trainer(shape, options), try trainer(shape, options))
    try second.resume(from: checkpoint, numbers: state.numbers)
    let errors = [second, whole].map { trainer in
      #expect(throws: DivergenceError.self) { try trainer.train(heldOut: nil) { _ in } }?.description
    }
    #expect(errors[0] != nil && errors[0] == errors[1])
    // A checkpoint of before has no such number.
    let members = try #require(state.numbers.members).filter { $0.name != "last_epoch_loss" }
    try trainer(shape, options).resume(from: checkpoint, numbers: .object(members))
    // Nor has a finished one.
    let finished = try trainer(shape, self.options { ($0.rate, $0.epochs) = (0.001, 1) })
    _ = try finished.train(heldOut: nil) { _ in }
    #expect(finished.stateNumber("last_epoch_loss") == nil)
  }

  // MARK: What is no divergence

  @Test(
    "Runs of a few steps at a usual rate are fine", arguments: NeuralKind.allCases, OptimizerKind.allCases)
  func fewSteps(kind: NeuralKind, optimizer: OptimizerKind) throws {
    for (vocabulary, hidden) in [(3, 5), (30, 100), (500, 32)] {
      let shape = NetworkShape(kind, hidden: hidden, embedding: hidden, vocabulary: vocabulary)
      for steps in [1, 2, 5, 20] {
        for clip in [0.0, 1] {
          let options = options {
            ($0.maximumUpdates, $0.epochs, $0.clipNorm) = (steps, .max, clip)
            ($0.optimizer, $0.rate) = (optimizer, optimizer.usualRate(for: kind))
          }
          for heldOut in [nil, heldOut(shape)] {
            let trainer = try trainer(shape, options)
            #expect(try trainer.train(heldOut: heldOut) { _ in } == .maximumUpdates)
          }
        }
      }
    }
  }

  @Test("A run that begins badly and recovers is fine", arguments: NeuralKind.allCases)
  func recovery(kind: NeuralKind) throws {
    let shape = NetworkShape(kind, hidden: 16, embedding: 16, vocabulary: 19)
    let trainer = try trainer(shape, options { ($0.epochs, $0.rate) = (10, 0.02) })
    // Large enough for a bad start; what cells with linear candidates hand on has no bound.
    let isUnbounded = [.sru, .mingru, .minlstm].contains(kind)
    trainer.network.arena.randomize(limit: isUnbounded ? 1.4 : 2, seed: 5)
    var losses: [Double] = []
    _ = try trainer.train(heldOut: nil) { event in
      if case .epoch(let epoch) = event { losses.append(epoch.loss) }
      if case .rollback = event { Issue.record("it went back") }
    }
    #expect(losses[0] > 1.2 * log(19) && losses[9] < log(19))
  }

  @Test("Text that is nothing like the held-out text is no divergence")
  func otherText() throws {
    let shape = NetworkShape(.gru, hidden: 16, embedding: 8, vocabulary: 100)
    let trainer = Trainer(
      text: (0..<2000).map { TokenID($0 % 7) }, vocabulary: shape.vocabulary,
      configuration: shape.configuration, options: options { ($0.epochs, $0.rate) = (4, 0.02) },
      engine: try singleThreadedEngine())
    #expect(try trainer.train(heldOut: (0..<200).map { TokenID(50 + $0 % 50) }) { _ in } == .epochs)
    #expect(trainer.position.bestLoss > 1.1 * log(100))
  }

  @Test("A model that goes on with text it is bad at only has to get better")
  func otherModel() throws {
    let shape = NetworkShape(.rnn, hidden: 16, embedding: 16, vocabulary: 19)
    let bad = try trainer(shape, options { $0.epochs = 1 })
    bad.network.arena.randomize(limit: 3, seed: 6)
    let checkpoint = Checkpoint(
      model: "rnn", programVersion: "test",
      tokenizer: Tokenizer(unit: .word, lowercase: false, invalid: .error), vocabulary: shape.vocabulary,
      configuration: shape.configuration.json, training: .null, tensors: bad.tensors)
    let trainer = try trainer(shape, options { ($0.epochs, $0.rate) = (1, 0.001) })
    try trainer.begin(with: checkpoint, optimizer: nil)
    let start = try #require(trainer.stateNumber("start_loss"))
    var loss = 0.0
    #expect(
      try trainer.train(heldOut: nil) { if case .epoch(let epoch) = $0 { loss = epoch.loss } } == .epochs)
    #expect(loss > 1.3 * log(19) && start > loss)
  }

  // MARK: Advice

  @Test(
    "Advice fits the options",
    arguments: [
      (
        OptimizerKind.adam, NeuralKind.lstm, 100, 100, nil, 1,
        "try a lower --lr, such as 0.003, the usual rate of adam (it was 100)"
      ),
      (
        .adam, .rnn, 100, 12.5, 11, 1,
        "try a lower --lr, such as 0.001, the usual rate of adam (it was 11 at last, of 100 at first)"
      ),
      (
        .adamw, .gru, 0.003, 0.003, nil, 0,
        "try a lower --lr, such as 0.0007 (it was 0.003), and clip gradients (--clip 1)"
      ),
      (
        .sgd, .rnn, 500, 500, nil, 0,
        "try a lower --lr, such as 1, the usual rate of sgd (it was 500), and clip gradients (--clip 1)"
      ),
      (
        .sgd, .rnn, 2, 0.25, 0.2512345, 25,
        "try a lower --lr, such as 0.06 (it was 0.251 at last, of 2 at first), or a lower --clip, such as 1 (it was 25)"
      ),
      (
        .momentum, .rnn, 3e38, 3e38, nil, 0.5,
        "try a lower --lr, such as 0.1, the usual rate of momentum (it was 3e+38)"
      ),
    ] as [(OptimizerKind, NeuralKind, Double, Double, Double?, Double, String)])
  func advice(
    optimizer: OptimizerKind, kind: NeuralKind, rate: Double, highest: Double, last: Double?, clip: Double,
    expected: String
  ) {
    let options = options { ($0.optimizer, $0.rate, $0.clipNorm) = (optimizer, rate, clip) }
    #expect(
      options.adviceAfterDivergence(
        usualRate: optimizer.usualRate(for: kind), highestRate: highest, lastRate: last) == expected)
  }

  @Test("An option that no rate makes up for is the one that is named")
  func excess() throws {
    func advice(_ change: (inout TrainingOptions, inout Regularization) -> Void) -> String {
      var regularization = Regularization()
      let options = options { change(&$0, &regularization) }
      return options.adviceAfterDivergence(
        usualRate: options.optimizer.usualRate(for: .lstm), highestRate: options.rate,
        regularization: regularization)
    }
    #expect(advice { $1.activationPenalty = 1e300 } == "try a lower --ar, such as 2 (it was 1e+300)")
    #expect(advice { $1.temporalPenalty = 5000 } == "try a lower --tar, such as 1 (it was 5000)")
    #expect(
      advice { options, _ in options.weightDecay = 1e300 }
        == "try a lower --weight-decay, such as 1e-06 (it was 1e+300)")
    #expect(
      advice { options, _ in (options.optimizer, options.rate, options.weightDecay) = (.adamw, 100, 2) }
        == "try a lower --weight-decay, such as 0.1 (it was 2)")
    // What is usual is not blamed.
    #expect(
      advice { ($0.rate, $0.weightDecay, $1.activationPenalty, $1.temporalPenalty) = (100, 0.1, 2, 2) }
        .hasPrefix("try a lower --lr"))
    // By way of a training.
    var shape = NetworkShape(.rnn, hidden: 8, embedding: 8, vocabulary: 19)
    shape.configuration.regularization.activationPenalty = 1e300
    let trainer = try trainer(shape, options { $0.rate = 0.001 })
    let error = #expect(throws: DivergenceError.self) { _ = try trainer.train(heldOut: nil) { _ in } }
    #expect(error?.description.contains("try a lower --ar") == true)
  }

  @Test(
    "Numbers in messages have three digits",
    arguments: [
      (0, "0"), (1, "1"), (5.5490761, "5.55"), (21.6588, "21.7"), (2015.49, "2020"),
      (0.000123456, "0.000123"),
      (1.9e13, "1.9e+13"), (2.5e-7, "2.5e-07"), (.infinity, "inf"), (-0.5, "-0.5"), (9.999, "10"),
      (1e300, "1e+300"),
    ])
  func numbers(number: Double, expected: String) { #expect(number.brief == expected) }
}
