import LanguageModels
import TestSupport
import Testing

@Suite("Files of vocabularies")
struct VocabularyFileTests {
  /// Tokens that are easily lost on the way.
  private static func tokens(_ unit: TextUnit) -> [String] {
    switch unit {
    case .word, .mixed:
      [
        "#", "a#b", "\\n", "\\u{20}", "\\u{0}", "\\u{5c}", "\u{FEFF}a", "\u{200B}", "5", "\u{1}", "▁",
        "\\\\u{feff}", "<0x41>",
      ]
    case .char:
      [
        " ", "\t", "\r", "\0", "\r\n", "\u{A0}", "\u{FEFF}", "▁", "\\", "#", "\u{2028}", "\u{85}", "é",
        "e\u{301}", "\u{B}", "5",
      ]
    case .byte:
      (0...255).map { byte in
        byte < 0x80 ? String(Unicode.Scalar(UInt8(byte))) : "<0x\(String(byte, radix: 16, uppercase: true))>"
      }
    }
  }

  private func expectRoundTrip(_ vocabulary: Vocabulary, _ tokenizer: Tokenizer) throws {
    let folder = try TemporaryFolder()
    try vocabulary.write(to: folder("v"))
    let back = try Vocabulary(file: folder("v"), tokenizer: tokenizer)
    #expect(back.tokens.map { Array($0.utf8) } == vocabulary.tokens.map { Array($0.utf8) })
  }

  @Test("Every token of every unit comes back, whichever is first", arguments: TextUnit.allCases)
  func roundTrip(unit: TextUnit) throws {
    let tokens = Self.tokens(unit)
    try expectRoundTrip(Vocabulary(unit: unit, tokens: tokens), Tokenizer(unit: unit))
    for token in tokens where token != "\n" {
      try expectRoundTrip(Vocabulary(unit: unit, tokens: [token]), Tokenizer(unit: unit))
    }
  }

  @Test("Words that hold white space come back by the rules that made them")
  func separators() throws {
    let wide = Vocabulary(unit: .word, tokens: ["a\u{A0}b", "\u{3000}", "c"])
    try expectRoundTrip(wide, rules { $0.separator = .ascii })
    let spaced = Vocabulary(
      unit: .word,
      tokens: [" ", "New York", "a\t5", "b 3", "\r", "c\r", "\u{FEFF} x", "\\u{20}", "  d  ", "\0"])
    try expectRoundTrip(spaced, rules { $0.separator = .text("|") })
  }

  @Test("Bytes of a text with CRLF keep their CR")
  func carriageReturn() throws {
    let text = Array("red blue\r\ngreen red\r\nblue red blue\r\n".utf8)
    let built = try Corpus.build(
      from: reader(text, Tokenizer(unit: .byte)), vocabulary: .counted(minimumCount: 1, maximumSize: nil)
    ).2
    #expect(built.tokens.contains("\r"))
    try expectRoundTrip(built, Tokenizer(unit: .byte))
    // Files of earlier versions have it as it is.
    #expect(try read("<unk>\n\\n\nr\n\r\nb\n", .byte) == ["r", "\r", "b"])
    #expect(try read("r\r\nb\r\n\r\n", .byte) == ["r", "b"])
  }

  @Test("Plain files stay plain, and are read as before")
  func plain() throws {
    let folder = try TemporaryFolder()
    try Vocabulary(unit: .word, tokens: ["the", "\\textit", "▁a", "été"]).write(to: folder("w"))
    #expect(try folder.read("w") == Array("<unk>\n</s>\nthe\n\\textit\n▁a\nété\n".utf8))
    try Vocabulary(unit: .char, tokens: ["t", " ", "\\", "▁", "\t"]).write(to: folder("c"))
    #expect(try folder.read("c") == Array("<unk>\n\\n\nt\n \n\\\n▁\n\t\n".utf8))
    #expect(try read("\u{FEFF}b\r\n<s>\r\n</s>\r\na\r\n\r\nb", .word) == ["b", "a"])
    // What looks like an escape of something that no word holds is a word.
    #expect(try read("a\n\\u{20}\n", .word) == ["a", "\\u{20}"])
    #expect(try read("\\t\n\\u{a0}\n▁\n \n", .char) == ["\t", "\u{A0}", "▁", " "])
  }

  @Test("Lists with blanks, and counts of SRILM, are read in their order")
  func otherForms() throws {
    #expect(try read("the cat  sat\non\tmats </s>\n", .word) == ["the", "cat", "sat", "on", "mats"])
    #expect(try read("東 京 is\nbig\n", .mixed) == ["東", "京", "is", "big"])
    #expect(
      try read("<s>\t3\nthe\t12\nthe cat\t4\ncat\t9\n</s>\t3\n1984\t2\n", .word) == ["the", "cat", "1984"])
    #expect(try read("the 12\ncat 9.5\n5 1\n", .word) == ["the", "cat", "5"])
    #expect(try read("a\t3\n▁\t12\na ▁\t4\n\\u{2581}\t1\n</s>\t3\n", .char) == ["a", " ", "▁"])
    #expect(try read("12\n5\n", .word) == ["12", "5"])
    #expect(try read("the 12\ncat\n", .word) == ["the", "12", "cat"])
    let bar = rules { $0.separator = .text("|") }
    let folder = try TemporaryFolder()
    try folder.write("v", text: "New York 3\nb 4\n")
    #expect(try Vocabulary(file: folder("v"), tokenizer: bar).tokens.dropFirst(2) == ["New York 3", "b 4"])
  }

  @Test("Lists that sort | uniq -c makes, and characters with blanks between them")
  func otherPrograms() throws {
    #expect(
      try read("     10 the\n      3 cat\n      1 1984\n12345678 of\n", .word) == [
        "the", "cat", "1984", "of",
      ])
    #expect(try read("      3 1984\n      1 7\n", .word) == ["1984", "7"])
    #expect(try read("      4 the cat\n     12 cat\n", .word) == ["cat"])
    #expect(try read("10 the\n3 cat\n", .word) == ["the", "cat"])
    #expect(try read("5 the cat\n3 dog\n", .word) == ["5", "the", "cat", "3", "dog"])
    #expect(try read("     10 e\n      7  \n      2 \\n\n      1 ▁\n", .char) == ["e", " ", "▁"])
    #expect(try read("     10 東\n      7 is\n", .mixed) == ["東", "is"])
    #expect(try read("a b c\n▁ é \\n\n5 6\n", .char) == ["a", "b", "c", " ", "é", "5", "6"])
    #expect(try read("a <0xC3>\n▁ 7\n", .byte) == ["a", "<0xC3>", " ", "7"])
    let folder = try TemporaryFolder()
    try folder.write("v", text: "     10 New York\n      3 b\n")
    let tokens = try Vocabulary(file: folder("v"), tokenizer: rules { $0.separator = .text("|") }).tokens
    #expect(tokens.dropFirst(2) == ["New York", "b"])
  }

  @Test(
    "What holds no tokens is an error at its line",
    arguments: [
      ("a\nbc\n", TextUnit.char, "v:2: not one token of --unit char"),
      ("a b\nc bc\n", .char, "v:2: not one token of --unit char"),
      ("a b\nb c\n", .char, "v:2: 'b' stands here for the second time"),
      ("a\n<0x>\n", .byte, "v:2: not one token of --unit byte"),
      ("a\u{A0}b\n", .word, "v:1: not one token of --unit word"),
      ("is\n東京\n", .mixed, "v:2: not one token of --unit mixed"),
      ("the cat saw\nthe dog\n", .word, "v:2: 'the' stands here for the second time"),
      ("\n\n", .word, "holds no tokens"), ("<unk>\n</s>\n", .word, "holds no tokens"),
    ])
  func errors(text: String, unit: TextUnit, message: String) throws {
    #expect { try read(text, unit) } throws: { "\($0)".contains(message) }
  }

  private func read(_ text: String, _ unit: TextUnit) throws -> [String] {
    let folder = try TemporaryFolder()
    try folder.write("v", text: text)
    return Array(try Vocabulary(file: folder("v"), unit: unit).tokens.dropFirst(2))
  }
}
