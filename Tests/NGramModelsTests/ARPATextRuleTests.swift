import Foundation
import LanguageModels
import NGramModels
import TestSupport
import Testing

@Suite("Text rules in ARPA files")
struct ARPATextRuleTests {
  /// A model of `tokens`, in which they follow each other by chance.
  private func model(
    _ unit: TextUnit, _ tokens: [String], context: ContextMode = .sentence
  ) -> NGramModel {
    let vocabulary = Vocabulary(unit: unit, tokens: tokens)
    var options = NGramModel.Options()
    (options.order, options.context) = (3, context)
    return NGramModel(
      tokens: RandomText.tokens(sentences: 200, vocabularySize: vocabulary.count, seed: 9),
      vocabulary: vocabulary, options: options)
  }

  private func roundTrip(
    _ model: NGramModel, _ tokenizer: Tokenizer?, as given: Tokenizer? = nil
  ) throws -> (model: NGramModel, tokenizer: Tokenizer, context: ContextMode?) {
    let folder = try TemporaryFolder()
    try model.writeARPA(to: folder("x.arpa"), tokenizer: tokenizer)
    return try NGramModel.read(arpa: ByteSource(path: folder("x.arpa")), tokenizer: given)
  }

  @Test("Every token of every unit comes back", arguments: TextUnit.allCases)
  func tokens(unit: TextUnit) throws {
    let tokens =
      switch unit {
      case .byte:
        (0..<256).filter { $0 != 10 }.map { byte in
          byte < 0x80 ? String(UnicodeScalar(UInt8(byte))) : String(format: "<0x%02X>", byte)
        }
      case .word, .mixed:
        [
          "a", "▁", "\\n", "\\u{a0}", "<S>", "<UNK>", "<0xC3>", "#", "\\data\\", "-0.5", "é", "e\u{301}",
          "<unk",
        ]
      default:
        [
          " ", "▁", "\\", "n", "\u{A0}", "\u{3000}", "\t", "\r", "\u{0}", "\u{B}", "\u{C}", "\u{85}",
          "\u{2028}",
          "é", "e\u{301}", "👩‍👩‍👧", " \u{301}", "▁\u{301}", "\\\u{301}", "\u{7F}", "<", "#", "\u{200B}",
          "\u{FEFF}",
          "한", "{", "u", "\u{1}", "\u{1F}",
        ]
      }
    #expect(tokens.allSatisfy(unit.isToken))
    let model = model(unit, tokens)
    #expect(model.vocabulary.count == tokens.count + 2)
    let (read, tokenizer, context) = try roundTrip(model, Tokenizer(unit: unit))
    #expect(read.vocabulary.unit == unit && tokenizer.unit == unit && context ?? .sentence == .sentence)
    #expect(read.vocabulary.tokens.map { Array($0.utf8) } == model.vocabulary.tokens.map { Array($0.utf8) })
    let text = RandomText.tokens(sentences: 50, vocabularySize: tokens.count + 2, seed: 1)
    #expect(abs(read.crossEntropy(of: text) - model.crossEntropy(of: text)) < 1e-5)
  }

  @Test("Rules and context come back")
  func rules() throws {
    let lowercase = Tokenizer(lowercase: true)
    let read = try roundTrip(model(.word, ["a", "b"]), lowercase)
    #expect(read.tokenizer == lowercase && read.context == .sentence)
    let stream = try roundTrip(
      model(.char, ["a", "b"], context: .stream), Tokenizer(unit: .char, invalid: .replace))
    #expect(stream.tokenizer == Tokenizer(unit: .char, invalid: .replace))
    #expect(stream.context == .stream && stream.model.defaultContext == .stream)
    let words = try roundTrip(model(.word, ["a", "b"], context: .stream), nil)
    #expect(words.tokenizer == Tokenizer() && words.context == .stream)
  }

  @Test(
    "Models read from other programs are written as these write them; plain words of lmctl say that they are")
  func plainWords() throws {
    let folder = try TemporaryFolder()
    let model = model(.word, ["a", "b"])
    try model.writeARPA(to: folder("x.arpa"), tokenizer: NGramModel.foreignTokenizer)
    #expect(
      try String(contentsOfFile: folder("x.arpa"), encoding: .utf8).hasPrefix("\\data\\\nngram 1=5\n"))
    #expect(try NGramModel.textRules(ofARPA: ByteSource(path: folder("x.arpa"))) == nil)
    // A word of lmctl ends at a no-break space, one of others does not.
    for tokenizer in [nil, Tokenizer()] {
      try model.writeARPA(to: folder("x.arpa"), tokenizer: tokenizer)
      #expect(try NGramModel.textRules(ofARPA: ByteSource(path: folder("x.arpa")))?.tokenizer == Tokenizer())
    }
    try model.writeARPA(to: folder("x.arpa"), tokenizer: Tokenizer(lowercase: true))
    let line = #"# lmctl text rules: {"unit":"word","lowercase":true,"invalid":"error"}"#
    #expect(try String(contentsOfFile: folder("x.arpa"), encoding: .utf8).hasPrefix(line + "\n\n\\data\\\n"))
    let source = try ByteSource(path: folder("x.arpa"))
    #expect(try NGramModel.isARPA(source))
    #expect(try NGramModel.textRules(ofARPA: source)?.tokenizer == Tokenizer(lowercase: true))
  }

  /// A model of characters, as another program might write it.
  static let characters = """
    \\data\\
    ngram 1=6
    ngram 2=1

    \\1-grams:
    -1.0\t<unk>
    -0.5\t</s>
    -99\t<s>\t-0.25
    -0.75\ta\t-0.125
    -0.625\t▁\t-0.375
    -0.625\t\\t

    \\2-grams:
    -0.5\ta ▁

    \\end\\
    """

  private func read(_ text: String, _ tokenizer: Tokenizer?) throws -> NGramModel {
    try NGramModel.read(arpa: ByteSource(Array(text.utf8), name: "x"), tokenizer: tokenizer).model
  }

  @Test("Rules can be given for files of others")
  func given() throws {
    #expect(try read(Self.characters, nil).vocabulary.tokens == ["<unk>", "</s>", "a", "▁", "\\t"])
    let rules = Tokenizer(unit: .char, lowercase: true)
    #expect(try read(Self.characters, rules).vocabulary.tokens == ["<unk>", "\n", "a", " ", "\t"])
    let found = try NGramModel.read(
      arpa: ByteSource(Array(Self.characters.utf8), name: "x"), tokenizer: rules)
    #expect(found.tokenizer == rules)
  }

  @Test(
    "Rules that do not fit are told with their line",
    arguments: [
      (
        "", ARPATests.text.replacingOccurrences(of: "b", with: "bb"),
        "x:13: 'bb' is not one token of --unit char"
      ),
      (
        "", Self.characters.replacingOccurrences(of: "\t\\t", with: "\t\\u{61}"),
        "x:11: '\\u{61}' is among the 1-grams before"
      ),
      (
        #"{"unit":"byte"}"#, Self.characters,
        "x:1: the model's tokens are those of --unit byte, not of --unit char"
      ),
      (
        #"{"unit":"letter"}"#, Self.characters,
        "x:1: text rules that this lmctl does not know: 'tokenizer' does not name a unit (word, char, byte, mixed)"
      ),
      (
        #"{"unit":"char","context":1}"#, Self.characters,
        "x:1: text rules that this lmctl does not know: 'context' is neither stream nor sentence"
      ),
    ])
  func errors(rules: String, text: String, message: String) {
    let line = rules.isEmpty ? "" : "# lmctl text rules: \(rules)\n"
    do {
      _ = try read(line + text, Tokenizer(unit: .char))
      Issue.record("no error for '\(rules)'")
    } catch {
      #expect("\(error)" == message)
    }
  }

  @Test("Damaged files end in an error or a model, whatever the damage")
  func fuzz() throws {
    let text = #"# lmctl text rules: {"unit":"char","context":"stream"}"# + "\n" + Self.characters
    let folder = try TemporaryFolder()
    let result = try Fuzz("arpa-char", [Array(text.utf8)]) { bytes, round in
      do {
        let model = try NGramModel(arpa: ByteSource(bytes, name: "x"))
        var row: [Float] = []
        model.logProbabilities(after: model.initialState, into: &row)
        #expect(row.allSatisfy { !$0.isNaN })
        if round % 10 > 0 { return }
        // What is read can be written, and comes back.
        try model.writeARPA(to: folder("x.arpa"), tokenizer: Tokenizer(unit: model.vocabulary.unit))
        let again = try NGramModel(arpa: ByteSource(path: folder("x.arpa")))
        #expect(again.vocabulary.tokens == model.vocabulary.tokens)
        #expect(again.trie.words == model.trie.words)
      } catch let error as TextError {
        #expect(error.line > 0)
        throw error
      }
    }
    #expect(result.complaints == [])
  }
}
