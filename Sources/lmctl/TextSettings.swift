import LanguageModels

/// How text is read, and which of its tokens are known.
struct TextSettings: SettingValues {
  var tokenizer = Tokenizer()
  var minimumCount: Int?
  var maximumSize: Int?
  var vocabularyPath: String?
  /// Whether the vocabulary is that of another model.
  var isVocabularyInherited = false

  /// The count below which tokens become UNK where nobody says otherwise.
  var usualMinimumCount: Int { tokenizer.unit.isFine ? 1 : 2 }

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
      default: .rule("2 for words, 1 for char and byte") {
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

  // MARK: What they come to

  /// Where the vocabulary comes from.
  func vocabularySource() throws -> VocabularySource {
    guard let vocabularyPath else {
      return .counted(minimumCount: minimumCount ?? usualMinimumCount, maximumSize: maximumSize)
    }
    return .fixed(try Vocabulary(file: vocabularyPath, unit: tokenizer.unit))
  }
}

extension TextUnit {
  /// Whether tokens are the characters or bytes that words are made of.
  var isFine: Bool { self == .char || self == .byte }
}

/// What commands share besides the text.
struct CommonSettings: SettingValues {
  var isQuiet = false
  var threads: Int?

  static var quiet: Setting<Self> {
    Setting(flag: "quiet", \.isQuiet, "no remarks, only results and errors")
      .changes(.free).typed("silent")
  }

  static var threads: Setting<Self> {
    Setting(
      "threads", \.threads, .whole(1...64), "threads of a network", default: .rule("all cores") { $0.threads }
    ).changes(.free).typed("num-threads", "jobs", "workers")
  }
}
