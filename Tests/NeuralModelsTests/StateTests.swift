import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

/// A state is read from a file that anybody may have written: each of its numbers is possible, or refused by a sentence.
@Suite("States")
struct StateTests {
  private struct Stop: Error {}

  private let heldOut = RandomText.tokens(sentences: 30, vocabularySize: 19, seed: 2)
  private let shape = NetworkShape(.lstm, hidden: 9, vocabulary: 19)

  private func trainer() throws -> Trainer<NextToken> {
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs) = (4, 5, 4)
    (options.optimizer, options.rate, options.schedule) = (.adam, 0.01, .newbob)
    options.averageInterval = 1
    return Trainer(
      text: RandomText.tokens(sentences: 60, vocabularySize: shape.vocabularySize, seed: 1),
      vocabulary: shape.vocabulary, configuration: shape.configuration, options: options,
      engine: try singleThreadedEngine())
  }

  /// A run that was stopped at a step.
  private func stopped(at step: Int) throws -> (Checkpoint, JSONValue) {
    let trainer = try trainer()
    do {
      _ = try trainer.train(heldOut: heldOut) { event in
        if case .update(let taken) = event, taken.number == step { throw Stop() }
      }
    } catch is Stop {}
    let state = trainer.state
    let checkpoint = Checkpoint(
      model: "lstm", programVersion: "test", tokenizer: Tokenizer(unit: .word),
      vocabulary: trainer.vocabulary,
      configuration: trainer.configuration.json, training: .object([]),
      tensors: trainer.tensors + state.tensors)
    return (checkpoint, state.numbers)
  }

  /// Goes on with a state, and trains for a few steps.
  private func resume(_ checkpoint: Checkpoint, _ numbers: JSONValue) throws {
    let trainer = try trainer()
    try trainer.resume(from: checkpoint, numbers: numbers)
    let first = trainer.position.updates
    do {
      _ = try trainer.train(heldOut: heldOut) { event in
        if case .update(let step) = event, step.number > first + 110 { throw Stop() }
      }
    } catch is Stop {}
  }

  private func replacing(_ name: String, in numbers: JSONValue, by value: JSONValue?) -> JSONValue {
    .object(
      (numbers.members ?? []).compactMap { member in
        member.name == name ? value.map { JSONValue.Member(name, $0) } : member
      })
  }

  private static let extremes: [JSONValue] = [
    -1, 0, 1, .integer(1_000_000_000_000_000_000), .integer(.max), .integer(.min), .number(1e308),
    .number(-1e308), .number(.infinity), 0.5, "x", "inf", "-inf", .null, true, false, [], [[]], [:],
  ]

  @Test(
    "Every member replaced by extremes is refused by a sentence, or training goes on", arguments: [3, 40])
  func members(step: Int) throws {
    let (checkpoint, numbers) = try stopped(at: step)
    try resume(checkpoint, numbers)
    var refused = 0
    for member in numbers.members ?? [] {
      for value in Self.extremes {
        do {
          try resume(checkpoint, replacing(member.name, in: numbers, by: value))
        } catch let error as CheckpointError {
          refused += 1
          #expect(error.description.hasPrefix("damaged: ") && error.description.contains(" state of its "))
        } catch is DivergenceError {
        }
      }
    }
    #expect(refused > 300)
  }

  @Test(
    "Positions that contradict each other are refused",
    arguments: [
      ("step", 41), ("step", 39), ("tokens", 1), ("epoch", 7), ("offset", 1), ("evaluated_step", 41),
      ("good_step", 41), ("cycle_start", 41), ("rollbacks", 4), ("epoch_tokens", 100_000),
      ("interval_tokens", 100_000), ("epochs_since_best", 1000), ("newbob_failures", 1000),
    ])
  func contradictions(name: String, value: Int) throws {
    let (checkpoint, numbers) = try stopped(at: 40)
    #expect(throws: CheckpointError.self) {
      try resume(checkpoint, replacing(name, in: numbers, by: .integer(value)))
    }
  }

  @Test("The averages of a state are possible, or refused")
  func averages() throws {
    let (checkpoint, numbers) = try stopped(at: 40)
    for average: JSONValue in [
      ["losses": [], "active": true, "steps": 0], ["losses": ["x"], "active": false, "steps": 0],
      ["losses": [], "active": false, "steps": 9], ["losses": [-5], "active": false, "steps": 0],
      .null, 3,
    ] {
      #expect(throws: CheckpointError.self) {
        try resume(checkpoint, replacing("average", in: numbers, by: average))
      }
    }
  }

  @Test("Tensors that are not finite are refused", arguments: ["good", "carried", "optimizer.squares"])
  func tensors(name: String) throws {
    var (checkpoint, numbers) = try stopped(at: 40)
    for value in [Float.nan, .infinity, -1]
    where value.isNaN || value == .infinity || name.hasSuffix("squares") {
      let full = TrainingState.prefix + name
      let index = try #require(checkpoint.tensors.firstIndex { $0.name == full })
      guard case .float32(var values) = checkpoint.tensors[index].elements else { return }
      values[values.count / 2] = value
      let whole = checkpoint.tensors[index]
      checkpoint.tensors[index] = Tensor(full, shape: whole.shape, values)
      #expect(throws: CheckpointError.self) { try resume(checkpoint, numbers) }
      checkpoint.tensors[index] = whole
    }
  }
}
