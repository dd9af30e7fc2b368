import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

extension TranslatorConfiguration: CustomTestStringConvertible {
  public var testDescription: String {
    "\(network.kind) \(network.layers)×\(network.hiddenSize)"
      + (isBidirectional ? ", both directions" : "") + ", attention \(attention)"
      + (feedsInput ? ", input feeding" : "") + (sharesVocabulary ? ", one vocabulary" : "")
      + (network.tiesEmbeddings ? ", tied" : "")
      + (network.regularization.outputDropout > 0 ? ", dropout" : "")
  }
}

/// Networks that translate.
@Suite("Translators")
struct TranslationTests {
  private static func shape(
    _ kind: NeuralKind, layers: Int = 2, hidden: Int = 6, embedding: Int = 5, _ attention: AttentionKind,
    _ change: (inout TranslatorConfiguration) -> Void = { _ in }
  ) -> TranslatorConfiguration {
    var network = NeuralConfiguration(kind: kind)
    (network.layers, network.hiddenSizes, network.embeddingSize) = (layers, [hidden], embedding)
    var configuration = TranslatorConfiguration(network: network)
    configuration.attention = attention
    change(&configuration)
    return configuration
  }

  /// Every cell, attention, bridge and way of feeding, one or the other together.
  static let shapes: [TranslatorConfiguration] = {
    var result: [TranslatorConfiguration] = []
    for (k, kind) in NeuralKind.recurrent.enumerated() {
      for i in 0..<2 {
        let attention = AttentionKind.allCases[(k + 2 * i) % 4]
        result.append(
          shape(kind, attention) {
            ($0.isBidirectional, $0.feedsInput) = (attention != .dot && i == 1, (k + i) % 2 == 1)
          })
      }
    }
    for attention in AttentionKind.allCases {
      for feeds in [false, true] {
        result.append(shape(.lstm, layers: 1, attention) { $0.feedsInput = feeds })
      }
    }
    result.append(
      shape(.gru, hidden: 6, embedding: 6, .general) {
        ($0.sharesVocabulary, $0.network.tiesEmbeddings, $0.isBidirectional) = (true, true, true)
      })
    result.append(
      shape(.lstm, hidden: 6, embedding: 6, .additive) {
        $0.network.tiesEmbeddings = true
      })
    return result
  }()

  private static let vocabulary = Vocabulary(unit: .word, tokens: (2..<11).map { "w\($0)" })
  private static let targetVocabulary = Vocabulary(unit: .word, tokens: (2..<9).map { "v\($0)" })

  private func target(_ configuration: TranslatorConfiguration) -> Vocabulary {
    configuration.sharesVocabulary ? Self.vocabulary : Self.targetVocabulary
  }

  private static let pairs = [
    SentencePair(source: [2, 3, 4], target: [5, 6]), SentencePair(source: [7], target: []),
    SentencePair(source: [8, 2], target: [4, 3, 2, 8]), SentencePair(source: [], target: [6]),
  ]

  private func network(
    _ configuration: TranslatorConfiguration, _ engine: Engine, limit: Double = 0.7
  ) -> TranslationNetwork {
    let network = TranslationNetwork(
      configuration, sourceSize: Self.vocabulary.count, targetSize: target(configuration).count,
      engine: engine)
    network.arena.allocate()
    network.arena.randomize(limit: limit, seed: 8)
    return network
  }

  // MARK: Gradients

  @Test("A translator is its equations, and so are its gradients", arguments: shapes)
  func gradients(configuration: TranslatorConfiguration) throws {
    let oracle = OracleTranslator(network(configuration, try singleThreadedEngine()), configuration)
    let exact = oracle.loss(Self.pairs)
    let slopes = oracle.oracle.tape.gradients(of: exact)
    for engine in allEngines {
      let network = network(configuration, engine)
      for isPoisoned in [false, true] {
        if isPoisoned { network.workspace.poison() }
        network.arena.clearGradients()
        let loss = network.lossAndGradients(PairBatch(Self.pairs), scale: 0.5, dropoutKey: nil)
        #expect(abs(loss - exact.value) < 1e-5 * exact.value, "\(engine.testName)")
        for parameter in network.arena.parameters {
          let expected = oracle.oracle[parameter.name].rows.flatMap { $0 }.map { 0.5 * slopes[$0] }
          #expect(
            relativeError(parameter.gradient.elements, expected) < 1e-4,
            "\(parameter.name), \(engine.testName)")
        }
      }
      let losses = network.losses(PairBatch(Self.pairs))
      #expect(abs(losses.reduce(0, +) - exact.value) < 1e-5 * exact.value)
      #expect(network.workspace.overfull(steps: 5, rows: 4).isEmpty)
    }
  }

  @Test(
    "With dropout, gradients are those of the loss with the same masks",
    arguments: [
      shape(.lstm, .general) { $0.isBidirectional = true }, shape(.gru, .additive) { $0.feedsInput = true },
      shape(.lstm, .none) { $0.feedsInput = true },
      shape(.lstm, .dot) { ($0.feedsInput, $0.network.regularization.weightDropout) = (true, 0.3) },
    ])
  func dropout(configuration: TranslatorConfiguration) throws {
    var configuration = configuration
    configuration.network.dropout = 0.3
    configuration.network.regularization.embeddingDropout = 0.2
    let network = network(configuration, try Engine(threads: 2))
    let batch = PairBatch(Self.pairs)
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

  @Test("Pairs of all lengths side by side are as one by one", arguments: shapes)
  func sideBySide(configuration: TranslatorConfiguration) throws {
    let network = network(configuration, try Engine(threads: 2))
    let together = network.losses(of: Self.pairs) { _ in }
    for (pair, loss) in zip(Self.pairs, together) {
      let alone = network.losses(of: [pair]) { _ in }
      #expect(alone == [loss])
    }
    // What is looked at is the same, too.
    let shares = network.attention(PairBatch(Self.pairs))
    for (row, pair) in Self.pairs.enumerated() where configuration.attention != .none {
      #expect(network.attention(PairBatch([pair]))[0] == shares[row])
      #expect(shares[row].count == pair.target.count + 1)
      #expect(
        shares[row].allSatisfy { $0.count == pair.source.count + 1 && abs($0.reduce(0, +) - 1) < 1e-5 })
    }
  }

  // MARK: Training

  /// Sources of all lengths, and themselves backward.
  private func reversals(_ count: Int, seed: UInt64 = 4, length: Int = 5) -> [SentencePair] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let tokens = (0..<Int.random(in: 1...length, using: &generator)).map { _ in
        TokenID.random(in: 2..<8, using: &generator)
      }
      return SentencePair(source: tokens, target: tokens.reversed())
    }
  }

  private func trainer(
    _ configuration: TranslatorConfiguration, threads: Int, epochs: Int = 3, count: Int = 90,
    ownTokens: Double = 0
  ) throws -> Trainer<Translate> {
    var options = TrainingOptions()
    (options.batchSize, options.epochs, options.rate, options.seed) = (8, epochs, 0.01, 3)
    let task = Translate(
      reversals(count), source: Self.vocabulary, target: target(configuration), configuration: configuration,
      ownTokens: ownTokens, options: options, engine: try Engine(threads: threads))
    return Trainer(task, options: options)
  }

  private struct Stop: Error {}

  @Test("A run that goes on is the same, on any number of threads", arguments: shapes)
  func resumption(configuration: TranslatorConfiguration) throws {
    var configuration = configuration
    configuration.network.dropout = 0.2
    let heldOut = reversals(30, seed: 9)
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
      vocabulary: target(configuration),
      otherVocabularies: configuration.sharesVocabulary
        ? [] : [(Translator.sourceVocabulary, Self.vocabulary)],
      configuration: configuration.json, training: .null, tensors: tensors)
  }

  @Test(
    "Reversal is learnt, and a checkpoint holds it",
    arguments: [
      shape(.lstm, layers: 1, hidden: 32, embedding: 16, .general) { $0.isBidirectional = true },
      shape(.gru, layers: 1, hidden: 32, embedding: 16, .additive) { $0.feedsInput = true },
      shape(.lstm, layers: 1, hidden: 32, embedding: 32, .dot) {
        ($0.network.tiesEmbeddings, $0.sharesVocabulary) = (true, true)
      },
      shape(.lstm, layers: 1, hidden: 48, embedding: 16, .none),
    ])
  func learning(configuration: TranslatorConfiguration) throws {
    let trainer = try trainer(configuration, threads: 2, epochs: 14, count: 700)
    let heldOut = reversals(60, seed: 9)
    _ = try trainer.train(heldOut: heldOut) { _ in }
    let tensors = trainer.tensors
    let translator = trainer.finish()
    let right = zip(heldOut, translator.translations(of: heldOut.map(\.source), search(1)))
      .filter { $0.target + [Vocabulary.endOfSentence] == $1[0].tokens }.count
    #expect(right >= 54, "\(right) of 60 are right")
    let again = try Translator(checkpoint(configuration, tensors), engine: try singleThreadedEngine())
    #expect(again.configuration == configuration)
    #expect(again.losses(of: heldOut) == translator.losses(of: heldOut))
    #expect(again.parameterCount == translator.parameterCount)
  }

  // MARK: Search

  private func search(_ width: Int, count: Int = 1, length: Int = 12) -> BeamSearch {
    var search = BeamSearch(width: width, count: count)
    (search.includesUnknown, search.maximumTokens, search.endsEarly) = (true, length, true)
    return search
  }

  private func translator(_ configuration: TranslatorConfiguration, limit: Double = 0.7) throws -> Translator
  {
    Translator(
      network(configuration, try Engine(threads: 2), limit: limit), source: Self.vocabulary,
      target: target(configuration), configuration: configuration)
  }

  /// −ln p of a translation that may be broken off: of its tokens alone.
  private func logProbability(_ translator: Translator, _ source: [TokenID], _ found: Hypothesis) -> Double {
    let target = Array(found.tokens.dropLast(found.isEnded ? 1 : 0))
    return -translator.losses(of: [SentencePair(source: source, target: target)])[0]
  }

  private static let sources: [[TokenID]] = [[2, 3, 4, 5], [6], [], [10, 9, 8, 7, 6, 5, 4], [3, 3]]

  @Test("Scores are those of the translations, and sources side by side are as one by one", arguments: shapes)
  func scores(configuration: TranslatorConfiguration) throws {
    let translator = try translator(configuration)
    for width in [1, 3] {
      let found = translator.translations(of: Self.sources, search(width, count: width))
      for (source, translations) in zip(Self.sources, found) {
        let alone = translator.translations(of: [source], search(width, count: width))
        #expect(alone == [translations])
        #expect(translations.count <= width && !translations.isEmpty)
        for one in translations where one.isEnded {
          #expect(abs(one.logProbability - logProbability(translator, source, one)) < 1e-4)
        }
      }
    }
  }

  @Test("A beam of 1 takes the likeliest token at each step", arguments: shapes)
  func greedy(configuration: TranslatorConfiguration) throws {
    let translator = try translator(configuration)
    let size = target(configuration).count
    for source in Self.sources {
      let found = translator.translations(of: [source], search(1, length: 6))[0][0]
      var prefix: [TokenID] = []
      // p(prefix, w) of every w, from the losses of texts that end and of those that do not.
      while prefix.count < 6, prefix.last != Vocabulary.endOfSentence {
        let pairs = (0..<TokenID(size)).filter { $0 != Vocabulary.endOfSentence }.map {
          SentencePair(source: source, target: prefix + [$0])
        }
        let network = TokenLosses(translator)
        var best = (token: Vocabulary.endOfSentence, loss: network.end(of: prefix, source))
        for pair in pairs {
          let loss = network.last(of: pair)
          if loss < best.loss || (loss == best.loss && pair.target[prefix.count] < best.token) {
            best = (pair.target[prefix.count], loss)
          }
        }
        prefix.append(best.token)
      }
      #expect(found.tokens == prefix)
    }
  }

  /// −ln p of single tokens, which are differences of those of whole translations.
  private struct TokenLosses {
    let translator: Translator
    init(_ translator: Translator) { self.translator = translator }

    func end(of prefix: [TokenID], _ source: [TokenID]) -> Double {
      token(prefix.count, SentencePair(source: source, target: prefix))
    }

    func last(of pair: SentencePair) -> Double { token(pair.target.count - 1, pair) }

    private func token(_ index: Int, _ pair: SentencePair) -> Double {
      translator.tokenLosses(of: pair)[index]
    }
  }

  @Test(
    "A beam that is wide enough finds what a search of all translations finds",
    arguments: [LengthPenalty.none, .power(0.75), .gnmt(0.6)])
  func exhaustive(penalty: LengthPenalty) throws {
    for (configuration, coverageWeight) in [
      (Self.shape(.lstm, layers: 1, .general), 0.0), (Self.shape(.gru, layers: 1, .none), 0),
      (Self.shape(.lstm, layers: 1, .additive) { $0.feedsInput = true }, 0.3),
    ] {
      let translator = try translator(configuration, limit: 1.5)
      let (source, length, size) = ([TokenID](arrayLiteral: 4, 2, 7), 4, TokenID(9))
      var all: [(tokens: [TokenID], score: Double)] = []
      func visit(_ tokens: [TokenID]) {
        let losses = translator.tokenLosses(of: SentencePair(source: source, target: tokens))
        let ends = [tokens + [Vocabulary.endOfSentence]]
        let broken = tokens.count == length - 1 ? (0..<size).filter { $0 != 1 }.map { tokens + [$0] } : []
        for found in ends + broken {
          let isEnded = found.last == Vocabulary.endOfSentence
          let own =
            isEnded
            ? losses
            : Array(
              translator.tokenLosses(of: SentencePair(source: source, target: found)).prefix(found.count))
          var score = -own.reduce(0, +) / penalty.divisor(length: found.count)
          if coverageWeight > 0 {
            let shares = translator.attention(of: [SentencePair(source: source, target: tokens)])[0]
            score +=
              coverageWeight
              * shares[0].indices.reduce(0.0) { sum, i in
                sum + min(shares.reduce(0.0) { $0 + Double($1[i]) }, 1).logarithm
              }
          }
          all.append((found, score))
        }
        if tokens.count < length - 1 {
          for token in (0..<size) where token != Vocabulary.endOfSentence { visit(tokens + [token]) }
        }
      }
      visit([])
      all.sort { $0.score > $1.score }
      var search = search(7000, count: 5, length: length)
      search.penalty = penalty
      let found = translator.translations(of: [source], search, coverageWeight: coverageWeight)[0]
      #expect(found.map(\.tokens) == all.prefix(5).map(\.tokens))
      for (a, b) in zip(found, all) { #expect(abs(a.score - b.score) < 1e-4) }
    }
  }

  @Test("Samples are decided by the seed and the number of the source, and of the model's probabilities")
  func sampling() throws {
    let translator = try translator(Self.shape(.lstm, layers: 1, .general))
    var options = SamplingOptions()
    options.maximumTokens = 8
    let sources = [[TokenID]](repeating: [3, 4], count: 2000)
    let samples = translator.samples(of: sources, options, seed: 5)
    #expect(translator.samples(of: Array(sources[..<7]), options, seed: 5) == Array(samples[..<7]))
    #expect(translator.samples(of: [sources[6]], options, seed: 5, first: 6) == [samples[6]])
    #expect(translator.samples(of: sources, options, seed: 6) != samples)
    // How often translations are empty.
    let p = Double.exponential(-translator.losses(of: [SentencePair(source: [3, 4], target: [])])[0])
    let empty = samples.filter { $0.tokens == [Vocabulary.endOfSentence] }.count
    let deviation = (2000 * p * (1 - p)).squareRoot()
    #expect(abs(Double(empty) - 2000 * p) < 4 * deviation, "\(empty), p \(p)")
    options.temperature = 0
    let likeliest = translator.samples(of: Self.sources, options, seed: 1)
    let greedy = translator.translations(of: Self.sources, search(1, length: 8)).map { $0[0] }
    #expect(likeliest.map(\.tokens) == greedy.map(\.tokens))
  }

  @Test("What is damaged is said in a sentence")
  func damage() throws {
    let configuration = Self.shapes[0]
    let network = network(configuration, try singleThreadedEngine())
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
