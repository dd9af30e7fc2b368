import Foundation
import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Training fillers, and filling with them and with models that read from left to right.
@Suite("Training of fillers")
struct FillTrainingTests {
  private func trainer(
    _ shape: FillCases.Shape, _ text: [TokenID], threads: Int, epochs: Int = 3, rate: Double = 0.01,
    dropout: Float = 0.2
  ) throws -> Trainer<Fill> {
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs) = (8, 6, epochs)
    (options.rate, options.seed) = (rate, 3)
    var configuration = shape.configuration
    configuration.encoder.dropout = dropout
    let task = Fill(
      text: text, vocabulary: FillCases.vocabulary, configuration: configuration, options: options,
      engine: try Engine(threads: threads))
    return Trainer(task, options: options)
  }

  private struct Stop: Error {}

  @Test(
    "A run that goes on is the same, on any number of threads",
    arguments: FillCases.Shape.cells + FillCases.Shape.options.suffix(7))
  func resumption(shape: FillCases.Shape) throws {
    let text = FillCases.sentences((0..<120).map { 1 + $0 % 7 })
    let heldOut = FillCases.sentences([3, 5, 7, 2], seed: 9)
    let whole = try trainer(shape, text, threads: 1)
    _ = try whole.train(heldOut: heldOut) { _ in }
    let expected = whole.tensors
    let first = try trainer(shape, text, threads: 2)
    #expect(throws: Stop.self) {
      _ = try first.train(heldOut: heldOut) { event in
        if case .update(let update) = event, update.number == 17 { throw Stop() }
      }
    }
    let state = first.state
    let checkpoint = checkpoint(shape, first.tensors + state.tensors)
    let second = try trainer(shape, text, threads: 2)
    try second.resume(from: checkpoint, numbers: state.numbers)
    _ = try second.train(heldOut: heldOut) { _ in }
    for (a, b) in zip(expected, second.tensors) {
      guard case .float32(let x) = a.elements, case .float32(let y) = b.elements else { continue }
      #expect(x.map(\.bitPattern) == y.map(\.bitPattern), "\(a.name)")
    }
  }

  private func checkpoint(_ shape: FillCases.Shape, _ tensors: [Tensor]) -> Checkpoint {
    Checkpoint(
      model: FillConfiguration.kind, programVersion: "1", tokenizer: Tokenizer(),
      vocabulary: FillCases.vocabulary, configuration: shape.configuration.json, training: .null,
      tensors: tensors)
  }

  /// Sentences `a x b` with words around, where x follows from a and b together, and from neither alone.
  private func planted(_ count: Int, seed: UInt64) -> [TokenID] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).flatMap { _ -> [TokenID] in
      let (a, b) = (Int.random(in: 0..<3, using: &generator), Int.random(in: 0..<3, using: &generator))
      let filler = (0..<2).map { _ in TokenID.random(in: 14..<20, using: &generator) }
      return [filler[0], TokenID(2 + a), TokenID(8 + (a + b) % 3), TokenID(5 + b), filler[1]]
        + [Vocabulary.endOfSentence]
    }
  }

  @Test(
    "The word that both sides decide is found, also after a checkpoint",
    arguments: [FillCases.Shape.cells[1], FillCases.Shape.cells[2]])
  func planted(shape: FillCases.Shape) throws {
    var shape = shape
    shape.configuration.encoder.layers = 1
    shape.configuration.encoder.hiddenSizes = [16]
    let trainer = try trainer(shape, planted(600, seed: 1), threads: 2, epochs: 25, rate: 0.02, dropout: 0)
    let heldOut = planted(60, seed: 2)
    _ = try trainer.train(heldOut: heldOut) { _ in }
    let tensors = trainer.tensors
    let measured = try #require(trainer.bestMeasurement)
    let filler = trainer.finish()
    let again = try Filler(checkpoint(shape, tensors), engine: try singleThreadedEngine())
    #expect(again.configuration == shape.configuration)
    let evaluation = again.evaluate(heldOut) { _ in }
    #expect(evaluation.tokens == 300 && evaluation.sentences == 60)
    #expect(abs(evaluation.crossEntropy - measured.crossEntropy) < 1e-5)
    let hidden = HiddenTokens(40, of: heldOut, seed: 3)
    var (right, sure) = (0, 0)
    for i in 0..<hidden.count where hidden.places[i] == 2 {
      let fillings = again.fill(hidden.sentence(i), GapSearch())
      #expect(fillings == filler.fill(hidden.sentence(i), GapSearch()))
      right += fillings.best[0].tokens == [[hidden.token(i)]] ? 1 : 0
      sure += 1
      let all = again.fill(hidden.sentence(i), GapSearch(count: 100))
      #expect(abs(all.best.reduce(0) { $0 + exp($1.logProbability) } - 1) < 1e-5 && all.isComplete)
      #expect(all.best.count == 18 && !all.best.contains { $0.tokens[0][0] < 2 })
    }
    #expect(sure > 3 && right == sure, "\(right) of \(sure)")
    try severalGaps(again)
  }

  private func severalGaps(_ filler: Filler) throws {
    // w3 ___ w5 decides the word; with [w2|w3|w4] ___ w5, the two gaps must agree.
    let two = GappedSentence(
      parts: [[15], [], [5, 16]], gaps: [.choices([[2], [3], [4]]), .anyToken])
    let fillings = filler.fill(two, GapSearch(count: 100, width: 100))
    #expect(abs(fillings.best.reduce(0) { $0 + exp($1.logProbability) } - 1) < 1e-5)
    for number in 0..<3 {
      // An open gap is nothing that the network was trained on, but once it is filled, the other is decided.
      let best = try #require(fillings.best.first { $0.choices == [number, nil] })
      #expect(best.tokens == [[TokenID(2 + number)], [TokenID(8 + number)]])
    }
    let choice = GappedSentence(parts: [[15, 3], [5, 16]], gaps: [.choices([[8], [9], [10]])])
    let ranked = filler.fill(choice, GapSearch()).best
    #expect(ranked.map(\.choices[0])[0] == 1 && ranked.count == 3)
    #expect(abs(ranked.reduce(0) { $0 + exp($1.logProbability) } - 1) < 1e-5)
  }

  @Test("Sentences too long for one batch are scored whole, as far as parts can tell")
  func longSentences() throws {
    let network = FillCases.network(FillCases.Shape.cells[1], try Engine(threads: 2))
    let text = FillCases.sentences([2500, 2, 40])
    let scores = network.logProbabilities(text) { _ in }
    #expect(scores.count == text.count && scores[2500] == 0)
    let whole = network.losses(FillCases.batch(text, longest: 10_000))
    // Three rows side by side, in their order.
    for i in 0..<2500 { #expect(abs(Double(-scores[i]) - whole[3 * i]) < 1e-4) }
  }

  // MARK: By a model that reads from left to right

  @Test(
    "A language model fills as the probabilities of whole sentences say", arguments: [NeuralKind.lstm, .nnlm])
  func leftToRight(kind: NeuralKind) throws {
    var configuration = NeuralConfiguration(kind: kind)
    (configuration.hiddenSizes, configuration.embeddingSize) = ([6], 5)
    let model = NeuralModel(
      untrained: configuration, vocabulary: FillCases.vocabulary, seed: 4, engine: try Engine(threads: 2))
    let (left, middle, right): ([TokenID], [TokenID], [TokenID]) = ([3, 4], [9, 7], [5, 12, 6])
    let allowed = (2..<TokenID(20)).map { $0 }
    let one = allowed.map { left + [$0] + right }
    let sums = model.logProbabilities(ofSentences: one) { _ in }
    let total = sums.reduce(0) { $0 + exp($1) }
    let found = model.fill(GappedSentence(parts: [left, right], gaps: [.anyToken]), GapSearch(count: 18))
    #expect(found.compared == 18 && found.best.count == 18)
    for filling in found.best {
      let expected = exp(sums[Int(filling.tokens[0][0]) - 2]) / total
      #expect(abs(exp(filling.logProbability) - expected) < 1e-5)
    }
    // Two gaps, one of which has choices of different lengths.
    let choices: [[TokenID]] = [[], [8], [8, 9, 10]]
    let two = GappedSentence(parts: [left, middle, right], gaps: [.anyToken, .choices(choices)])
    let pairs = allowed.flatMap { token in choices.map { (token, $0) } }
    let both = model.logProbabilities(ofSentences: pairs.map { left + [$0] + middle + $1 + right }) { _ in }
    let sum = both.reduce(0) { $0 + exp($1) }
    let all = model.fill(two, GapSearch(count: 54, width: 54))
    #expect(all.compared == 54 && all.best.count == 54)
    for filling in all.best {
      let i = try #require(pairs.firstIndex { [[$0], $1] == filling.tokens })
      #expect(abs(exp(filling.logProbability) - exp(both[i]) / sum) < 1e-5)
      #expect(filling.choices == [nil, choices.firstIndex(of: filling.tokens[1])])
    }
    // Few candidates are those after what stands before the gap.
    let few = model.fill(
      GappedSentence(parts: [left, right], gaps: [.anyToken]), GapSearch(count: 18, candidates: 4))
    #expect(few.compared == 4 && !few.isComplete)
    #expect(abs(few.best.reduce(0) { $0 + exp($1.logProbability) } - 1) < 1e-5)
  }
}
