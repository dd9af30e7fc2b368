import LanguageModels
import NeuralModels
import TestSupport
import Testing

/// What a program can do that has only the public interface: train, stop and resume, measure, score, sample.
@Suite("Public interface")
struct PublicInterfaceTests {
  private struct Stop: Error {}

  private let vocabulary = Vocabulary(unit: .word, tokens: (2..<19).map { "w\($0)" })
  private let text = RandomText.tokens(sentences: 60, vocabularySize: 19, seed: 1)
  private let heldOut = RandomText.tokens(sentences: 20, vocabularySize: 19, seed: 2)

  private var configuration: NeuralConfiguration {
    var configuration = NeuralConfiguration(kind: .gru)
    (configuration.hiddenSize, configuration.embeddingSize, configuration.dropout) = (12, 8, 0.1)
    return configuration
  }

  private func trainer() throws -> Trainer<NextToken> {
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs, options.rate) = (4, 6, 3, 0.01)
    let task = NextToken(
      text: text, vocabulary: vocabulary, configuration: configuration, options: options,
      engine: try Engine(threads: 1))
    return Trainer(task, options: options)
  }

  /// The model and the training so far.
  private func checkpoint(_ trainer: Trainer<NextToken>) -> (Checkpoint, JSONValue) {
    let state = trainer.state
    let checkpoint = Checkpoint(
      model: configuration.kind.rawValue, programVersion: "test", tokenizer: Tokenizer(),
      vocabulary: vocabulary, configuration: configuration.json, training: .object([]),
      tensors: trainer.tensors + state.tensors)
    return (checkpoint, state.numbers)
  }

  private func scores(_ model: NeuralModel) -> [Float] {
    var scores: [Float] = []
    var state = model.initialState
    model.score(heldOut[...], context: .stream, after: &state, into: &scores)
    return scores
  }

  @Test("Training tells of its updates and epochs, and its model measures as it did")
  func training() throws {
    let trainer = try trainer()
    var updates: [TrainingUpdate] = []
    var epochs: [TrainingEpoch] = []
    let end = try trainer.train(heldOut: heldOut) { event in
      switch event {
      case .update(let update): updates.append(update)
      case .epoch(let epoch): epochs.append(epoch)
      case .evaluating, .rollback: break
      }
    }
    #expect(end == .epochs && trainer.totalUpdates == updates.count && epochs.map(\.number) == [1, 2, 3])
    #expect(updates.map(\.number) == Array(1...3 * trainer.updatesPerEpoch))
    #expect(updates.last?.tokens == 3 * text.count)
    let best = try #require(epochs.compactMap(\.heldOutLoss).min())
    #expect(trainer.bestMeasurement?.crossEntropy == best)
    let model = trainer.finish()
    #expect(model.evaluate(heldOut, context: .stream) { _ in }.crossEntropy == best)
  }

  @Test("A training that stops and resumes ends with the same model; a checkpoint gives it back")
  func resumption() throws {
    let whole = try trainer()
    _ = try whole.train(heldOut: heldOut) { _ in }
    let stopped = try trainer()
    #expect(throws: Stop.self) {
      try stopped.train(heldOut: heldOut) { event in
        if case .update(let update) = event, update.number == whole.updatesPerEpoch + 3 { throw Stop() }
      }
    }
    let resumed = try trainer()
    let (partial, numbers) = checkpoint(stopped)
    try resumed.resume(from: partial, numbers: numbers)
    #expect(resumed.position.updates == whole.updatesPerEpoch + 3)
    _ = try resumed.train(heldOut: heldOut) { _ in }
    let (finished, _) = checkpoint(resumed)
    let expected = scores(whole.finish())
    #expect(scores(resumed.finish()) == expected)
    #expect(scores(try NeuralModel(finished, engine: try Engine(threads: 1))) == expected)
  }

  @Test("A model scores what it samples as it told when it drew it")
  func sampling() throws {
    let trainer = try trainer()
    _ = try trainer.train(heldOut: nil) { _ in }
    let model = trainer.finish()
    var options = SamplingOptions()
    (options.length, options.context) = (40, .stream)
    let sampled = Sampler(model: model, options: options, seed: 3).samples(after: model.initialState)[0]
    let (tokens, told) = (sampled.map(\.token), sampled.map(\.logProbability))
    var scores: [Float] = []
    var start = model.initialState
    model.score(tokens[...], context: .stream, after: &start, into: &scores)
    // Products of one row and of many take the same steps; softmax sums round differently, by a few ε.
    #expect(scores.count == 40 && zip(scores, told).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(told.allSatisfy { $0 < 0 })
  }
}
