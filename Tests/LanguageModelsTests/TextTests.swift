import LanguageModels
import TestSupport
import Testing

@Suite("Text rules")
struct TextTests {
  @Test("Words are split on Unicode white space only")
  func whiteSpace() throws {
    // Every code point of White_Space but LF, then some that are not: zero-width space, joiner, byte order mark.
    let spaces =
      "\t\u{0B}\u{0C}\r \u{85}\u{A0}\u{1680}\u{2000}\u{2005}\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}"
    for space in spaces.unicodeScalars {
      #expect(try sentences("a\(Character(space))b c\n".utf8) == [["a", "b", "c"]])
    }
    #expect(
      try sentences("a\u{200B}b a\u{FEFF}b é\u{301}\n".utf8) == [["a\u{200B}b", "a\u{FEFF}b", "é\u{301}"]])
  }

  @Test("CRLF and LF are alike, and the last line end may be missing")
  func lineEnds() throws {
    let expected = [["a", "b"], ["c"]]
    for text in ["a b\nc\n", "a b\r\nc\r\n", "a b\nc", "a b\r\nc\r", "\u{FEFF}a b\nc"] {
      #expect(try sentences(text.utf8) == expected)
    }
    let characters = Tokenizer(unit: .char)
    #expect(try sentences("ab\r\n\r\nc".utf8, characters) == sentences("ab\n\nc\n".utf8, characters))
  }

  @Test("Empty lines are skipped for words and kept for characters and bytes")
  func emptyLines() throws {
    #expect(try sentences("a\n\n \t \nb\n".utf8) == [["a"], ["b"]])
    for unit in [TextUnit.char, .byte] {
      #expect(try sentences("a\n\nb\n".utf8, Tokenizer(unit: unit)) == [["a"], [], ["b"]])
    }
  }

  @Test("A grapheme cluster is one character")
  func clusters() throws {
    let family = "👩‍👩‍👧"
    #expect(
      try sentences("ae\u{301}\(family) ß\n".utf8, Tokenizer(unit: .char)) == [
        ["a", "e\u{301}", family, " ", "ß"]
      ])
  }

  @Test("Bytes are themselves or their hexadecimal names")
  func bytes() throws {
    #expect(
      try sentences([97, 0, 0xC3, 0xFF, 13, 10], Tokenizer(unit: .byte)) == [
        ["a", "\0", "<0xC3>", "<0xFF>", "\r"]
      ])
  }

  @Test("Lower case goes beyond ASCII")
  func lowercase() throws {
    #expect(try sentences("ABC ÄÖ ДЖ\n".utf8, Tokenizer(lowercase: true)) == [["abc", "äö", "дж"]])
  }

  @Test("Literal sentence marks are dropped and counted, <unk> is kept")
  func markers() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("text", text: "<s> a <unk> </s>\n<s> </s>\n<sub> </ss>\n")
    let reader = SentenceReader([path], tokenizer: Tokenizer())
    var tokens: [String] = []
    while try reader.next() != nil {
      reader.tokens.forEach { tokens.append(String(decoding: $0, as: UTF8.self)) }
    }
    #expect(tokens == ["a", "<unk>", "<sub>", "</ss>"])
    #expect(reader.statistics.droppedMarkers == 4)
    #expect(reader.statistics.sentences == 2)
    #expect(reader.statistics.emptyLines == 1)
  }

  @Test(
    "Bytes that are not UTF-8 are an error at their line, or replaced",
    arguments: [
      [0xFF], [0xC3], [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0],
    ] as [[UInt8]])
  func invalid(bytes: [UInt8]) throws {
    let text = Array("good line of text\nlong enough before ".utf8) + bytes + Array("after\n".utf8)
    #expect {
      _ = try sentences(text)
    } throws: { "\($0)".contains("text:2: ") }
    let replaced = try sentences(text, Tokenizer(invalid: .replace))
    #expect(replaced.count == 2)
    #expect(replaced[1].joined().contains("\u{FFFD}"))
  }

  @Test("Lines longer than the buffer, and texts read in any block, are whole")
  func longLines() throws {
    let word = String(repeating: "x", count: 700_000)
    #expect(try sentences("a \(word) b\nc\n".utf8) == [["a", word, "b"], ["c"]])
  }

  @Test("The digest is that of sha256sum")
  func digest() {
    func digest(_ pieces: [[UInt8]]) -> String {
      var sha = SHA256()
      for piece in pieces { piece.withUnsafeBytes { sha.update($0) } }
      return sha.hexadecimal
    }
    // FIPS 180-4 examples.
    #expect(digest([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(digest([Array("abc".utf8)]) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let million = [UInt8](repeating: 97, count: 1_000_000)
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    #expect(digest([million]) == expected)
    // Blocks of any size give the same.
    #expect(
      digest(stride(from: 0, to: 1_000_000, by: 997).map { Array(million[$0..<min($0 + 997, 1_000_000)]) })
        == expected)
  }
}

@Suite("Vocabulary")
struct VocabularyTests {
  private func vocabulary(_ text: String, minimumCount: Int = 1, maximumSize: Int? = nil) throws -> [String] {
    let folder = try TemporaryFolder()
    let reader = SentenceReader([try folder.write("text", text: text)], tokenizer: Tokenizer())
    return try Corpus.build(
      from: reader, vocabulary: .counted(minimumCount: minimumCount, maximumSize: maximumSize)
    ).2.tokens
  }

  @Test("Tokens are ordered by falling count, then by code point, after <unk> and </s>")
  func order() throws {
    let text = "z b b \u{FFFD} 😀 a\nz b c\n"
    // U+FFFD comes before U+1F600 by code point, though not by UTF-16.
    #expect(try vocabulary(text) == ["<unk>", "</s>", "b", "z", "a", "c", "\u{FFFD}", "😀"])
    #expect(try vocabulary(text, minimumCount: 2) == ["<unk>", "</s>", "b", "z"])
    #expect(try vocabulary(text, maximumSize: 3) == ["<unk>", "</s>", "b"])
  }

  @Test("Words that a String would hold equal stay different tokens")
  func canonicalEquivalence() throws {
    #expect(try vocabulary("é e\u{301}\n").count == 4)
  }

  @Test("Every token finds itself among many", .timeLimit(.minutes(1)))
  func manyWords() {
    let words = (0..<50_000).map { "w\($0 &* 2_654_435_761 % 1_000_003)" }
    let vocabulary = Vocabulary(unit: .word, tokens: words)
    #expect(vocabulary.count == 50_002)
    for (i, word) in words.enumerated() { #expect(vocabulary.id(of: word) == TokenID(i + 2)) }
    #expect(vocabulary.id(of: "absent") == Vocabulary.unknown)
  }

  @Test("A vocabulary file gives back the vocabulary, in each unit", arguments: TextUnit.allCases)
  func file(unit: TextUnit) throws {
    let folder = try TemporaryFolder()
    let tokens =
      switch unit {
      case .word, .mixed: ["b", "a", "\\n", "<0x41>"]
      case .char: ["b", " ", "\t", "\\", "é", "👩‍👩‍👧"]
      case .byte: ["b", " ", "\t", "\\", "<0xC3>"]
      }
    let vocabulary = Vocabulary(unit: unit, tokens: tokens)
    try vocabulary.write(to: folder("v"))
    #expect(try Vocabulary(file: folder("v"), unit: unit).tokens == vocabulary.tokens)
  }
}
