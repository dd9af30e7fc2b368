import LanguageModels

/// How text is read, and which of its tokens are known.
struct TextSettings: SettingValues {
  var tokenizer = Tokenizer()
  var minimumCount: Int?
  var maximumSize: Int?
  var vocabularyPath: String?
  /// Whether UNK gets no probability.
  var isClosed = false
  /// Whether the vocabulary is that of another model.
  var isVocabularyInherited = false

  /// The count below which tokens become UNK where nobody says otherwise.
  var usualMinimumCount: Int { tokenizer.unit.isFine || isClosed ? 1 : 2 }

  // MARK: Settings

  static var unit: Setting<Self> {
    Setting(
      "unit", \.tokenizer.unit,
      .choice("UNIT", typed: ["words": .word, "character": .char, "characters": .char, "bytes": .byte]),
      "what a token is"
    ).changes(.shape).stored(.tokenizer("unit")).typed("level", "token-unit")
  }

  static var lowercase: Setting<Self> {
    Setting(flag: "lowercase", \.tokenizer.lowercase, "put the text into lower case")
      .changes(.shape).stored(.tokenizer("lowercase")).typed("lower", "lower-case", "tolower")
  }

  static var invalid: Setting<Self> {
    Setting(
      "invalid", \.tokenizer.invalid, .choice("WHAT"), "bytes that are not UTF-8: stop, or read U+FFFD"
    ).stored(.tokenizer("invalid"))
  }

  static var minimumCount: Setting<Self> {
    Setting(
      "min-count", \.minimumCount, .whole(1...Int.max), "tokens seen less often become <unk>",
      default: .rule("2 for words, 1 for char and byte and with --closed") {
        $0.vocabularyPath == nil && !$0.isVocabularyInherited ? $0.usualMinimumCount : nil
      }
    ).changes(.vocabulary).excludes("vocab", because: "which fixes the vocabulary").typed(
      "min-freq", "minimum-count", "min-frequency", "cutoff")
  }

  static var maximumSize: Setting<Self> {
    Setting(
      "max-vocab", \.maximumSize, .whole(3...Int.max), "at most N entries, <unk> and end of sentence included"
    ).changes(.vocabulary).excludes("vocab", because: "which fixes the vocabulary").typed(
      "vocab-size", "vocabulary-size", "max-vocabulary")
  }

  static var vocabulary: Setting<Self> {
    Setting(
      "vocab", \.vocabularyPath, .file, "take the vocabulary from FILE, one token a line"
    ).changes(.vocabulary).typed("vocabulary", "vocab-file", "limit-vocab-file")
  }

  // MARK: Text rules

  static var punctuation: Setting<Self> {
    Setting(
      "punctuation", \.tokenizer.punctuation, .choice("WHAT"),
      "keep punctuation as it stands, split it from words, or drop it"
    ).changes(.shape).stored(.tokenizer("punctuation")).typed("punct", "strip-punctuation")
  }

  static var digits: Setting<Self> {
    Setting(
      "digits", \.tokenizer.digits, .choice("WHAT"),
      "keep digits, make each a 0, make each a token of its own, or drop them"
    ).changes(.shape).stored(.tokenizer("digits")).typed("numbers", "normalize-digits", "replace-digits")
  }

  static var normalization: Setting<Self> {
    Setting(
      "normalize", \.tokenizer.normalization, .choice("FORM"),
      "put text into a Unicode form, so that composed and decomposed letters are the same"
    ).changes(.shape).stored(.tokenizer("normalize")).typed("normalise", "normalization", "unicode", "nfc")
  }

  static var foldsWidth: Setting<Self> {
    Setting(
      flag: "fold-width", \.tokenizer.foldsWidth,
      "full-width letters and half-width kana become the usual ones"
    ).changes(.shape).stored(.tokenizer("fold_width")).typed("width", "nfkc", "halfwidth", "fullwidth")
  }

  static var separator: Setting<Self> {
    Setting(
      "separator", \.tokenizer.separator, Separator.type,
      "what stands between words: white-space of Unicode, ascii for that of ASCII only, or a text, such as '|'"
    ).changes(.shape).stored(.tokenizer("separator")).typed("delimiter", "sep", "delim")
  }

  /// All rules of how text becomes tokens.
  static var rules: [Setting<Self>] {
    [unit, lowercase, punctuation, digits, normalization, foldsWidth, separator]
  }

  /// The same for models that say nothing of their text: ARPA files of other programs.
  static var foreignRules: [Setting<Self>] {
    rules.map { rule in
      var rule = rule
      rule.option.help = "for ARPA files of others: " + rule.option.help
      return rule
    }
  }

  /// The rules for a file of another program, if any is given.
  func rules(given: Arguments) -> ForeignRules? {
    let names = Self.rules.map(\.name).filter(given.has)
    if names.isEmpty { return nil }
    var rules = tokenizer
    // Other programs know white space of ASCII.
    if rules.unit.hasWords, !given.has(Self.separator.name) { rules.separator = .ascii }
    return ForeignRules(tokenizer: rules, areUsual: names.allSatisfy(given.isFromEnvironment))
  }

  /// An error if the rules contradict each other.
  func checkRules() throws {
    if let conflict = tokenizer.conflict { throw UsageError(conflict) }
  }

  // MARK: What they come to

  /// Where the vocabulary comes from.
  func vocabularySource() throws -> VocabularySource {
    guard let vocabularyPath else {
      return .counted(minimumCount: minimumCount ?? usualMinimumCount, maximumSize: maximumSize)
    }
    try FileKind.require([.counts], vocabularyPath, "a list of tokens")
    return .fixed(try Vocabulary(file: vocabularyPath, tokenizer: tokenizer))
  }
}

extension Separator {
  /// The names of the separators that are no texts.
  private static let names: [String: Separator] = ["white-space": .whiteSpace, "ascii": .ascii]

  /// What stands for it on the command line.
  var name: String {
    if case .text(let text) = self { text } else { Self.names.first { $0.value == self }?.key ?? "" }
  }

  static var type: ValueType<Separator> {
    ValueType(
      placeholder: "WHAT",
      parse: { text in
        if let named = names[text] { return named }
        let unescaped = text == "\\t" ? "\t" : text
        return unescaped.isEmpty || unescaped.contains(where: \.isNewline) ? nil : .text(unescaped)
      }, requirement: { _ in "white-space, ascii, or a text without line ends" }, json: { .string($0.name) },
      examples: ["ascii", "|"])
  }
}

/// Text rules for files of other programs, which do not say theirs.
struct ForeignRules {
  let tokenizer: Tokenizer
  /// Whether only the environment gives them, so that files that have their own are no error.
  let areUsual: Bool
}
