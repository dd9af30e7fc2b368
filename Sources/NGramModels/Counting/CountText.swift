import LanguageModels

/// How tokens are written in files of counts: words as they stand, but for white space of ASCII, which is in them only where other text
/// separates them, and for control characters; characters and bytes so that no two look alike and none holds white space.
///
/// In units other than words, a space is `▁`, a line end `</s>`, and what else could be mistaken (`▁` itself, a backslash, white
/// space, control characters) is written `\u{…}`.
enum CountText {
  /// Counts are below this: 18 digits.
  static let limit: UInt64 = 1_000_000_000_000_000_000
  /// The beginning of a sentence.
  static let sentenceStart = Array("<s>".utf8)

  private static let rulesMark = " lmctl text rules: "
  private static let rulesMember = "text_rules"

  /// The text rules by which tokens were made, as files of counts give them; `nil` for plain words.
  private static func written(_ tokenizer: Tokenizer) -> JSONValue? {
    var rules = tokenizer
    // What becomes of bytes that are no text has been decided.
    rules.invalid = .error
    return rules == Tokenizer() ? nil : rules.json
  }

  /// What stands before the first n-gram, as a line without its end, where tokens are not plain words: their text rules; in columns with a
  /// count of 0.
  ///
  /// No n-gram begins with a space, so it comes first however lines of columns are sorted by n-gram.
  static func heading(_ tokenizer: Tokenizer, _ format: CountFormat = .columns) -> [UInt8]? {
    written(tokenizer).map { rules in
      switch format {
      case .columns: Array("\(rulesMark)\(rules.text)\t0".utf8)
      case .jsonLines: Array(JSONValue.object([.init(rulesMember, rules)]).text.utf8)
      }
    }
  }

  /// The text rules that stand in the first line; `nil` if an n-gram does.
  ///
  /// - Throws: `UserError` when they cannot be understood.
  static func rules(line: UnsafeRawBufferPointer, file: String) throws -> Tokenizer? {
    func parse(_ text: Slice<UnsafeRawBufferPointer>) throws -> JSONValue {
      try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: text), file: file, line: 1)
    }
    var rules: JSONValue?
    if line.starts(with: rulesMark.utf8), let tab = line.lastIndex(of: UInt8(ascii: "\t")) {
      rules = try parse(line[rulesMark.utf8.count..<tab])
    } else if line.starts(with: "{\"\(rulesMember)\":".utf8) {
      rules = try parse(line[...])[rulesMember]
    }
    guard let rules else { return nil }
    do {
      return try Tokenizer(json: rules)
    } catch let error as CheckpointError {
      throw TextError(
        file: file, line: 1, reason: "text rules that this lmctl does not know: \(error.reason)")
    }
  }

  /// Appends the written form of token `id`.
  static func append(_ id: TokenID, of builder: VocabularyBuilder, to output: inout [UInt8]) {
    if id == Vocabulary.endOfSentence { return output.append(contentsOf: "</s>".utf8) }
    builder.withBytes(of: id) { bytes in
      guard !builder.unit.hasWords else { return append(word: bytes, to: &output) }
      for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
        switch scalar {
        case " ": output.append(contentsOf: "▁".utf8)
        case "▁", "\\": escape(scalar, to: &output)
        case _ where scalar.value < 0x21 || scalar.properties.isWhitespace: escape(scalar, to: &output)
        default: output.append(contentsOf: String(scalar).utf8)
        }
      }
    }
  }

  /// Appends a word; control characters, which sort before the tab and the space behind words, are written `\u{…}` like white space.
  private static func append(word: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    let start = output.count
    Vocabulary.append(listedWord: word, to: &output)
    guard output[start...].contains(where: { $0 < 0x20 }) else { return }
    let listed = Array(output[start...])
    output.removeLast(output.count - start)
    for byte in listed {
      if byte < 0x20 { escape(Unicode.Scalar(byte), to: &output) } else { output.append(byte) }
    }
  }

  private static func escape(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
    output.append(contentsOf: CharacterEscape.hexadecimal(scalar).utf8)
  }

  /// Whether `text` can be the written form of a token.
  static func isWritten(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 } }

  /// The token that was written so, in units other than words; `nil` if none was.
  static func token(_ text: String) -> String? {
    var token = String.UnicodeScalarView()
    var rest = Substring(text).unicodeScalars
    while let scalar = rest.first {
      let escape = CharacterEscape.readHexadecimal(rest)
      if scalar == "\\", escape == nil { return nil }
      token.append(escape?.scalar ?? (scalar == "▁" ? " " : scalar))
      rest = rest.dropFirst(escape?.length ?? 1)
    }
    return String(token)
  }

  /// Whether the line of n-gram `a` stands before that of n-gram `b`, as `LC_ALL=C sort` puts them: byte by byte, a tab behind each
  /// n-gram.
  ///
  /// Word by word, that is the order of code points, and a context stands before what goes on from it, because written words hold no
  /// control characters.
  static func precedes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    let count = min(a.count, b.count)
    for i in 0..<count where a[i] != b[i] { return a[i] < b[i] }
    if a.count < b.count { return UInt8(ascii: "\t") < b[count] }
    return a.count > b.count && a[count] < UInt8(ascii: "\t")
  }
}
