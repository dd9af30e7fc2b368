import Foundation
import Kernels
import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

@Suite("Training")
struct TrainingTests {
  private func options(
    rows: Int, steps: Int, epochs: Int, optimizer: OptimizerKind = .adam, rate: Double = 0.01,
    schedule: Schedule = .constant
  ) -> TrainingOptions {
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs) = (rows, steps, epochs)
    (options.optimizer, options.rate, options.schedule) = (optimizer, rate, schedule)
    return options
  }

  /// Trains, and returns the loss of every step and of every epoch.
  private func train(
    _ shape: NetworkShape, _ text: [TokenID], _ options: TrainingOptions, _ engine: Engine,
    heldOut: [TokenID]? = nil
  ) throws -> (trainer: Trainer<NextToken>, steps: [TrainingUpdate], epochs: [Double]) {
    let trainer = Trainer(
      text: text, vocabulary: shape.vocabulary, configuration: shape.configuration, options: options,
      engine: engine)
    var steps: [TrainingUpdate] = []
    var epochs: [Double] = []
    _ = try trainer.train(heldOut: heldOut) { event in
      switch event {
      case .update(let step): steps.append(step)
      case .epoch(let epoch): epochs.append(epoch.loss)
      case .evaluating, .rollback: break
      }
    }
    return (trainer, steps, epochs)
  }

  @Test("Any number of threads trains the same network, bit by bit", arguments: NetworkShape.ofEachKind)
  func threads(shape: NetworkShape) throws {
    var c = shape.configuration
    c.dropout = 0.2
    let text = RandomText.tokens(sentences: 40, vocabularySize: shape.vocabularySize, seed: 1).prefix(100)
    for table in KernelTable.supported {
      let runs = try (1...3).map { threads -> ([Double], [[UInt32]]) in
        let trainer = Trainer(
          text: Array(text), vocabulary: shape.vocabulary, configuration: c,
          options: options(rows: 4, steps: 5, epochs: 1), engine: Engine(kernels: table, threads: threads))
        var losses: [Double] = []
        _ = try trainer.train(heldOut: nil) { event in
          if case .update(let step) = event { losses += [step.loss, step.gradientNorm] }
        }
        return (losses, bits(trainer.tensors))
      }
      #expect(runs[0].0.count == 10)
      for run in runs.dropFirst() { #expect(run.0 == runs[0].0 && run.1 == runs[0].1, "\(table.name)") }
    }
  }

  private func bits(_ tensors: [Tensor]) -> [[UInt32]] {
    tensors.map { tensor in
      guard case .float32(let values) = tensor.elements else { return [] }
      return values.map(\.bitPattern)
    }
  }

  @Test("The seed decides everything", arguments: NeuralKind.allCases)
  func seeds(kind: NeuralKind) throws {
    let shape = NetworkShape(kind, dropout: 0.3)
    let text = RandomText.tokens(sentences: 10, vocabularySize: shape.vocabularySize, seed: 2)
    let tensors = try [1, 1, 2].map { (seed: UInt64) -> [[UInt32]] in
      var options = options(rows: 2, steps: 6, epochs: 1)
      options.seed = seed
      return bits(try train(shape, text, options, singleThreadedEngine()).trainer.tensors)
    }
    #expect(tensors[0] == tensors[1] && tensors[0] != tensors[2])
  }

  private static let passage =
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    + "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was"

  @Test("A model learns 200 characters by heart", arguments: NeuralKind.allCases)
  func overfitting(kind: NeuralKind) throws {
    let characters = Array(Self.passage.prefix(199))
    let vocabulary = Vocabulary(unit: .char, tokens: Set(characters).map(String.init).sorted())
    let text = characters.map { vocabulary.id(of: String($0)) } + [Vocabulary.endOfSentence]
    // The NNLM's window must tell apart all places in the text: some phrases repeat for 13 characters.
    let shape = NetworkShape(kind, hidden: 64, embedding: 16, order: 16, vocabulary: vocabulary.count)
    let trainer = Trainer(
      text: text, vocabulary: vocabulary, configuration: shape.configuration,
      options: options(rows: 1, steps: 50, epochs: 250, rate: kind == .rnn ? 0.005 : 0.01, schedule: .linear),
      engine: try singleThreadedEngine())
    _ = try trainer.train(heldOut: nil) { _ in }
    let model = trainer.finish()
    var scores: [Float] = []
    var state = model.initialState
    model.score(text[...], context: .stream, after: &state, into: &scores)
    #expect(-scores.reduce(0, +) / Float(scores.count) < 0.1)
  }

  /// For any model fixed before the text is drawn, −ln p has a mean of at least ln V (Gibbs' inequality); what is measured on N
  /// tokens may be below by some standard errors.
  @Test("Uniform random text cannot be predicted", arguments: NeuralKind.allCases)
  func uniformText(kind: NeuralKind) throws {
    let shape = NetworkShape(kind, hidden: 24, embedding: 8, vocabulary: 12)
    var generator = SeededGenerator(seed: 3)
    let text = generator.tokens(3000, vocabularySize: 12)
    let (trainer, _, epochs) = try train(
      shape, text, options(rows: 10, steps: 20, epochs: 8), singleThreadedEngine())
    let model = trainer.finish()
    let heldOut = generator.tokens(5000, vocabularySize: 12)
    var scores: [Float] = []
    var state = model.initialState
    model.score(heldOut[...], context: .stream, after: &state, into: &scores)
    var evaluation = Evaluation()
    evaluation.add(heldOut[...], logProbabilities: scores[...])
    #expect(evaluation.crossEntropy > log(12.0) - 4 * evaluation.standardError)
    // It learned something of the training text all the same.
    #expect(try #require(epochs.last) < log(12.0))
  }

  /// From token i comes i + 1 with probability 0.7, or else one of all six: no model can do better than the entropy of that, and
  /// a good one comes close.
  @Test(
    "A source of known entropy is learned, and not predicted better than that", arguments: NeuralKind.allCases
  )
  func knownEntropy(kind: NeuralKind) throws {
    let (likely, other) = (0.7 + 0.3 / 6, 0.3 / 6)
    let entropy = -likely * log(likely) - 5 * other * log(other)
    var generator = SeededGenerator(seed: 13)
    func draw(_ count: Int) -> [TokenID] {
      var previous: TokenID = 0
      return (0..<count).map { _ in
        previous =
          generator.uniform() < 0.7 ? (previous + 1) % 6 : TokenID(generator.uniform() * 6)
        return previous
      }
    }
    let shape = NetworkShape(kind, hidden: 12, embedding: 6, order: 2, vocabulary: 6)
    let text = draw(4000)
    let trainer = try train(
      shape, text, options(rows: 10, steps: 20, epochs: 12, schedule: .linear), singleThreadedEngine()
    ).trainer
    let model = trainer.finish()
    let heldOut = draw(4000)
    var scores: [Float] = []
    var state = model.initialState
    model.score(heldOut[...], context: .stream, after: &state, into: &scores)
    var evaluation = Evaluation()
    evaluation.add(heldOut[...], logProbabilities: scores[...])
    #expect(evaluation.crossEntropy > entropy - 4 * evaluation.standardError)
    // What the source itself, knowing its own probabilities, would score on this very text.
    let costs = zip([0] + heldOut, heldOut).map { -log($1 == ($0 + 1) % 6 ? likely : other) }
    let possible = costs.reduce(0, +) / Double(heldOut.count)
    #expect(evaluation.crossEntropy < possible + 0.05)
  }

  @Test("Under newbob, training ends when the held-out loss no longer falls")
  func newbob() throws {
    let shape = NetworkShape(.gru, hidden: 16, embedding: 8, vocabulary: 12)
    let text = RandomText.tokens(sentences: 30, vocabularySize: 12, seed: 9)
    var options = options(rows: 4, steps: 10, epochs: 100, schedule: .newbob)
    options.newbobPatience = 2
    let heldOut = RandomText.tokens(sentences: 30, vocabularySize: 12, seed: 10)
    let run = try train(shape, text, options, singleThreadedEngine(), heldOut: heldOut)
    #expect(run.epochs.count < 100)
    let rates = run.steps.map(\.rate)
    #expect(rates.first == 0.01 && zip(rates, rates.dropFirst()).allSatisfy { $1 == $0 || $1 == $0 / 2 })
    #expect(try #require(rates.last) < 0.01)
  }

  @Test(
    "Every optimizer under every schedule lowers the loss", arguments: OptimizerKind.allCases,
    Schedule.allCases)
  func optimizers(optimizer: OptimizerKind, schedule: Schedule) throws {
    let shape = NetworkShape(.gru, hidden: 16, embedding: 8, vocabulary: 12)
    let text = RandomText.tokens(sentences: 100, vocabularySize: 12, seed: 4)
    let options = options(
      rows: 4, steps: 10, epochs: 4, optimizer: optimizer, rate: optimizer.usualRate(for: .lstm),
      schedule: schedule)
    let run = try train(shape, text, options, singleThreadedEngine(), heldOut: Array(text.prefix(100)))
    #expect(run.epochs.count == 4)
    #expect(run.epochs[3] < run.epochs[0] && run.epochs[3] < log(12.0))
  }

  @Test("Steps report what they did")
  func steps() throws {
    let shape = NetworkShape(.rnn)
    let text = RandomText.tokens(sentences: 20, vocabularySize: 7, seed: 5)
    var options = options(rows: 3, steps: 8, epochs: 2, rate: 0.5, schedule: .linear)
    options.warmUpUpdates = 2
    let run = try train(shape, text, options, singleThreadedEngine())
    let perEpoch = (text.count + 23) / 24
    #expect(run.trainer.updatesPerEpoch == perEpoch && run.steps.count == 2 * perEpoch)
    #expect(run.steps.map(\.number) == Array(1...2 * perEpoch))
    #expect(run.steps.allSatisfy { $0.total == 2 * perEpoch })
    #expect(run.steps.last?.tokens == 2 * text.count)
    #expect(run.steps[0].rate == 0.25 && run.steps[1].rate == 0.5 && run.steps[2].rate == 0.5)
    #expect(run.steps.dropFirst(3).allSatisfy { $0.rate < 0.5 && $0.rate > 0 })
  }

  @Test("The epoch that predicts the held-out text best is kept")
  func bestEpoch() throws {
    let shape = NetworkShape(.lstm, hidden: 32, embedding: 8, vocabulary: 12)
    // Held-out text of another kind: the longer the training, the worse.
    let text = RandomText.tokens(sentences: 12, vocabularySize: 12, seed: 6)
    let heldOut = RandomText.tokens(sentences: 12, vocabularySize: 12, seed: 7)
    let trainer = Trainer(
      text: text, vocabulary: shape.vocabulary, configuration: shape.configuration,
      options: options(rows: 2, steps: 10, epochs: 30, rate: 0.02), engine: try singleThreadedEngine())
    var losses: [Double] = []
    var best: [[UInt32]] = []
    _ = try trainer.train(heldOut: heldOut) { event in
      guard case .epoch(let epoch) = event, let loss = epoch.heldOutLoss else { return }
      #expect(epoch.isBest == losses.allSatisfy { loss < $0 })
      losses.append(loss)
      if epoch.isBest { best = bits(trainer.tensors) }
    }
    let last = try #require(losses.last)
    #expect(try #require(losses.min()) < last)
    #expect(bits(trainer.tensors) == best)
  }

  @Test("Training that diverges ends with an error that says what to do")
  func divergence() throws {
    let shape = NetworkShape(.rnn)
    let text = RandomText.tokens(sentences: 20, vocabularySize: 7, seed: 5)
    var options = options(rows: 3, steps: 8, epochs: 50, optimizer: .sgd, rate: 3e38)
    options.clipNorm = 0
    let error = #expect(throws: DivergenceError.self) {
      _ = try train(shape, text, options, singleThreadedEngine())
    }
    #expect(error?.description.contains("after 3 returns to good weights") == true)
    #expect(error?.description.contains("of 3e+38 at first), and clip gradients (--clip 1)") == true)
  }

  @Test("Clipping bounds the step of SGD")
  func clipping() throws {
    let shape = NetworkShape(.gru)
    let text = RandomText.tokens(sentences: 3, vocabularySize: 7, seed: 8)
    func distance(norm: Double, value: Double) throws -> (length: Double, largest: Float) {
      var options = options(rows: 1, steps: text.count, epochs: 1, optimizer: .sgd, rate: 1)
      (options.clipNorm, options.clipValue) = (norm, value)
      let trainer = Trainer(
        text: text, vocabulary: shape.vocabulary, configuration: shape.configuration, options: options,
        engine: try singleThreadedEngine())
      func values() -> [Float] {
        trainer.tensors.flatMap { tensor -> [Float] in
          if case .float32(let values) = tensor.elements { values } else { [] }
        }
      }
      let before = values()
      _ = try trainer.train(heldOut: nil) { _ in }
      let steps = zip(before, values()).map { $1 - $0 }
      return (
        steps.reduce(0) { $0 + Double($1 * $1) }.squareRoot(), steps.reduce(0) { max($0, abs($1)) }
      )
    }
    let free = try distance(norm: 0, value: 0)
    #expect(abs(try distance(norm: free.length / 3, value: 0).length - free.length / 3) < 1e-4)
    #expect(abs(try distance(norm: free.length * 3, value: 0).length - free.length) < 1e-5)
    #expect(try distance(norm: 0, value: Double(free.largest) / 4).largest <= free.largest / 4 + 1e-6)
  }
}
