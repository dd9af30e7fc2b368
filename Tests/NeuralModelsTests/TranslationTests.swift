import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Networks that translate.
@Suite("Translators")
struct TranslationTests {
  // MARK: Gradients

  @Test("A translator is its equations, and so are its gradients", arguments: TranslationCases.shapes)
  func gradients(configuration: TranslatorConfiguration) throws {
    let oracle = OracleTranslator(
      TranslationCases.network(configuration, try singleThreadedEngine()), configuration)
    let exact = oracle.loss(TranslationCases.pairs)
    let slopes = oracle.oracle.tape.gradients(of: exact)
    for engine in allEngines {
      let network = TranslationCases.network(configuration, engine)
      for isPoisoned in [false, true] {
        if isPoisoned { network.workspace.poison() }
        network.arena.clearGradients()
        let loss = network.lossAndGradients(PairBatch(TranslationCases.pairs), scale: 0.5, dropoutKey: nil)
        #expect(abs(loss - exact.value) < 1e-5 * exact.value, "\(engine.testName)")
        for parameter in network.arena.parameters {
          let expected = oracle.oracle[parameter.name].rows.flatMap { $0 }.map { 0.5 * slopes[$0] }
          #expect(
            relativeError(parameter.gradient.elements, expected) < 1e-4,
            "\(parameter.name), \(engine.testName)")
        }
      }
      let losses = network.losses(PairBatch(TranslationCases.pairs))
      #expect(abs(losses.reduce(0, +) - exact.value) < 1e-5 * exact.value)
      #expect(network.workspace.overfull(steps: 5, rows: 4).isEmpty)
    }
  }

  @Test(
    "With dropout, gradients are those of the loss with the same masks",
    arguments: [
      TranslationCases.shape(.lstm, .general) { $0.isBidirectional = true },
      TranslationCases.shape(.gru, .additive) { $0.feedsInput = true },
      TranslationCases.shape(.lstm, .none) { $0.feedsInput = true },
      TranslationCases.shape(.lstm, .dot) {
        ($0.feedsInput, $0.network.regularization.weightDropout) = (true, 0.3)
      },
    ])
  func dropout(configuration: TranslatorConfiguration) throws {
    var configuration = configuration
    configuration.network.dropout = 0.3
    configuration.network.regularization.embeddingDropout = 0.2
    let network = TranslationCases.network(configuration, try Engine(threads: 2))
    let batch = PairBatch(TranslationCases.pairs)
    network.arena.clearGradients()
    _ = network.lossAndGradients(batch, scale: 1, dropoutKey: 17)
    let arena = network.arena
    let gradients = (0..<arena.count).map { arena.gradients[$0] }
    let values = (0..<arena.count).map { arena.values[$0] }
    let square = gradients.reduce(0.0) { $0 + Double($1) * Double($1) }
    func loss(_ step: Float) -> Double {
      for i in values.indices { arena.values[i] = values[i] + step * gradients[i] }
      arena.valuesChanged()
      return network.lossAndGradients(batch, scale: 0, dropoutKey: 17)
    }
    let step = Float(0.002 / square.squareRoot())
    let slope = (loss(step) - loss(-step)) / (2 * Double(step))
    #expect(abs(slope / square - 1) < 5e-3, "\(slope) for \(square)")
    #expect(network.lossAndGradients(batch, scale: 0, dropoutKey: 18) != loss(0))
  }

  @Test("Pairs of all lengths side by side are as one by one", arguments: TranslationCases.shapes)
  func sideBySide(configuration: TranslatorConfiguration) throws {
    let network = TranslationCases.network(configuration, try Engine(threads: 2))
    let together = network.losses(of: TranslationCases.pairs) { _ in }
    for (pair, loss) in zip(TranslationCases.pairs, together) {
      let alone = network.losses(of: [pair]) { _ in }
      #expect(alone == [loss])
    }
    // What is looked at is the same, too.
    let shares = network.attention(PairBatch(TranslationCases.pairs))
    for (row, pair) in TranslationCases.pairs.enumerated() where configuration.attention != .none {
      #expect(network.attention(PairBatch([pair]))[0] == shares[row])
      #expect(shares[row].count == pair.target.count + 1)
      #expect(
        shares[row].allSatisfy { $0.count == pair.source.count + 1 && abs($0.reduce(0, +) - 1) < 1e-5 })
    }
  }

  // MARK: Training

  private func trainer(
    _ configuration: TranslatorConfiguration, threads: Int, epochs: Int = 3, count: Int = 90,
    ownTokens: Double = 0
  ) throws -> Trainer<Translate> {
    var options = TrainingOptions()
    (options.batchSize, options.epochs, options.rate, options.seed) = (8, epochs, 0.01, 3)
    let task = Translate(
      TranslationCases.reversals(count), source: TranslationCases.vocabulary,
      target: TranslationCases.target(configuration), configuration: configuration,
      ownTokens: ownTokens, options: options, engine: try Engine(threads: threads))
    return Trainer(task, options: options)
  }

  private struct Stop: Error {}

  @Test("A run that goes on is the same, on any number of threads", arguments: TranslationCases.shapes)
  func resumption(configuration: TranslatorConfiguration) throws {
    var configuration = configuration
    configuration.network.dropout = 0.2
    let heldOut = TranslationCases.reversals(30, seed: 9)
    let ownTokens = configuration.feedsInput ? 0.3 : 0
    let whole = try trainer(configuration, threads: 1, ownTokens: ownTokens)
    _ = try whole.train(heldOut: heldOut) { _ in }
    let expected = whole.tensors
    let first = try trainer(configuration, threads: 2, ownTokens: ownTokens)
    #expect(throws: Stop.self) {
      _ = try first.train(heldOut: heldOut) { event in
        if case .update(let update) = event, update.number == 17 { throw Stop() }
      }
    }
    let state = first.state
    let checkpoint = checkpoint(configuration, first.tensors + state.tensors)
    let second = try trainer(configuration, threads: 2, ownTokens: ownTokens)
    try second.resume(from: checkpoint, numbers: state.numbers)
    _ = try second.train(heldOut: heldOut) { _ in }
    for (a, b) in zip(expected, second.tensors) {
      guard case .float32(let x) = a.elements, case .float32(let y) = b.elements else { continue }
      #expect(x.map(\.bitPattern) == y.map(\.bitPattern), "\(a.name)")
    }
  }

  private func checkpoint(_ configuration: TranslatorConfiguration, _ tensors: [Tensor]) -> Checkpoint {
    Checkpoint(
      model: TranslatorConfiguration.kind, programVersion: "1", tokenizer: Tokenizer(),
      vocabulary: TranslationCases.target(configuration),
      otherVocabularies: configuration.sharesVocabulary
        ? [] : [(Translator.sourceVocabulary, TranslationCases.vocabulary)],
      configuration: configuration.json, training: .null, tensors: tensors)
  }

  @Test(
    "Reversal is learnt, and a checkpoint holds it",
    arguments: [
      TranslationCases.shape(.lstm, layers: 1, hidden: 32, embedding: 16, .general) {
        $0.isBidirectional = true
      },
      TranslationCases.shape(.gru, layers: 1, hidden: 32, embedding: 16, .additive) { $0.feedsInput = true },
      TranslationCases.shape(.lstm, layers: 1, hidden: 32, embedding: 32, .dot) {
        ($0.network.tiesEmbeddings, $0.sharesVocabulary) = (true, true)
      },
      TranslationCases.shape(.lstm, layers: 1, hidden: 48, embedding: 16, .none),
    ])
  func learning(configuration: TranslatorConfiguration) throws {
    let trainer = try trainer(configuration, threads: 2, epochs: 14, count: 700)
    let heldOut = TranslationCases.reversals(60, seed: 9)
    _ = try trainer.train(heldOut: heldOut) { _ in }
    let tensors = trainer.tensors
    let translator = trainer.finish()
    let right = zip(heldOut, translator.translations(of: heldOut.map(\.source), TranslationCases.search(1)))
      .filter { $0.target + [Vocabulary.endOfSentence] == $1[0].tokens }.count
    #expect(right >= 54, "\(right) of 60 are right")
    let again = try Translator(checkpoint(configuration, tensors), engine: try singleThreadedEngine())
    #expect(again.configuration == configuration)
    #expect(again.losses(of: heldOut) == translator.losses(of: heldOut))
    #expect(again.parameterCount == translator.parameterCount)
  }

  @Test("What is damaged is said in a sentence")
  func damage() throws {
    let configuration = TranslationCases.shapes[0]
    let network = TranslationCases.network(configuration, try singleThreadedEngine())
    let tensors = network.arena.parameters.map {
      Tensor($0.name, shape: $0.shape, $0.value.elements)
    }
    func problem(_ change: (inout Checkpoint) -> Void) throws -> String {
      var checkpoint = checkpoint(configuration, tensors)
      change(&checkpoint)
      do {
        _ = try Translator(checkpoint, engine: try singleThreadedEngine())
        return ""
      } catch let error as CheckpointError {
        return error.description
      }
    }
    #expect(try problem { _ in } == "")
    #expect(try problem { $0.otherVocabularies = [] } == "vocabulary 'source' is missing")
    #expect(
      try problem { $0.configuration = .object([]) }
        == "damaged: 'configuration' is not that of a translator")
    #expect(try problem { $0.tensors.removeLast() }.contains("do not fit"))
  }
}
