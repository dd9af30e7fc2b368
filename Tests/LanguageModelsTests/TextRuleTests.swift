import LanguageModels
import TestSupport
import Testing

@Suite("Rules for digits, punctuation, width, normalization and separators")
struct TextRuleTests {
  @Test(
    "Punctuation is split off but between letters or digits",
    arguments: [
      ("Hello, world!", ["Hello", ",", "world", "!"]),
      ("don't pay 3.14 (or 3,000)...", ["don't", "pay", "3.14", "(", "or", "3,000", ")", ".", ".", "."]),
      ("“Straße” — naïve?", ["“", "Straße", "”", "—", "naïve", "?"]),
      ("1+1=2 $5 #x", ["1+1=2", "$", "5", "#", "x"]),
      // Text without spaces has no marks inside its words.
      ("今天，天气", ["今天", "，", "天气"]),
      ("a <unk> b", ["a", "<unk>", "b"]), ("a <s> b </s>", ["a", "b"]),
      ("e\u{301}, 👍🏽!", ["e\u{301}", ",", "👍🏽", "!"]),
    ])
  func splitPunctuation(text: String, expected: [String]) throws {
    #expect(try tokens(text, rules { $0.punctuation = .split }) == expected)
  }

  @Test("Punctuation is left out, and lines of nothing else are empty")
  func dropPunctuation() throws {
    let tokenizer = rules { $0.punctuation = .drop }
    #expect(
      try sentences("Don't stop, 3.14!\n...\n«ja»\n".utf8, tokenizer) == [["Dont", "stop", "314"], ["ja"]])
    #expect(try tokens("a <unk> b", tokenizer) == ["a", "<unk>", "b"])
    #expect(try tokens("a, b.", rules(.char) { $0.punctuation = .drop }) == ["a", " ", "b"])
    #expect(try tokens("a, é", rules(.byte) { $0.punctuation = .drop }) == ["a", " ", "<0xC3>", "<0xA9>"])
  }

  @Test("Digits of any script are kept, made 0, split or left out")
  func digits() throws {
    let text = "in 1914 a4b ٣"
    func read(_ digits: Digits, _ unit: TextUnit = .word) throws -> [String] {
      try tokens(text, rules(unit) { $0.digits = digits })
    }
    #expect(try read(.keep) == ["in", "1914", "a4b", "٣"])
    #expect(try read(.zero) == ["in", "0000", "a0b", "0"])
    #expect(try read(.split) == ["in", "1", "9", "1", "4", "a", "4", "b", "٣"])
    #expect(try read(.drop) == ["in", "ab"])
    #expect(try read(.zero, .char).joined() == "in 0000 a0b 0")
    #expect(try read(.split, .char).joined() == text)
    #expect(try read(.drop, .char).joined() == "in  ab ")
    #expect(try read(.zero, .byte) == Array("in 0000 a0b ").map { String($0) } + ["<0xD9>", "<0xA3>"])
  }

  @Test("Digits are dealt with before punctuation, and a mark that appears is dropped like one of the text")
  func rulesTogether() throws {
    let tokenizer = rules { ($0.digits, $0.punctuation) = (.drop, .split) }
    #expect(try tokens("5. x4'4y", tokenizer) == [".", "x'y"])
    let reader = reader(Array("a <5s> b\n".utf8), rules { $0.digits = .drop })
    #expect(try reader.next() == .sentence)
    #expect(reader.tokens.count == 2)
    #expect(reader.statistics.droppedMarkers == 1)
  }

  @Test(
    "Tokens are the tokens of the text that they make again", arguments: Punctuation.allCases, Digits.allCases
  )
  func stability(punctuation: Punctuation, digits: Digits) throws {
    let tokenizer = rules { ($0.punctuation, $0.digits) = (punctuation, digits) }
    var generator = SeededGenerator(seed: 5)
    let letters = Array("ab12=.' é٣東")
    for _ in 0..<2000 {
      let text = String((0..<8).map { _ in letters[Int(generator.uniform() * Double(letters.count))] })
      let found = try tokens(text, tokenizer)
      #expect(try tokens(found.joined(separator: " "), tokenizer) == found, "\(text)")
    }
    if punctuation == .split, digits == .split {
      #expect(try tokens("d=1 a'b", tokenizer) == ["d", "=", "1", "a'b"])
    }
  }

  @Test("Composed and decomposed characters are one", arguments: [TextUnit.word, .char, .mixed])
  func normalization(unit: TextUnit) throws {
    let decomposed = "か\u{3099} e\u{301} \u{212B} q\u{323}\u{307}"
    let composed = "が é Å q\u{323}\u{307}"
    func scalars(_ words: [String]) -> [[UInt32]] { words.map { $0.unicodeScalars.map(\.value) } }
    let nfc = rules(unit) { $0.normalization = .nfc }
    #expect(scalars(try tokens(decomposed, nfc)) == scalars(try tokens(composed, nfc)))
    #expect(scalars(try tokens(decomposed, nfc)) == scalars(try tokens(composed, Tokenizer(unit: unit))))
    #expect(scalars(try tokens(decomposed, Tokenizer(unit: unit))) != scalars(try tokens(composed, nfc)))
  }

  @Test("Full-width letters and half-width kana become the usual ones")
  func width() throws {
    let tokenizer = rules {
      $0.foldsWidth = true
      $0.lowercase = true
    }
    #expect(
      try tokens("ＡＢＣ１２！\u{3000}ｶﾞｷﾞﾊﾟﾋﾞｳﾞｱﾞ ￥５ ｡｢ｱｰ｣", tokenizer) == [
        "abc12!", "ガギパビヴア゛", "¥5", "。「アー」",
      ])
    let wide = try tokens("ｶﾞ", rules { $0.foldsWidth = true })
    #expect(wide[0].unicodeScalars.map(\.value) == [0x30AC])
  }

  @Test("Words end at ASCII white space only, or at a text")
  func separators() throws {
    let ascii = rules { $0.separator = .ascii }
    #expect(try tokens("a\u{A0}b c\td\u{3000}e\u{B}f <s>", ascii) == ["a\u{A0}b", "c", "d\u{3000}e", "f"])
    #expect(ascii.isToken("a\u{A0}b") && !ascii.isToken("a b") && !TextUnit.word.isToken("a\u{A0}b"))
    let bar = rules { $0.separator = .text("||") }
    #expect(try tokens("New York||||a|b||</s>||c\u{A0}", bar) == ["New York", "a|b", "c\u{A0}"])
    #expect(bar.isToken("New York") && !bar.isToken("a||b") && !bar.isToken("") && !bar.isToken("a\nb"))
    #expect(try tokens("A｜B", rules { $0.separator = .text("｜") }) == ["A", "B"])
  }

  @Test("The unit mixed takes Han and kana by character and the rest by word")
  func mixed() throws {
    let mixed = Tokenizer(unit: .mixed)
    #expect(try tokens("東京 is big", mixed) == ["東", "京", "is", "big"])
    #expect(
      try tokens("GPT4はスゴい、人々のﾃﾞｰﾀ。ok! 𠀀", mixed) == [
        "GPT4", "は", "ス", "ゴ", "い", "、", "人", "々", "の", "ﾃﾞ", "ｰ", "ﾀ", "。", "ok!", "𠀀",
      ])
    #expect(try tokens("か\u{3099}x <unk> 東<s>京", mixed) == ["か\u{3099}", "x", "<unk>", "東", "京"])
    #expect(try sentences("a\n\n \u{3000}\n東\n".utf8, mixed) == [["a"], ["東"]])
    #expect(try tokens("ภาษาไทย 한국어", mixed) == ["ภาษาไทย", "한국어"])
    #expect(
      try tokens("東京, 24km!", rules(.mixed) { ($0.punctuation, $0.digits) = (.split, .zero) }) == [
        "東", "京", ",", "00km", "!",
      ])
    #expect(mixed.isToken("東") && mixed.isToken("か\u{3099}") && mixed.isToken("is"))
    #expect(!mixed.isToken("東京") && !mixed.isToken("a東") && !mixed.isToken("a b"))
    #expect(TextUnit.mixed.endOfSentence == "</s>" && mixed.skipsEmptyLines)
  }

  @Test("Whatever the rules, every token is one by them", arguments: TextUnit.allCases)
  func tokensAreTokens(unit: TextUnit) throws {
    var generator = SeededGenerator(seed: 7)
    for punctuation in Punctuation.allCases {
      for digits in Digits.allCases {
        let tokenizer = rules(unit) {
          ($0.punctuation, $0.digits, $0.lowercase) = (punctuation, digits, true)
          if unit != .byte { ($0.normalization, $0.foldsWidth) = (.nfc, true) }
          if unit.hasWords { $0.separator = .ascii }
        }
        for _ in 0..<20 {
          let line = randomLine(using: &generator)
          for token in try tokens(line, tokenizer) {
            #expect(tokenizer.isToken(token), "\(token.unicodeScalars.map(\.value)) of \(line)")
          }
        }
      }
    }
  }

  @Test("Rules that do not go together are named")
  func conflicts() {
    #expect(Tokenizer().conflict == nil)
    #expect(
      rules(.char) { ($0.normalization, $0.foldsWidth, $0.digits) = (.nfc, true, .zero) }.conflict == nil)
    #expect(rules(.byte) { ($0.punctuation, $0.digits) = (.drop, .split) }.conflict == nil)
    #expect(rules(.byte) { $0.normalization = .nfc }.conflict?.contains("--unit byte") == true)
    #expect(rules(.byte) { $0.foldsWidth = true }.conflict?.contains("--fold-width") == true)
    #expect(rules(.char) { $0.separator = .ascii }.conflict?.contains("--separator") == true)
    #expect(rules(.byte) { $0.separator = .text("|") }.conflict?.contains("--separator") == true)
    #expect(rules { $0.separator = .text("") }.conflict?.contains("empty") == true)
    #expect(rules { $0.separator = .text("\n") }.conflict?.contains("line end") == true)
    #expect(rules { ($0.separator, $0.lowercase) = (.text("X"), true) }.conflict?.contains("'x'") == true)
  }

  @Test("Rules are stored, and what is not said is as before")
  func stored() throws {
    func roundTrip(_ tokenizer: Tokenizer) throws -> Tokenizer {
      let folder = try TemporaryFolder()
      try checkpoint(tokenizer).write(to: folder("m.json"))
      return try Checkpoint(path: folder("m.json")).tokenizer
    }
    #expect(Tokenizer().json.text == #"{"unit":"word","lowercase":false,"invalid":"error"}"#)
    let many = rules {
      ($0.punctuation, $0.digits, $0.normalization, $0.foldsWidth) = (.split, .zero, .nfc, true)
      $0.separator = .text("ascii")
    }
    #expect(
      many.json.text == #"{"unit":"word","lowercase":false,"invalid":"error","punctuation":"split","#
        + #""digits":"zero","normalize":"nfc","fold_width":true,"separator":{"text":"ascii"}}"#)
    for tokenizer in [
      Tokenizer(), Tokenizer(unit: .mixed), many, rules { $0.separator = .ascii },
      rules(.byte) { ($0.punctuation, $0.digits) = (.drop, .drop) },
    ] { #expect(try roundTrip(tokenizer) == tokenizer) }
  }

  @Test(
    "Rules that this version does not know are an error",
    arguments: [
      (#""punctuation":"strip""#, "'punctuation' in 'tokenizer' is \"strip\""),
      (#""digits":3"#, "'digits' in 'tokenizer' is 3"), (#""normalize":"nfkd""#, "(none, nfc)"),
      (#""fold_width":"yes""#, "not true or false"), (#""separator":"tab""#, "'separator' in 'tokenizer'"),
      (#""unit":"syllable""#, "word, char, byte, mixed"), (#""separator":{"text":""}"#, "do not go together"),
    ])
  func unknownRules(member: String, message: String) throws {
    let folder = try TemporaryFolder()
    try checkpoint(Tokenizer()).write(to: folder("m.json"))
    let text = String(decoding: try folder.read("m.json"), as: UTF8.self)
    let unit = #""unit":"word""#
    let changed = text.replacing(unit, with: member.contains("unit") ? member : "\(unit),\(member)")
    try folder.write("c.json", text: changed)
    #expect {
      _ = try Checkpoint(path: folder("c.json"))
    } throws: { "\($0)".contains(message) }
  }

  @Test("Words of a checkpoint are held against its separator")
  func wordsOfCheckpoints() throws {
    let folder = try TemporaryFolder()
    var stored = checkpoint(rules { $0.separator = .text("|") })
    stored.vocabulary = Vocabulary(unit: .word, tokens: ["New York"])
    try stored.write(to: folder("m.json"))
    #expect(try Checkpoint(path: folder("m.json")).vocabulary.tokens == ["<unk>", "</s>", "New York"])
    stored.tokenizer = Tokenizer()
    try stored.write(to: folder("m.json"))
    #expect(throws: CheckpointError.self) { try Checkpoint(path: folder("m.json")) }
  }

  @Test("A prompt that is not UTF-8 follows the rule for it")
  func prompts() throws {
    let prompt = Array("caf".utf8) + [0xE9, 0x20] + Array("b".utf8)
    #expect {
      try Tokenizer().forEachToken(of: prompt) { _ in }
    } throws: { "\($0)".hasPrefix("prompt:1: invalid UTF-8") }
    var words: [String] = []
    try Tokenizer(invalid: .replace).forEachToken(of: prompt) {
      words.append(String(decoding: $0, as: UTF8.self))
    }
    #expect(words == ["caf\u{FFFD}", "b"])
    var bytes: [String] = []
    try Tokenizer(unit: .byte).forEachToken(of: prompt) { bytes.append(String(decoding: $0, as: UTF8.self)) }
    #expect(bytes == ["c", "a", "f", "<0xE9>", " ", "b"])
  }

  private func checkpoint(_ tokenizer: Tokenizer) -> Checkpoint {
    Checkpoint(
      model: "example", programVersion: "1", tokenizer: tokenizer,
      vocabulary: Vocabulary(unit: tokenizer.unit, tokens: ["a"]), configuration: .object([]),
      training: .object([]), tensors: [])
  }
}

/// A line of characters of many kinds, without line ends.
func randomLine(using generator: inout SeededGenerator) -> String {
  let usual = Array(
    "ab zé ß漢字かガｶﾞＡ１。、「」-.,'\"()<>\\nrtu{}▁0123٣ไทย\t\u{A0}\u{3000}\u{FEFF}\u{301}\u{200D}👩👧🇩🇪한".unicodeScalars)
  var line = ""
  for _ in 0..<Int.random(in: 0..<30, using: &generator) {
    if Int.random(in: 0..<4, using: &generator) == 0 {
      let value = UInt32.random(in: 1..<0x2FFFF, using: &generator)
      if let scalar = Unicode.Scalar(value), scalar != "\n" { line.unicodeScalars.append(scalar) }
    } else if let scalar = usual.randomElement(using: &generator) {
      line.unicodeScalars.append(scalar)
    }
  }
  return line
}
