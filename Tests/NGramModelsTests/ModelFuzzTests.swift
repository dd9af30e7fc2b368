import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NGramModels

/// Damaged checkpoints of n-gram models; see `Fuzz`.
@Suite("Damaged n-gram checkpoints")
struct ModelFuzzTests {
  private static let vocabulary = Vocabulary(unit: .word, tokens: (2..<12).map { "w\($0)" })

  /// The checkpoint of a small model, as a file.
  private static func file(_ model: NGramModel, decimal: Bool = false, hasChecksums: Bool) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    try Checkpoint(
      model: NGramModel.kind, programVersion: "1", tokenizer: Tokenizer(), vocabulary: model.vocabulary,
      configuration: model.configuration, training: [:], tensors: model.tensors
    ).write(to: folder("m.json"), tensors: decimal ? .decimal : .base64)
    let whole = try folder.read("m.json")
    if hasChecksums { return whole }
    return Array(
      String(decoding: whole, as: UTF8.self).replacing(/"(header_)?crc32":"[0-9a-f]*",/, with: "").utf8)
  }

  @Test(
    "A damaged model is refused, or scores, draws and is written",
    arguments: ["plain", "quantized", "decimal", "whole"])
  func fuzz(kind: String) throws {
    let tokens = RandomText.tokens(sentences: 30, vocabularySize: 12, seed: 3)
    let plain = NGramModel(tokens: tokens, vocabulary: Self.vocabulary, options: .init())
    let file = try Self.file(
      kind == "quantized" ? plain.quantized(bits: 4) : plain, decimal: kind == "decimal",
      hasChecksums: kind == "whole")
    let folder = try TemporaryFolder()
    let result = try Fuzz("ngram-\(kind)", [file]) { bytes, round in
      let checkpoint = try Checkpoint(ByteSource(bytes, name: "m.json"))
      let model = try NGramModel(checkpoint)
      let text = tokens.prefix(40).map { min($0, TokenID(model.vocabulary.count - 1)) }
      var (scores, state) = ([Float](), model.initialState)
      if round % 2 == 0 { model.prepare(toScore: 1 << 20) }
      model.score(text[...], context: .sentence, after: &state, into: &scores)
      #expect(scores.count == text.count && scores.allSatisfy { !$0.isNaN })
      var options = SamplingOptions()
      (options.maximumTokens, options.temperature) = (20, round % 3 == 0 ? 0.7 : 1)
      for sampled in Sampler(model: model, options: options, seed: UInt64(round)).samples(after: state)[0] {
        #expect(sampled.token < model.vocabulary.count)
      }
      if round % 10 == 0 { try model.writeARPA(to: folder("x.arpa"), tokenizer: Tokenizer()) }
    }
    #expect(result.complaints == [])
  }
}
