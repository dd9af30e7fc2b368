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

/// Small translators and what they are tried on.
enum TranslationCases {
  static func shape(
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

  static let vocabulary = Vocabulary(unit: .word, tokens: (2..<11).map { "w\($0)" })
  static let targetVocabulary = Vocabulary(unit: .word, tokens: (2..<9).map { "v\($0)" })

  static func target(_ configuration: TranslatorConfiguration) -> Vocabulary {
    configuration.sharesVocabulary ? Self.vocabulary : Self.targetVocabulary
  }

  static let pairs = [
    SentencePair(source: [2, 3, 4], target: [5, 6]), SentencePair(source: [7], target: []),
    SentencePair(source: [8, 2], target: [4, 3, 2, 8]), SentencePair(source: [], target: [6]),
  ]

  static func network(
    _ configuration: TranslatorConfiguration, _ engine: Engine, limit: Double = 0.7
  ) -> TranslationNetwork {
    let network = TranslationNetwork(
      configuration, sourceSize: Self.vocabulary.count, targetSize: target(configuration).count,
      engine: engine)
    network.arena.allocate()
    network.arena.randomize(limit: limit, seed: 8)
    return network
  }

  /// Sources of all lengths, and themselves backward.
  static func reversals(_ count: Int, seed: UInt64 = 4, length: Int = 5) -> [SentencePair] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let tokens = (0..<Int.random(in: 1...length, using: &generator)).map { _ in
        TokenID.random(in: 2..<8, using: &generator)
      }
      return SentencePair(source: tokens, target: tokens.reversed())
    }
  }

  /// A search that ends as that of translations does, and finds unknown tokens too.
  static func search(_ width: Int, count: Int = 1, length: Int = 12) -> BeamSearch {
    var search = BeamSearch(width: width, count: count)
    (search.includesUnknown, search.maximumTokens, search.endsEarly) = (true, length, true)
    return search
  }
}
