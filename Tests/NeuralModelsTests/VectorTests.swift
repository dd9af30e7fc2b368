import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

/// Vectors of tokens and of sentences.
@Suite("Vectors")
struct VectorTests {
  private static let shapes =
    NeuralKind.allCases.map {
      NetworkShape($0, layers: 2, hidden: 9, embedding: 6, direct: $0 == .nnlm, vocabulary: 13)
    } + [
      NetworkShape(.gru, layers: 2, hidden: 9, embedding: 9, tied: true, vocabulary: 13),
      NetworkShape(.lstm, layers: 3, hidden: 9, embedding: 9, vocabulary: 13, connection: .dense),
    ]

  private func model(_ shape: NetworkShape, _ softmax: SoftmaxKind = .full) throws -> NeuralModel {
    var configuration = shape.configuration
    configuration.softmax.kind = softmax
    if softmax == .adaptive { configuration.softmax.cutoffs = [5] }
    if softmax == .sampled { configuration.softmax.sampleCount = 4 }
    let network = configuration.makeNetwork(
      vocabularySize: shape.vocabularySize, engine: try singleThreadedEngine())
    network.arena.randomize(limit: 0.9, seed: 5)
    return NeuralModel(network, vocabulary: shape.vocabulary, configuration: configuration)
  }

  /// Sentences of 0 to 70 tokens, more than are read side by side.
  private let sentences: [[TokenID]] = {
    var generator = SeededGenerator(seed: 6)
    return (0..<90).map { generator.tokens($0 < 71 ? ($0 * 37) % 71 : 5, vocabularySize: 13) }
  }()

  private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) }
  }

  @Test("Side by side is as one by one, and as the states that tokens lead to", arguments: shapes)
  func sentencesSideBySide(shape: NetworkShape) throws {
    let model = try model(shape)
    let vectors = model.vectors(ofSentences: sentences, nil)
    #expect(vectors.count == sentences.count)
    for (sentence, vector) in zip(sentences, vectors) {
      #expect(vector.count == sentence.count * model.featureSize)
      #expect(largestDifference(vector, model.vectors(ofSentences: [sentence], nil)[0]) < 1e-5)
      var expected: [Float] = []
      var state = model.initialState
      for token in sentence {
        state = model.advance(state, by: token)
        expected += state.features
      }
      #expect(largestDifference(vector, expected) < 1e-4)
    }
  }

  @Test("A sentence goes on from a state, which moves behind its end", arguments: shapes)
  func stream(shape: NetworkShape) throws {
    let model = try model(shape)
    var (state, expectedState) = (model.initialState, model.initialState)
    for sentence in sentences[..<9] {
      var expected: [Float] = []
      for token in sentence {
        expectedState = model.advance(expectedState, by: token)
        expected += expectedState.features
      }
      expectedState = model.advance(expectedState, by: Vocabulary.endOfSentence)
      #expect(largestDifference(model.vector(of: sentence, nil, after: &state), expected) < 1e-4)
      #expect(largestDifference(state.values, expectedState.values) < 1e-4)
      #expect(largestDifference(state.features, expectedState.features) < 1e-4)
      #expect(state.window == expectedState.window)
    }
  }

  @Test("Pools are the last, the largest and the mean of the features after each token")
  func pools() throws {
    let model = try model(NetworkShape(.lstm, hidden: 9, embedding: 6, vocabulary: 13))
    let size = model.featureSize
    let all = model.vectors(ofSentences: sentences, nil)
    for pooling in Pooling.allCases {
      let pooled = model.vectors(ofSentences: sentences, pooling)
      for (features, vector) in zip(all, pooled) {
        let rows = stride(from: 0, to: features.count, by: size).map { Array(features[$0..<$0 + size]) }
        let expected =
          rows.isEmpty
          ? []
          : (0..<size).map { i -> Float in
            let column = rows.map { $0[i] }
            return switch pooling {
            case .last: column[column.count - 1]
            case .max: column.max() ?? .nan
            case .mean: column.reduce(0, +) / Float(column.count)
            }
          }
        #expect(largestDifference(vector, expected) < 1e-6)
      }
    }
  }

  @Test(
    "Features times the vectors of the output give the logits, but for the biases",
    arguments: [SoftmaxKind.full, .sampled], [false, true])
  func outputVectors(softmax: SoftmaxKind, tied: Bool) throws {
    let model = try model(
      NetworkShape(.gru, hidden: 9, embedding: 9, tied: tied, vocabulary: 13), softmax)
    let vectors = try #require(model.tokenVectors(.output))
    #expect(vectors.count == 13 && vectors.size == 9)
    let features = model.vectors(ofSentences: [[3, 7, 4]], .last)[0]
    var state = model.initialState
    for token in [3, 7, 4] as [TokenID] { state = model.advance(state, by: token) }
    var logDistribution: [Float] = []
    model.logProbabilities(after: state, into: &logDistribution)
    let bias = model.network.withLock { box in
      box.network.arena.parameters.first { $0.name == "output.bias" }.map { parameter in
        (0..<13).map { parameter.value[0, $0] }
      }
    }
    let offsets = try (0..<TokenID(13)).map { token -> Float in
      let logit = zip(features, vectors[token]).reduce(0) { $0 + $1.0 * $1.1 }
      return logDistribution[Int(token)] - logit - (try #require(bias))[Int(token)]
    }
    #expect(offsets.allSatisfy { abs($0 - offsets[0]) < 1e-4 })
    if tied {
      let embeddings = try #require(model.tokenVectors(.input))
      #expect((0..<TokenID(13)).allSatisfy { vectors[$0].elementsEqual(embeddings[$0]) })
    }
  }

  @Test("Rows of the input are those that tokens are looked up in; clusters have no comparable output")
  func clusters() throws {
    let model = try model(NetworkShape(.gru, hidden: 9, embedding: 9, tied: true, vocabulary: 13), .adaptive)
    #expect(model.tokenVectors(.output) == nil)
    let vectors = try #require(model.tokenVectors(.input))
    let rows = model.network.withLock { box -> [[Float]] in
      let x = box.network.embedding.weights.value
      // A row for the one cluster stands before those of the tokens.
      return (1..<x.rows).map { row in (0..<x.columns).map { x[row, $0] } }
    }
    #expect(vectors.count == 13 && (0..<TokenID(13)).allSatisfy { Array(vectors[$0]) == rows[Int($0)] })
  }

  @Test("The nearest tokens are those of the largest cosines")
  func nearest() throws {
    let model = try model(NetworkShape(.gru, hidden: 9, embedding: 6, vocabulary: 13))
    let vectors = try #require(model.tokenVectors(.input))
    func cosine(_ a: [Double], _ b: [Double]) -> Double {
      func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }
    let rows = (0..<TokenID(13)).map { vectors[$0].map { Double($0) } }
    for token in 0..<13 {
      let found = vectors.nearest(5, to: vectors.direction(of: TokenID(token)), excluding: [TokenID(token)])
      let expected = (0..<13).filter { $0 != token }
        .sorted { cosine(rows[$0], rows[token]) > cosine(rows[$1], rows[token]) }
      #expect(found.map { Int($0.token) } == Array(expected[..<5]))
      for (other, value) in found { #expect(abs(value - cosine(rows[Int(other)], rows[token])) < 1e-5) }
    }
    // The same token twice leaves the third.
    #expect(vectors.nearest(1, to: vectors.analogy(4, 4, 7), excluding: []).first?.token == 7)
    #expect(vectors.nearest(100, to: vectors.direction(of: 2), excluding: [0]).count == 12)
  }

  @Test("Principal components of an ellipse are its axes")
  func components() {
    // In five dimensions, along two directions at right angles to each other, around a point that is not zero.
    let (u, w) = ([0.6, 0, 0.8, 0, 0], [0, 0.28, 0, 0.96, 0])
    let points = (0..<40).map { i -> [Double] in
      let angle = 2 * Double.pi * Double(i) / 40
      return (0..<5).map { 7 + 3 * cos(angle) * u[$0] + sin(angle) * w[$0] }
    }
    let components = PrincipalComponents(of: points, count: 3)
    for (share, expected) in zip(components.shares, [0.9, 0.1, 0]) { #expect(abs(share - expected) < 1e-9) }
    for (i, place) in components.coordinates.enumerated() {
      let angle = 2 * Double.pi * Double(i) / 40
      #expect(abs(abs(place[0]) - 3 * abs(cos(angle))) < 1e-5)
      #expect(abs(abs(place[1]) - abs(sin(angle))) < 1e-5)
      #expect(abs(place[2]) < 1e-5)
    }
    let same = PrincipalComponents(of: [[1, 2], [1, 2], [1, 2]], count: 2)
    #expect(same.shares == [0, 0] && same.coordinates.allSatisfy { $0 == [0, 0] })
  }
}
