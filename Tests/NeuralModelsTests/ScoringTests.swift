import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

/// A network as a language model: every way of asking for a probability gives the same.
@Suite("Scoring")
struct ScoringTests {
  /// Each kind, trained (or rather made up) for each context.
  private static let shapes = ContextMode.allCases.flatMap { context in
    NeuralKind.allCases.map {
      NetworkShape(
        $0, layers: 2, hidden: 9, embedding: 6, direct: $0 == .nnlm, context: context, vocabulary: 13)
    }
      + Connection.allCases.filter { $0 != .plain }.map {
        NetworkShape(
          .gru, layers: 3, hidden: 9, embedding: 9, context: context, vocabulary: 13, connection: $0)
      }
  }

  private func model(_ shape: NetworkShape) throws -> NeuralModel {
    let network = shape.make(try singleThreadedEngine())
    network.arena.randomize(limit: 0.9, seed: 31)
    return NeuralModel(network, vocabulary: shape.vocabulary, configuration: shape.configuration)
  }

  private func text(sentences: Int, seed: UInt64 = 32) -> [TokenID] {
    RandomText.tokens(sentences: sentences, vocabularySize: 13, seed: seed)
  }

  private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) }
  }

  @Test("Many tokens at once are as one by one", arguments: shapes)
  func batches(shape: NetworkShape) throws {
    let (model, text) = (try model(shape), text(sentences: 90))
    try #require(text.count < NeuralModel.stretchLength)
    let context = shape.configuration.context
    // A text that ends in the middle of a sentence, too.
    for length in [text.count, text.count - 3, 1, 2] {
      let text = Array(text.prefix(length))
      var state = model.initialState
      var scores: [Float] = []
      model.score(text[...], context: context, after: &state, into: &scores)
      let (expected, end) = model.scoresOneByOne(text, context)
      #expect(largestDifference(scores, expected) < 1e-4)
      #expect(largestDifference(state.values, end.values) < 1e-4 && state.window == end.window)
    }
  }

  @Test("A text may be cut anywhere", arguments: shapes)
  func splits(shape: NetworkShape) throws {
    let (model, text) = (try model(shape), text(sentences: 30))
    let context = shape.configuration.context
    var generator = SeededGenerator(seed: 33)
    var whole: [Float] = []
    var state = model.initialState
    model.score(text[...], context: context, after: &state, into: &whole)
    let end = state
    for largest in [1.0, 3, 20] {
      state = model.initialState
      var parts: [Float] = []
      var rest = text[...]
      while !rest.isEmpty {
        let part = rest.prefix(1 + Int(generator.uniform() * largest))
        model.score(part, context: context, after: &state, into: &parts)
        rest = rest.dropFirst(part.count)
      }
      #expect(largestDifference(whole, parts) < 1e-4)
      #expect(largestDifference(state.values, end.values) < 1e-4 && state.window == end.window)
    }
  }

  /// The context belongs to the evaluation: `eval --context` may ask for another than that of the training.
  @Test("In the other context, too, a text may be cut anywhere", arguments: shapes)
  func otherContext(shape: NetworkShape) throws {
    let (model, text) = (try model(shape), text(sentences: 20))
    let context: ContextMode = shape.configuration.context == .stream ? .sentence : .stream
    var whole: [Float] = []
    var state = model.initialState
    model.score(text[...], context: context, after: &state, into: &whole)
    #expect(largestDifference(whole, model.scoresOneByOne(text, context).0) < 1e-4)
    var lines: [Float] = []
    state = model.initialState
    for line in text.split(separator: Vocabulary.endOfSentence, omittingEmptySubsequences: false).dropLast() {
      model.score(
        ArraySlice(Array(line) + [Vocabulary.endOfSentence]), context: context, after: &state, into: &lines)
    }
    #expect(largestDifference(whole, lines) < 1e-4)
  }

  @Test("Sentences that begin alike are scored as one by one, whatever stands around them", arguments: shapes)
  func sharedBeginnings(shape: NetworkShape) throws {
    let model = try model(shape)
    var generator = SeededGenerator(seed: 71)
    let (end, stem) = (Vocabulary.endOfSentence, [5, 2, 7, 7, 3, 9, 4, 4, 6] as [TokenID])
    // Some are beginnings of others, some the same, one is empty; more than are followed side by side.
    let lines = (0..<PrefixScorer.capacity + 90).map { _ -> [TokenID] in
      let ending = (0..<Int(generator.uniform() * 5)).map { _ in TokenID(2 + Int(generator.uniform() * 3)) }
      return stem.prefix(Int(generator.uniform() * 10)) + ending
    }
    for text in [
      Array(lines.joined(separator: [end])) + [end],
      Array(([[4, 5]] + lines + [[2, 6]]).joined(separator: [end])),
    ] {
      let places = text.split(separator: end, omittingEmptySubsequences: false).map {
        $0.startIndex..<$0.endIndex
      }
      #expect(PrefixScorer(text, places.filter { !$0.isEmpty }) != nil && PrefixScorer(text, []) == nil)
      var state = model.initialState
      var scores: [Float] = []
      var watched = 0
      model.score(text[...], context: .sentence, after: &state, into: &scores) { watched += $0 }
      let (expected, last) = model.scoresOneByOne(text, .sentence)
      #expect(largestDifference(scores, expected) < 1e-4)
      #expect(largestDifference(state.values, last.values) < 1e-4 && state.window == last.window)
      #expect(watched == text.count)
    }
  }

  @Test("In sentence context, a sentence scores the same wherever it stands", arguments: shapes)
  func sentences(shape: NetworkShape) throws {
    let model = try model(shape)
    let sentence: [TokenID] = [5, 2, 7, 7, 3, Vocabulary.endOfSentence]
    func score(_ text: [TokenID]) -> [Float] {
      var state = model.initialState
      var scores: [Float] = []
      model.score(text[...], context: .sentence, after: &state, into: &scores)
      return scores
    }
    let alone = score(sentence)
    let before = text(sentences: 7)
    #expect(largestDifference(Array(score(before + sentence).suffix(sentence.count)), alone) < 1e-5)
    #expect(largestDifference(Array(score(sentence + before).prefix(sentence.count)), alone) < 1e-5)
  }

  @Test("A stream longer than one stretch is scored once and closely", arguments: shapes)
  func stretches(shape: NetworkShape) throws {
    let model = try model(shape)
    let text = Array(text(sentences: 900).prefix(2 * NeuralModel.stretchLength + 700))
    try #require(text.count == 2 * NeuralModel.stretchLength + 700)
    var scores: [Float] = []
    var state = model.initialState
    model.score(text[...], context: .stream, after: &state, into: &scores)
    // What lies more than the warm-up back hardly matters; these random networks forget quickly.
    var expected: [Float] = []
    var expectedState = model.initialState
    var rest = text[...]
    while !rest.isEmpty {
      model.score(rest.prefix(1500), context: .stream, after: &expectedState, into: &expected)
      rest = rest.dropFirst(1500)
    }
    #expect(largestDifference(scores, expected) < 1e-3)
    #expect(largestDifference(state.values, expectedState.values) < 1e-3)
    #expect(state.window == expectedState.window)
  }

  /// A cell that adds up: input and forget gates open, a candidate that is the sign of one token and nothing else. Its state
  /// depends on every token since the beginning, and never fades.
  private func counter() throws -> NeuralModel {
    let shape = NetworkShape(.lstm, hidden: 1, embedding: 1, vocabulary: 4)
    let network = shape.make(try singleThreadedEngine())
    for parameter in network.arena.parameters {
      let values = parameter.value
      switch parameter.name {
      case "embedding": for token in 0..<4 { values[token, 0] = token == 2 ? 1 : 0 }
      // Input and forget gates open, the candidate small after token 2 and else 0, the output gate open.
      case "layer1.input_weights": values[0, 2] = 0.0004
      case "layer1.bias": for gate in [0, 1, 3] { values[0, gate] = 30 }
      case "output.weights": values[0, 3] = 4
      default: break
      }
    }
    network.arena.valuesChanged()
    return NeuralModel(network, vocabulary: shape.vocabulary, configuration: shape.configuration)
  }

  @Test(
    "Of a network with long memory, a long stream is scored from no less than the context that is promised")
  func longMemory() throws {
    let model = try counter()
    let shortest = try #require(model.shortestContext)
    let stretch = NeuralModel.stretchLength
    let text = [TokenID](repeating: 2, count: 2 * stretch + 100)
    // What is remembered of so many tokens.
    func exact(_ count: Int) -> Float {
      model.scoresOneByOne(Array(repeating: 2, count: count + 1), .stream).0[count]
    }
    var state = model.initialState
    var scores: [Float] = []
    model.score(text[...], context: .stream, after: &state, into: &scores)
    for position in [0, 1, 1000, stretch - 1] { #expect(abs(scores[position] - exact(position)) < 1e-4) }
    // Behind a stretch, it is what the tokens of its context leave, and the one that its first step is given.
    for position in [stretch, stretch + 500, 2 * stretch - 1, 2 * stretch + 99] {
      let seen = position % stretch + shortest + 1
      #expect(abs(scores[position] - exact(seen)) < 1e-4, "\(position)")
    }
    // That is not all of them.
    #expect(abs(scores[stretch] - exact(stretch)) > 1e-3)
    // Sentences are never cut.
    var sentence = text
    sentence[text.count - 1] = Vocabulary.endOfSentence
    scores = []
    state = model.initialState
    model.score(sentence[...], context: .sentence, after: &state, into: &scores)
    #expect(abs(scores[text.count - 2] - exact(text.count - 2)) < 1e-3)
  }

  @Test("Several states at once are as one by one", arguments: shapes)
  func states(shape: NetworkShape) throws {
    let model = try model(shape)
    var states = [model.initialState]
    for token in text(sentences: 2) { states.append(model.advance(states[states.count - 1], by: token)) }
    var (all, one): ([Float], [Float]) = ([], [])
    model.logProbabilities(after: states, into: &all)
    for (i, state) in states.enumerated() {
      model.logProbabilities(after: state, into: &one)
      let isSame = one == Array(all[i * shape.vocabularySize..<(i + 1) * shape.vocabularySize])
      #expect(isSame)
    }
    let tokens = states.indices.map { TokenID($0 % shape.vocabularySize) }
    #expect(model.advance(states, by: tokens) == zip(states, tokens).map { model.advance($0, by: $1) })
  }

  @Test("A distribution sums to one, and holds the probabilities", arguments: shapes)
  func distribution(shape: NetworkShape) throws {
    let model = try model(shape)
    var state = model.initialState
    var all: [Float] = [.nan]
    for token in text(sentences: 4) {
      model.logProbabilities(after: state, into: &all)
      #expect(all.count == shape.vocabularySize)
      // V roundings of ε.
      #expect(abs(all.reduce(0) { $0 + exp(Double($1)) } - 1) < 1e-6)
      let (score, next) = model.logProbability(of: token, after: state)
      #expect(score == all[Int(token)] && next == model.advance(state, by: token))
      state = next
    }
  }

  @Test("A model comes back from its checkpoint bit by bit", arguments: shapes, TensorFormat.allCases)
  func checkpoint(shape: NetworkShape, format: TensorFormat) throws {
    let (model, text) = (try model(shape), text(sentences: 10))
    let folder = try TemporaryFolder()
    try Checkpoint(
      model: shape.configuration.kind.rawValue, programVersion: "1", tokenizer: Tokenizer(unit: .word),
      vocabulary: model.vocabulary, configuration: model.configuration.json, training: .object([]),
      tensors: model.tensors
    ).write(to: folder("model.json"), tensors: format)
    let read = try NeuralModel(Checkpoint(path: folder("model.json")), engine: try singleThreadedEngine())
    #expect(read.vocabulary.tokens == model.vocabulary.tokens)
    // The order belongs to the NNLM and the layers to the others.
    #expect(read.configuration.json == model.configuration.json)
    #expect(read.initialState == model.initialState)
    func score(_ model: NeuralModel) -> [Float] {
      var state = model.initialState
      var scores: [Float] = []
      model.score(text[...], context: model.defaultContext, after: &state, into: &scores)
      return scores
    }
    #expect(score(read) == score(model))
  }

  /// Numbers that contradict each other, in a file whose checksums are right.
  @Test("A checkpoint whose sizes do not fit each other is an error")
  func foreignCheckpoints() throws {
    let engine = try singleThreadedEngine()
    func reading(_ shape: NetworkShape, _ change: (inout Checkpoint) -> Void) throws -> NeuralModel {
      let model = try model(shape)
      var checkpoint = Checkpoint(
        model: shape.configuration.kind.rawValue, programVersion: "1", tokenizer: Tokenizer(unit: .word),
        vocabulary: model.vocabulary, configuration: model.configuration.json, training: .object([]),
        tensors: model.tensors)
      change(&checkpoint)
      return try NeuralModel(checkpoint, engine: engine)
    }
    let shape = NetworkShape(.gru)
    _ = try reading(shape) { _ in }
    #expect(throws: CheckpointError.self) { _ = try reading(shape) { _ = $0.tensors.removeLast() } }
    #expect(throws: CheckpointError.self) { _ = try reading(shape) { $0.model = "lstm" } }
    #expect(throws: CheckpointError.self) { _ = try reading(shape) { $0.model = "ngram" } }
    #expect(throws: CheckpointError.self) { _ = try reading(shape) { $0.configuration = .object([]) } }
    #expect(throws: CheckpointError.self) {
      // As many numbers in another shape.
      _ = try reading(shape) { checkpoint in
        let last = checkpoint.tensors.removeLast()
        guard case .float32(let values) = last.elements else { return }
        checkpoint.tensors.append(Tensor(last.name, shape: [1, values.count], values))
      }
    }
    // Tied embeddings need E = H, and no direct connections.
    for (kind, direct, hidden) in [
      (NeuralKind.lstm, false, 5), (.nnlm, false, 5), (.nnlm, true, 5), (.nnlm, true, 4),
    ] {
      let shape = NetworkShape(kind, hidden: hidden, direct: direct)
      var tied = shape.configuration
      tied.tiesEmbeddings = true
      let needs = tied.needs(
        vocabularySize: shape.vocabularySize, TrainingOptions(), hasHeldOut: false, engine: engine)
      let count = try #require(needs.parameters)
      #expect(throws: CheckpointError.self) {
        _ = try reading(shape) { checkpoint in
          checkpoint.configuration = tied.json
          checkpoint.tensors.removeAll { $0.name == "output.weights" }
          // Numbers without a meaning make up for what is missing.
          let stored = checkpoint.tensors.reduce(0) { $0 + $1.elements.count }
          if count > stored {
            checkpoint.tensors.append(Tensor("more", [Float](repeating: 0, count: count - stored)))
          }
        }
      }
    }
  }
}
