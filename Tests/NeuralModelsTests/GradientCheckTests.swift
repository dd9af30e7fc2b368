import Kernels
import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

/// The check that users run on their own models.
@Suite("Gradient check")
struct GradientCheckTests {
  private static let shapes: [NetworkShape] =
    [.rnn, .gru, .lstm].flatMap { (kind: NeuralKind) in
      [
        NetworkShape(kind), NetworkShape(kind, layers: 3, hidden: 17, embedding: 9, vocabulary: 40),
        NetworkShape(kind, layers: 2, hidden: 33, embedding: 33, tied: true, dropout: 0.5, vocabulary: 100),
      ]
    } + [
      NetworkShape(.nnlm), NetworkShape(.nnlm, hidden: 33, embedding: 12, direct: true, vocabulary: 100),
      NetworkShape(.nnlm, hidden: 12, embedding: 12, tied: true, vocabulary: 100),
    ]

  /// A model with the values of its start, trained for some epochs.
  private func model(_ shape: NetworkShape, epochs: Int) throws -> NeuralModel {
    var c = shape.configuration
    c.regularization.labelSmoothing = 0.1
    // With it, the differences are as exact as the test asks for.
    c.cell.forgetBias = 1
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs) = (4, 10, epochs)
    (options.rate, options.schedule) = (0.01, .constant)
    let trainer = Trainer(
      text: RandomText.tokens(sentences: 60, vocabularySize: shape.vocabularySize, seed: 1),
      vocabulary: shape.vocabulary, configuration: c, options: options, engine: try singleThreadedEngine())
    _ = try trainer.train(heldOut: nil) { _ in }
    return trainer.finish()
  }

  @Test(
    "Gradients are right, before training and after it, and the model stays as it is",
    arguments: shapes + [NetworkShape(.lstm, hidden: 8, vocabulary: 15_000)])
  func right(shape: NetworkShape) throws {
    for (epochs, seed) in [(0, 1), (20, 2)] as [(Int, UInt64)] {
      let model = try model(shape, epochs: epochs)
      let before = model.network.withLock { $0.network.arena.valueBits }
      let check = model.checkGradients(seed: seed, engine: try singleThreadedEngine())
      #expect(check.isRight && check.targets == 23)
      #expect(check.tensors.map(\.name) == model.tensors.map(\.name))
      for tensor in check.tensors {
        #expect(tensor.gradientNorm > 0)
        #expect(tensor.directions.map(\.kind) == [.gradient, .random, .random, .random])
        #expect(tensor.directions.allSatisfy { $0.tolerance < 0.005 })
      }
      #expect(model.network.withLock { $0.network.arena.valueBits } == before)
    }
  }

  @Test("A gradient that is wrong by 1 % is found, and only that", arguments: shapes)
  func wrongScale(shape: NetworkShape) throws {
    let network = shape.make(try singleThreadedEngine())
    network.arena.randomize(limit: 0.4, seed: 3)
    let checker = GradientChecker(
      CheckedNetwork(network, vocabularySize: shape.vocabularySize, seed: 4), seed: 4)
    for wrong in network.arena.parameters {
      let check = checker.check { _ in
        for i in 0..<wrong.count { wrong.gradient.pointer[i] *= 1.01 }
      }
      #expect(check.tensors.filter { !$0.isRight }.map(\.name) == [wrong.name])
    }
  }

  /// Small networks of the other tasks.
  private static func networks(_ engine: Engine) -> [CheckedNetwork] {
    let fillers = FillCases.Shape.options.suffix(5).prefix(1).map { shape in
      let network = FillNetwork(
        shape.configuration, vocabularySize: FillCases.vocabulary.count, engine: engine)
      network.arena.allocate()
      network.arena.randomize(limit: 0.4, seed: 3)
      return CheckedNetwork(network, vocabularySize: FillCases.vocabulary.count, seed: 4)
    }
    let classifiers = [PoolingKind.max, .attention].map { pooling in
      var configuration = ClassifierConfiguration(encoder: FillCases.Shape.cells[0].configuration.encoder)
      (configuration.pooling, configuration.isBidirectional) = (pooling, pooling == .attention)
      if pooling == .attention { (configuration.wordOrder, configuration.buckets) = (2, 10) }
      let network = ClassifierNetwork(configuration, vocabularySize: 20, labelCount: 3, engine: engine)
      network.arena.allocate()
      network.arena.randomize(limit: 0.4, seed: 3)
      return CheckedNetwork(network, vocabularySize: 20, labelCount: 3, seed: 4)
    }
    let translators = TranslationCases.shapes.dropFirst().prefix(1).map { configuration in
      CheckedNetwork(
        TranslationCases.network(configuration, engine, limit: 0.4),
        sourceSize: TranslationCases.vocabulary.count,
        targetSize: TranslationCases.target(configuration).count, seed: 4)
    }
    return fillers + classifiers + translators
  }

  @Test("The networks of all tasks are checked: what is right is, and what is wrong by 5 % is found")
  func tasks() throws {
    for (number, network) in Self.networks(try singleThreadedEngine()).enumerated() {
      let checker = GradientChecker(network, seed: 4)
      let right = checker.check()
      #expect(right.isRight)
      let learnt = right.tensors.filter { $0.gradientNorm > 0 }.map(\.name)
      let name = learnt[5 * number % learnt.count]
      let wrong = try #require(network.arena.parameters.first { $0.name == name })
      let check = checker.check { _ in
        for i in 0..<wrong.count { wrong.gradient.pointer[i] *= 1.05 }
      }
      #expect(check.tensors.filter { !$0.isRight }.map(\.name) == [name])
    }
  }

  @Test("Terms that are forgotten or too many are found")
  func wrongTerms() throws {
    let shape = NetworkShape(.lstm, layers: 2, hidden: 17, embedding: 9, vocabulary: 40)
    let network = shape.make(try singleThreadedEngine())
    network.arena.randomize(limit: 0.4, seed: 3)
    let checker = GradientChecker(
      CheckedNetwork(network, vocabularySize: shape.vocabularySize, seed: 4), seed: 4)
    for wrong in network.arena.parameters {
      let gradient = wrong.gradient.pointer
      for spoil in [
        // A gate is forgotten, or all of them.
        { for i in 0..<wrong.count / 4 { gradient[i] = 0 } },
        { for i in 0..<wrong.count { gradient[i] = 0 } },
        // Something that does not belong there.
        { gradient[wrong.count / 2] += 0.1 },
      ] {
        let check = checker.check { _ in spoil() }
        #expect(check.tensors.filter { !$0.isRight }.map(\.name) == [wrong.name])
      }
    }
  }

  @Test("The seed decides everything")
  func seeds() throws {
    let model = try model(NetworkShape(.gru), epochs: 1)
    let checks = try [1, 1, 2].map { model.checkGradients(seed: $0, engine: try singleThreadedEngine()) }
    #expect(checks[0].loss == checks[1].loss && checks[0].loss != checks[2].loss)
    #expect(checks[0].tensors.map { $0.worst?.numeric } == checks[1].tensors.map { $0.worst?.numeric })
  }
}
