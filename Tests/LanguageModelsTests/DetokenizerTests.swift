import LanguageModels
import TestSupport
import Testing

@Suite("Tokens back into text")
struct DetokenizerTests {
  /// The tokens of a text, as `lmctl tokenize` writes them, and the text that these make.
  private func roundTrip(_ text: [UInt8], _ tokenizer: Tokenizer) throws -> (names: String, text: [UInt8]) {
    let unit = tokenizer.unit
    let reader = reader(text, tokenizer)
    let detokenizer = Detokenizer(tokenizer)
    var (names, back) = ("", [UInt8]())
    while let kind = try reader.next() {
      guard kind == .sentence else { continue }
      var line: [UInt8] = []
      reader.tokens.forEach {
        Vocabulary.append(displayNameOf: $0, unit: unit, to: &line)
        line.append(UInt8(ascii: " "))
      }
      line += Vocabulary.displayName(of: unit.endOfSentence, unit: unit).utf8
      names += String(decoding: line, as: UTF8.self) + "\n"
      back += try line.withUnsafeBytes { try detokenizer.text(of: $0, file: "names", line: 1) }
    }
    return (names, back)
  }

  @Test("Every byte comes back, alone and beside others")
  func bytes() throws {
    var text: [UInt8] = []
    for first in 0...255 { text += [UInt8(first), 0x61, 0x20, UInt8(first), UInt8(first)] }
    text.append(10)
    let result = try roundTrip(text, Tokenizer(unit: .byte))
    #expect(result.text == text)
    #expect(result.names.contains("\\u{0} a ▁"))
    var generator = SeededGenerator(seed: 1)
    let random = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &generator) } + [10]
    #expect(try roundTrip(random, Tokenizer(unit: .byte)).text == random)
  }

  @Test("Lines of any characters come back; of words, but for white space")
  func lines() throws {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<300 {
      var line = randomLine(using: &generator)
      // A CR there is half a line end, and a byte order mark no text.
      while line.utf8.last == 13 || line.unicodeScalars.first == "\u{FEFF}" { line = "x" + line + "x" }
      let text = Array((line + "\n").utf8)
      #expect(try roundTrip(text, Tokenizer(unit: .char)).text == text)
      for tokenizer in [
        Tokenizer(), rules { $0.separator = .ascii }, rules { $0.separator = .text("a") },
        Tokenizer(unit: .mixed),
      ] {
        let back = try roundTrip(text, tokenizer).text
        #expect(
          try sentences(back, tokenizer) == sentences(text, tokenizer),
          "\(tokenizer.unit) \(tokenizer.separator)")
      }
    }
    let plain = Array("the cat  sat\n\non   the mat \\n \\u{41} ▁\n".utf8)
    let back = try roundTrip(plain, Tokenizer())
    #expect(String(decoding: back.text, as: UTF8.self) == "the cat sat\non the mat \\n \\u{41} ▁\n")
    #expect(back.names == "the cat sat </s>\non the mat \\n \\u{41} ▁ </s>\n")
    let bar = rules { $0.separator = .text("|") }
    #expect(
      try roundTrip(Array("New York| b\u{20}c\\u{20}\n".utf8), bar).text
        == Array("New York| b c\\u{20}\n".utf8))
  }

  @Test("The unit mixed puts no space beside characters that stand alone")
  func mixed() throws {
    let text = Array("東京 is big、とても big です\nか\u{3099} b\n".utf8)
    #expect(
      String(decoding: try roundTrip(text, Tokenizer(unit: .mixed)).text, as: UTF8.self)
        == "東京is big、とてもbigです\nか\u{3099}b\n")
  }

  @Test("Numbers are tokens of the vocabulary; a line without its end gets one")
  func numbers() throws {
    let vocabulary = Vocabulary(unit: .word, tokens: ["a", "b"])
    func text(_ line: String, _ detokenizer: Detokenizer) throws -> String {
      let bytes = try Array(line.utf8).withUnsafeBytes { try detokenizer.text(of: $0, file: "f", line: 7) }
      return String(decoding: bytes, as: UTF8.self)
    }
    let numbers = Detokenizer(Tokenizer(), numbersIn: vocabulary)
    #expect(try text("2 3 0 1", numbers) == "a b <unk>\n")
    #expect(try text("2 3\r", numbers) == "a b\n")
    #expect { try text("2 4", numbers) } throws: {
      "\($0)".hasPrefix("f:7: '4' is not the number of a token")
    }
    #expect { try text("a ab", Detokenizer(Tokenizer(unit: .char))) } throws: {
      "\($0)".hasPrefix("f:7: 'ab'")
    }
  }

  @Test("No two tokens have one name, and names give tokens back", arguments: TextUnit.allCases)
  func names(unit: TextUnit) {
    let odd =
      switch unit {
      case .word, .mixed:
        [
          "▁", "a▁", "a b", "a\u{A0}b", "a\\u{a0}b", "\\", "\\n", "\\u{20}", " ", "\\u{5c}", "\\u{5c}u{20}",
          "\\u{5C}",
          "\\u{1F600}", "\u{1}", "\\u{1}", "\u{FEFF}", "\u{FEFF}a", "\\u{feff}", "\\\\u{20}", "\0", "\t",
          "\\t",
        ]
      case .char:
        [
          "▁", " ", "\\", "\t", "\r", "\r\n", "\0", "\u{A0}", "\u{FEFF}", "\u{3000}", "▁\u{301}", "\\\u{301}",
          " \u{301}",
        ]
      case .byte: ["<0xE2>", " ", "\\", "\t", "\r", "\0", "<", "u", "\u{1}"]
      }
    let tokens = odd + ["a", Vocabulary.unknownToken, unit.endOfSentence]
    let names = tokens.map { Vocabulary.displayName(of: $0, unit: unit) }
    #expect(Set(names.map { Array($0.utf8) }).count == tokens.count)
    for (token, name) in zip(tokens, names) {
      #expect(!name.unicodeScalars.contains { $0.properties.isWhitespace || $0.value < 0x20 })
      #expect(
        Vocabulary.token(displayed: name, unit: unit).map { Array($0.utf8) } == Array(token.utf8), "\(name)")
    }
    // Plain names are as they were.
    #expect(Vocabulary.displayName(of: "é", unit: unit) == "é")
    if unit.hasWords {
      for word in ["▁the", "\\textbf{x}", "\\u{1F600}", "C:\\new"] {
        #expect(Vocabulary.displayName(of: word, unit: unit) == word)
      }
    }
  }
}
