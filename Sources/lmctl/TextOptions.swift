import LanguageModels

/// The options that several commands share for reading text.
enum TextOptions {
  static let unit = Option("unit", TextUnit.self, "what a token is (default: word)")
  static let lowercase = Option(flag: "lowercase", "put the text into lower case")
  static let invalid = Option(
    "invalid", InvalidText.self, "bytes that are not UTF-8: stop, or read U+FFFD (default: error)")
  static let minimumCount = Option(
    "min-count", "N", "tokens seen less often become <unk>\n(default: 2 for words, 1 for char and byte)")
  static let maximumSize = Option("max-vocab", "N", "at most N entries, <unk> and end of sentence included")
  static let vocabulary = Option("vocab", "FILE", "take the vocabulary from FILE, one token a line")
  static let threads = Option("threads", "N", "threads of a network (default: all cores)")
  static let quiet = Option(flag: "quiet", "no remarks, only results and errors")

  /// The text rules that the options ask for.
  static func tokenizer(_ arguments: Arguments) throws -> Tokenizer {
    Tokenizer(
      unit: try arguments.choice("unit") ?? .word, lowercase: arguments.has("lowercase"),
      invalid: try arguments.choice("invalid") ?? .error)
  }

  /// The values in effect of the options for text rules and vocabulary.
  ///
  /// - Parameter isInherited: whether the vocabulary is that of another model.
  static func settings(_ arguments: Arguments, _ tokenizer: Tokenizer, isInherited: Bool) throws
    -> [JSONValue.Member]
  {
    let file = arguments.string("vocab")
    let isCounted = file == nil && !isInherited
    return [
      .setting("unit", tokenizer.unit), .setting("lowercase", tokenizer.lowercase),
      .setting(
        "min-count",
        try arguments.integer("min-count", in: 1...Int.max) ?? (isCounted ? minimumCount(tokenizer) : nil)),
      .setting("max-vocab", try arguments.integer("max-vocab", in: 3...Int.max)), .setting("vocab", file),
      .setting("invalid", tokenizer.invalid),
    ]
  }

  /// The count below which tokens become UNK where nobody says otherwise.
  private static func minimumCount(_ tokenizer: Tokenizer) -> Int { tokenizer.unit == .word ? 2 : 1 }

  /// The number of threads asked for.
  static func threads(_ arguments: Arguments) throws -> Int? { try arguments.integer("threads", in: 1...64) }

  /// Where the options take the vocabulary from.
  static func vocabulary(_ arguments: Arguments, tokenizer: Tokenizer) throws -> VocabularySource {
    let minimumCount = try arguments.integer("min-count", in: 1...Int.max)
    let maximumSize = try arguments.integer("max-vocab", in: 3...Int.max)
    guard let path = arguments.string("vocab") else {
      return .counted(
        minimumCount: minimumCount ?? Self.minimumCount(tokenizer), maximumSize: maximumSize)
    }
    for name in ["min-count", "max-vocab"] where arguments.has(name) {
      throw UsageError("--\(name) does not go with --vocab, which fixes the vocabulary")
    }
    return .fixed(try Vocabulary(file: path, unit: tokenizer.unit))
  }

  /// An error if texts (standard input, if there are none) and other files name standard input more than once.
  static func requireSingleStandardInput(_ texts: [String], _ others: String?...) throws {
    let named = (texts.isEmpty ? ["-"] : texts) + others.compactMap { $0 }
    guard named.filter({ $0 == "-" }).count < 2 else {
      throw UsageError("standard input ('-') can be read only once")
    }
  }

  /// A reader of the texts that `paths` name; of standard input if there are none.
  ///
  /// Says so when a person is expected to type.
  static func reader(_ paths: [String], tokenizer: Tokenizer, hashing: Bool = false) throws -> SentenceReader
  {
    try requireSingleStandardInput(paths)
    return SentenceReader(paths.isEmpty ? ["-"] : paths, tokenizer: tokenizer, hashing: hashing) { path in
      let source = try ByteSource(path: path)
      Terminal.announce(source)
      return source
    }
  }

  /// Tells about lines and markers that were passed over.
  static func report(_ statistics: TextStatistics) {
    if statistics.droppedMarkers > 0 {
      Terminal.note(
        "dropped \(statistics.droppedMarkers) literal <s> or </s> in the text; "
          + "lmctl adds its own ends of sentences")
    }
  }

  /// An error if no sentence was read.
  static func requireText(_ statistics: TextStatistics, _ paths: [String]) throws {
    guard statistics.sentences == 0 else { return }
    let name =
      paths.isEmpty
      ? "standard input" : paths.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
    throw FileError(
      path: name,
      reason: statistics.bytes == 0 ? "the text is empty" : "the text has no sentence, only empty lines")
  }
}
