import LanguageModels
import TestSupport
import Testing

/// Damaged files of all that models share; see `Fuzz`.
@Suite("Damaged checkpoints, lists, logs and texts")
struct ReaderFuzzTests {
  @Test("Damaged checkpoints end in a sentence or a checkpoint, with checksums and without")
  func fuzzCheckpoints() throws {
    let folder = try TemporaryFolder()
    try Checkpoint(
      model: "m", programVersion: "1", tokenizer: Tokenizer(),
      vocabulary: Vocabulary(unit: .word, tokens: ["a", "é"]),
      configuration: ["order": 3, "deep": [1, [2, true]]], training: ["x": "y"],
      tensors: [
        Tensor("w", shape: [2, 3], [0, 1, 2, 3, 4, 5] as [Float]), Tensor("c", [1, 2, 3] as [UInt8]),
      ]
    ).write(to: folder("m.json"))
    let whole = try folder.read("m.json")
    let decimal = #""data":[0,1.5,-2,"-inf",4,5e3]"#
    let bare = String(decoding: whole, as: UTF8.self).replacing(/"(header_)?crc32":"[0-9a-f]*",/, with: "")
    for (kind, bytes) in [
      ("checkpoint", whole), ("checkpoint-bare", Array(bare.utf8)),
      ("checkpoint-decimal", Array(bare.replacing(/"data":"[^"]{20,}"/, with: decimal).utf8)),
    ] {
      let result = try Fuzz(kind, [bytes]) { bytes, _ in
        let checkpoint = try Checkpoint(ByteSource(bytes, name: "m.json"))
        for tensor in checkpoint.tensors {
          #expect(tensor.shape.reduce(1, *) == tensor.elements.count)
        }
      }
      #expect(result.complaints == [])
    }
  }

  @Test("Damaged JSON ends in a sentence or a value, which comes back as it was written")
  func fuzzJSON() throws {
    let texts = [
      #"{"event":"step","step":10,"loss":-Infinity,"x":[NaN,1e5,"\u00e9"],"deep":{"a":[null]}}"#,
      #"[0.1, -2, 3e-4, true, false, null, "\ud83d\ude00 é", {"a":{"b":{"c":[[[]]]}}}, 9223372036854775807]"#,
    ]
    let result = try Fuzz("json", texts.map { Array($0.utf8) }) { bytes, round in
      let isLenient = round % 2 == 0
      let value = try bytes.withUnsafeBytes {
        try JSONValue(parsing: $0, file: "l", allowsNonFinite: isLenient)
      }
      // Infinities are written as strings, and come back as those.
      let again = try JSONValue(parsing: Array(value.text.utf8), file: "again")
      #expect(again.text == value.text)
    }
    #expect(result.complaints == [])
  }

  @Test("Damaged vocabularies end in a sentence or in what they say")
  func fuzzVocabularies() throws {
    let folder = try TemporaryFolder()
    let lists = ["<unk>\n</s>\nthe\ncat\t3\n日本\n\\u{20}\n", "a b c d e\nf g\n", "the\t10\ncat\t3\n<s>\t4\n"]
    let result = try Fuzz("vocabulary", lists.map { Array($0.utf8) }) { bytes, round in
      try folder.write("v", bytes)
      let unit = TextUnit.allCases[round / lists.count % TextUnit.allCases.count]
      let vocabulary = try Vocabulary(file: folder("v"), unit: unit)
      #expect(vocabulary.count >= 2)
      #expect(vocabulary.tokens.enumerated().allSatisfy { Int(vocabulary.id(of: $1)) == $0 })
    }
    #expect(result.complaints == [])
  }

  @Test(
    "Damaged text ends in a sentence or in tokens, in all units and by all rules",
    arguments: TextUnit.allCases)
  func fuzzTexts(unit: TextUnit) throws {
    let text = """
      The cat sat, on 3 mats. Don't!\r
      für Ｆｕｌｌ ｶﾞ 東京 is big <unk> </s> e\u{301}\u{301} 한글 \u{1112}\u{1161}\u{11AB}

      👩‍👩‍👧 🇩🇪🇫🇷 \u{A0}x\u{3000}y ΑΣ İ \u{1F1E9} \u{200D}
      """
    let result = try Fuzz("text-\(unit.rawValue)", [Array(text.utf8)]) { bytes, round in
      var rules = Tokenizer(
        unit: unit, lowercase: round % 2 == 0, invalid: round % 3 == 0 ? .replace : .error)
      rules.punctuation = Punctuation.allCases[round / 2 % Punctuation.allCases.count]
      rules.digits = Digits.allCases[round / 5 % Digits.allCases.count]
      rules.foldsWidth = round % 7 < 3
      rules.normalization = round % 5 < 2 ? .nfc : .none
      rules.separator = [.whiteSpace, .ascii, .text("a"), .text(" ")][round / 3 % 4]
      if rules.conflict != nil {
        rules = Tokenizer(unit: unit, lowercase: rules.lowercase, invalid: rules.invalid)
      }
      func reader() -> SentenceReader {
        SentenceReader(["x"], tokenizer: rules) { ByteSource(bytes, name: $0) }
      }
      let (corpus, _, vocabulary) = try Corpus.build(
        from: reader(), vocabulary: .counted(minimumCount: 1, maximumSize: nil))
      #expect(corpus.tokens.allSatisfy { $0 < vocabulary.count })
      // The same text with its vocabulary is the same corpus.
      #expect(try Corpus(from: reader(), vocabulary: vocabulary).tokens == corpus.tokens)
      // And its names make text again.
      let detokenizer = Detokenizer(rules)
      let name = vocabulary.tokens.prefix(20).joined(separator: " ")
      _ = try? Array(name.utf8).withUnsafeBytes { try detokenizer.text(of: $0, file: "x", line: 1) }
    }
    #expect(result.complaints == [])
  }
}
