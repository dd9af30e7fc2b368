import Foundation
import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Small fillers and what they are tried on.
enum FillCases {
  struct Shape: Sendable, CustomTestStringConvertible {
    var configuration: FillConfiguration
    let testDescription: String

    private init(
      _ kind: NeuralKind, layers: Int, _ name: String = "",
      _ change: (inout NeuralConfiguration) -> Void = { _ in }
    ) {
      var encoder = NeuralConfiguration(kind: kind)
      (encoder.layers, encoder.hiddenSizes, encoder.embeddingSize) = (layers, [6], 6)
      change(&encoder)
      configuration = FillConfiguration(encoder: encoder)
      testDescription = "\(kind), \(layers) layers\(name)"
    }

    /// Every cell in three layers.
    static let cells = NeuralKind.recurrent.map { Shape($0, layers: 3) }
    /// What else a network can have.
    static let options =
      [Connection.residual, .highway, .dense].map { connection in
        Shape(.lstm, layers: 3, ", \(connection)") { $0.connection = connection }
      } + [
        Shape(.gru, layers: 1, ", tied") { $0.tiesEmbeddings = true },
        Shape(.lstm, layers: 2, ", other sizes") { ($0.hiddenSizes, $0.embeddingSize) = ([7, 5], 4) },
        Shape(.lstm, layers: 1, ", projection") { ($0.hiddenSizes, $0.cell.projection) = ([8], 5) },
        Shape(.gru, layers: 1, ", adaptive") {
          ($0.softmax.kind, $0.softmax.cutoffs, $0.softmax.tailDivisor) = (.adaptive, [5, 11], 2)
        },
        Shape(.gru, layers: 1, ", adaptive and tied") {
          ($0.softmax.kind, $0.softmax.cutoffs, $0.tiesEmbeddings) = (.adaptive, [5, 11], true)
        },
        Shape(.gru, layers: 1, ", classes") {
          ($0.softmax.kind, $0.softmax.classes) = (.classes, (0..<20).map { $0 % 4 })
        },
        Shape(.lstm, layers: 1, ", sampled") { ($0.softmax.kind, $0.softmax.sampleCount) = (.sampled, 6) },
      ]
  }

  static let vocabulary = Vocabulary(unit: .word, tokens: (2..<20).map { "w\($0)" })
  static let text: [TokenID] = sentences([4, 1, 3, 6, 2])

  static func sentences(_ lengths: [Int], seed: UInt64 = 4) -> [TokenID] {
    var generator = SeededGenerator(seed: seed)
    return lengths.flatMap { length in
      (0..<length).map { _ in TokenID.random(in: 0..<20, using: &generator) }
        .map { $0 == Vocabulary.endOfSentence ? 5 : $0 } + [Vocabulary.endOfSentence]
    }
  }

  static func network(_ shape: Shape, _ engine: Engine) -> FillNetwork {
    let network = FillNetwork(
      shape.configuration, vocabularySize: Self.vocabulary.count, engine: engine)
    network.arena.allocate()
    network.arena.randomize(limit: 0.6, seed: 8)
    return network
  }

  static func batch(_ text: [TokenID], longest: Int = 100, margin: Int = 0) -> FillBatch {
    FillBatch(FillRow.rows(of: text, longest: longest, margin: margin), of: text)
  }
}
