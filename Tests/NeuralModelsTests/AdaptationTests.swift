import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

/// Networks that adapt to the text that they read.
@Suite("Adaptation")
struct AdaptationTests {
  private static let size = 19
  private static let shapes =
    NetworkShape.ofEachKind
    + NeuralKind.allCases.map {
      NetworkShape($0, layers: 2, hidden: 9, embedding: 6, context: .sentence, vocabulary: size)
    }

  private func model(_ shape: NetworkShape, seed: UInt64 = 31, limit: Double = 0.9) throws -> NeuralModel {
    let network = shape.make(try singleThreadedEngine())
    network.arena.randomize(limit: limit, seed: seed)
    return NeuralModel(network, vocabulary: shape.vocabulary, configuration: shape.configuration)
  }

  private func text(_ sentences: Int = 40, seed: UInt64 = 32) -> [TokenID] {
    RandomText.tokens(sentences: sentences, vocabularySize: Self.size, seed: seed)
  }

  private func dynamic(rate: Double, decay: Double = 0, segment: Int = 7) -> Adaptation {
    var adaptation = Adaptation()
    adaptation.dynamic = DynamicEvaluation()
    adaptation.dynamic?.rate = rate
    adaptation.dynamic?.decay = decay
    adaptation.dynamic?.segment = segment
    return adaptation
  }

  private func scores(
    _ stream: any TextStream, _ tokens: [TokenID], pieces: [Int] = [.max]
  ) -> [Float] {
    var (output, first, number) = ([Float](), 0, 0)
    while first < tokens.count {
      let count = min(pieces[number % pieces.count], tokens.count - first)
      stream.score(tokens[first..<first + count], into: &output) { _ in }
      first += count
      number += 1
    }
    return output
  }

  private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) }
  }

  private func bits(_ model: NeuralModel) -> [UInt32] {
    model.network.withLock { $0.network.arena.valueBits }
  }

  @Test("Weights that hardly move score as those that stay", arguments: shapes)
  func still(shape: NetworkShape) throws {
    let (model, text) = (try model(shape), text())
    let context = shape.configuration.context
    var (state, expected) = (model.initialState, [Float]())
    model.score(text[...], context: context, after: &state, into: &expected)
    let found = scores(try model.makeStream(dynamic(rate: 1e-30), context: context), text)
    #expect(largestDifference(found, expected) < 1e-4)
    // A rate of nothing is no adaptation, to the bit.
    #expect(scores(try model.makeStream(dynamic(rate: 0), context: context), text) == expected)
  }

  @Test("No token sees itself, and every token is learnt from", arguments: shapes)
  func order(shape: NetworkShape) throws {
    let (model, text) = (try model(shape), text())
    let context = shape.configuration.context
    var adaptation = dynamic(rate: 0.02, decay: 0.01)
    adaptation.cache = NeuralCache()
    func scored(_ text: [TokenID]) throws -> [Float] {
      scores(try model.makeStream(adaptation, context: context), text)
    }
    let first = try scored(text)
    let place = 24
    var other = text
    other[place] = other[place] == 5 ? 6 : 5
    let second = try scored(other)
    #expect(first.prefix(place) == second.prefix(place))
    #expect(first[(place + 1)...] != second[(place + 1)...])
    // The first segment is scored by the weights as they were, and the next is not.
    var plain: [Float] = []
    var state = model.initialState
    model.score(text[...], context: context, after: &state, into: &plain)
    let alone = scores(try model.makeStream(dynamic(rate: 0.02), context: context), text)
    #expect(largestDifference(Array(alone.prefix(7)), Array(plain.prefix(7))) < 1e-4)
    #expect(largestDifference(Array(alone[7..<14]), Array(plain[7..<14])) > 1e-3)
  }

  @Test("A text may come in pieces, and a new text finds the weights that were trained", arguments: shapes)
  func pieces(shape: NetworkShape) throws {
    let (model, text) = (try model(shape), text(20))
    let context = shape.configuration.context
    let before = bits(model)
    var adaptation = dynamic(rate: 0.01, decay: 0.05)
    adaptation.cache = NeuralCache()
    withExtendedLifetime(try model.makeStream(adaptation, context: context)) { stream in
      let whole = scores(stream, text)
      #expect(bits(model) != before)
      stream.restart()
      #expect(bits(model) == before)
      #expect(scores(stream, text) == whole)
      stream.restart()
      #expect(largestDifference(scores(stream, text, pieces: [3, 5, 1, 11]), whole) < 1e-3)
    }
    #expect(bits(model) == before)
  }

  @Test("Steps are those of their equation, also of rows that get gradients now and then")
  func steps() throws {
    let shape = NetworkShape(.lstm, hidden: 9, embedding: 5, vocabulary: Self.size)
    let network = shape.make(try singleThreadedEngine())
    network.arena.randomize(limit: 0.9, seed: 31)
    let parameters = network.arena.parameters
    let originals = parameters.map { $0.value.elements.map { Double($0) } }
    var generator = SeededGenerator(seed: 4)
    let roots = parameters.map { parameter in generator.floats(parameter.count, limit: 1).map { abs($0) } }
    let all = roots.flatMap { $0 }
    let mean = all.reduce(0.0) { $0 + Double($1) } / Double(all.count)
    var settings = DynamicEvaluation()
    (settings.rate, settings.decay, settings.epsilon) = (0.01, 0.7, 0.125)
    let weights = DynamicWeights(
      network, settings,
      GradientStatistics(roots: Dictionary(uniqueKeysWithValues: zip(parameters.map(\.name), roots))))
    var expected = originals
    for marked in [[2, 5], [5, 7], [0]] {
      for (i, parameter) in parameters.enumerated() {
        var gradients = generator.floats(parameter.count, limit: 1)
        if parameter.sparseRows != nil {
          for j in gradients.indices where !marked.contains(j / 5) { gradients[j] = 0 }
          parameter.markGradients(rows: marked)
        }
        parameter.gradient.pointer.update(from: gradients, count: gradients.count)
        for j in gradients.indices {
          let (m, w) = (Double(roots[i][j]), expected[i][j])
          let back = min(1, 0.7 * m / mean) * (originals[i][j] - w)
          expected[i][j] = w + back - 0.01 * Double(gradients[j]) / (m + 0.125)
        }
      }
      weights.follow()
      for (i, parameter) in parameters.enumerated() {
        #expect(relativeError(parameter.value.elements, expected[i]) < 1e-5, "\(parameter.name)")
        #expect(parameter.gradient.elements.allSatisfy { $0 == 0 })
      }
    }
    weights.restore()
    for (i, parameter) in parameters.enumerated() {
      #expect(parameter.value.elements.map { Double($0) } == originals[i])
    }
  }

  @Test("A network that follows a text of other habits gets better at it")
  func gain() throws {
    let shape = NetworkShape(.lstm, hidden: 16, embedding: 8, vocabulary: Self.size)
    let model = try model(shape, limit: 0.1)
    // One sentence again and again.
    let text = (0..<60).flatMap { _ in [TokenID](arrayLiteral: 3, 7, 5, 11, 4, 1) }
    let plain = scores(ModelStream(model, context: .stream), text)
    let adapted = scores(try model.makeStream(dynamic(rate: 0.5), context: .stream), text)
    func mean(_ scores: [Float]) -> Float { scores.reduce(0, +) / Float(scores.count) }
    #expect(mean(adapted) > mean(plain) + 0.5)
    var cached = Adaptation()
    cached.cache = NeuralCache()
    #expect(mean(scores(try model.makeStream(cached, context: .stream), text)) > mean(plain) + 0.1)
  }

  @Test("Statistics are the roots of mean squares, and go through a checkpoint")
  func statistics() throws {
    let shape = NetworkShape.ofEachKind[5]
    let (model, text) = (try model(shape), text())
    model.measureStatistics(on: text, steps: 5) { _ in }
    let statistics = try #require(model.statistics)
    // The same, batch by batch.
    let network = shape.make(try singleThreadedEngine())
    network.arena.randomize(limit: 0.9, seed: 31)
    let batches = StreamBatches(
      tokens: text, batchSize: min(100, text.count / 20), sequenceLength: 5, window: network.window,
      context: .stream)
    var squares = network.arena.parameters.map { [Double](repeating: 0, count: $0.count) }
    var batch = Batch()
    network.resetState(rows: batches.batchSize)
    for number in 0..<batches.count {
      batches.fill(&batch, from: 5 * number, steps: 5)
      network.arena.clearGradients()
      _ = network.lossAndGradients(batch, dropoutKey: nil)
      for (i, parameter) in network.arena.parameters.enumerated() {
        for (j, g) in parameter.gradient.elements.enumerated() { squares[i][j] += Double(g) * Double(g) }
      }
    }
    for (i, parameter) in network.arena.parameters.enumerated() {
      let found = try #require(statistics.roots[parameter.name])
      let expected = squares[i].map { ($0 / Double(batches.count)).squareRoot() }
      #expect(relativeError(found, expected) < 1e-4)
    }
    let checkpoint = Checkpoint(
      model: shape.configuration.kind.rawValue, programVersion: "1", tokenizer: Tokenizer(),
      vocabulary: shape.vocabulary, configuration: shape.configuration.json, training: .null,
      tensors: model.tensors + statistics.tensors)
    let again = try NeuralModel(checkpoint, engine: try singleThreadedEngine())
    #expect(again.statistics == statistics)
  }

  @Test("A cache of contexts is its equation, and sums to one")
  func cache() throws {
    let engine = try singleThreadedEngine()
    var settings = NeuralCache()
    (settings.size, settings.weight, settings.flatness) = (4, 0.3, 0.7)
    var generator = SeededGenerator(seed: 8)
    let contexts = (0..<9).map { _ in generator.floats(5, limit: 1) }
    let tokens: [TokenID] = [3, 2, 3, 4, 2, 2, 3, 0, 4]
    let p = 1 / 6.0
    func cache(upTo count: Int) -> ContextCache {
      let cache = ContextCache(settings, featureSize: 5, engine: engine)
      for i in 0..<count { _ = cache.probabilities(of: tokens[i], features: contexts[i]) }
      return cache
    }
    func mixed(_ cache: ContextCache, _ token: TokenID, _ features: [Float]) -> Double {
      let cached = cache.probabilities(of: token, features: features)
      return exp(Double(cached.first.map { cache.mix(Float(log(p)), with: $0) } ?? Float(log(p))))
    }
    for t in 0..<9 {
      var sum = 0.0
      for w in 0..<TokenID(6) {
        let found = mixed(cache(upTo: t), w, contexts[t])
        let known = (max(0, t - 4)..<t)
        let shares = known.map { i in
          exp(0.7 * zip(contexts[t], contexts[i]).reduce(0.0) { $0 + Double($1.0) * Double($1.1) })
        }
        let own = zip(known, shares).reduce(0.0) { $0 + (tokens[$1.0] == w ? $1.1 : 0) }
        let expected = t == 0 ? p : 0.7 * p + 0.3 * own / shares.reduce(0, +)
        #expect(abs(found - expected) < 1e-5)
        sum += found
      }
      #expect(abs(sum - 1) < 1e-5)
    }
  }

  @Test("Probabilities sum to one, whatever was learnt", arguments: [0, 1, 6, 7, 20, 33])
  func sums(length: Int) throws {
    let model = try model(NetworkShape(.lstm, hidden: 9, embedding: 5, vocabulary: Self.size))
    var adaptation = dynamic(rate: 0.05, decay: 0.1)
    adaptation.cache = NeuralCache()
    adaptation.cache?.size = 10
    let stream = try model.makeStream(adaptation, context: .stream)
    let before = Array(text().prefix(length))
    let sum = (0..<TokenID(Self.size)).reduce(0.0) { sum, token in
      stream.restart()
      return sum + exp(Double(scores(stream, before + [token])[length]))
    }
    #expect(abs(sum - 1) < 1e-4)
  }

  @Test("Shares and flatnesses of a cache that are tried at once are those of one after the other")
  func trials() throws {
    let shapes = [
      NetworkShape(.lstm, hidden: 9, embedding: 5, vocabulary: Self.size),
      NetworkShape(.gru, hidden: 7, embedding: 6, vocabulary: Self.size),
    ]
    let networks = try shapes.map { try model($0) }
    let mixture = Mixture(
      networks + [ToyModel([Float](repeating: 1 / Float(Self.size), count: Self.size))],
      tokens: SharedVocabulary((networks.map(\.vocabulary) + [networks[0].vocabulary])),
      weights: MixtureWeights([0.5, 0.3, 0.2]))
    let flatnesses = [0.25, 2]
    for model in [networks[0], mixture] as [any AdaptableModel] {
      var adaptation = dynamic(rate: 0.02, decay: 0.1)
      adaptation.cache = NeuralCache()
      let all = try model.cacheScores(
        of: text(), adaptation, flatnesses: flatnesses, context: .stream, watch: { _ in })
      #expect(all.count == 3)
      adaptation.cache?.weight = 0.35
      for (number, flatness) in flatnesses.enumerated() {
        adaptation.cache?.flatness = flatness
        let expected = zip(all[0], all[number + 1]).map {
          Float(log(0.65 * exp(Double($0)) + 0.35 * exp(Double($1))))
        }
        let found = scores(try model.makeStream(adaptation, context: .stream), text())
        #expect(largestDifference(found, expected) < 1e-4)
      }
    }
  }
}
