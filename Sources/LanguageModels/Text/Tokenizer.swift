/// What to do with bytes that are not UTF-8.
public enum InvalidText: String, CaseIterable, Sendable {
  /// Stop with an error that names file and line.
  case error
  /// Put U+FFFD in their place.
  case replace
}

/// The text rules: how a line becomes tokens.
///
/// Word: a line is split on Unicode white space; a line of nothing else is skipped and counted; a literal `<s>` or `</s>` is
/// dropped and counted, because the end of sentence is added by the program; a literal `<unk>` is UNK. Mixed: the same, but each
/// character of Han and kana and of their punctuation is a token, spaces or not. Char and byte: every grapheme cluster or byte is a
/// token, and an empty line is a sentence of its line end alone.
///
/// The rules are followed in this order: bytes that are not UTF-8, width, lower case, normalization, splitting into words (or
/// characters), digits, punctuation. In units char and byte, to split is nothing new; in bytes, rules for digits and punctuation are about
/// those of ASCII.
public struct Tokenizer: Sendable, Equatable {
  /// What a token is.
  public var unit: TextUnit
  /// Whether text is put into lower case first.
  public var lowercase: Bool
  /// What to do with bytes that are not UTF-8.
  public var invalid: InvalidText
  /// What becomes of punctuation.
  public var punctuation = Punctuation.keep
  /// What becomes of digits.
  public var digits = Digits.keep
  /// The Unicode form that text is put into first.
  public var normalization = Normalization.none
  /// Whether full-width letters and half-width kana become the usual ones.
  public var foldsWidth = false
  /// What stands between words.
  public var separator = Separator.whiteSpace

  /// A tokenizer with these rules.
  public init(unit: TextUnit = .word, lowercase: Bool = false, invalid: InvalidText = .error) {
    self.unit = unit
    self.lowercase = lowercase
    self.invalid = invalid
  }

  /// Whether empty lines are passed over rather than read as empty sentences.
  public var skipsEmptyLines: Bool { unit.hasWords }

  /// The rules that decide what tokens are: models for which these are the same read a text alike.
  ///
  /// What is done about bytes that are not text does not matter to that. Which white space separates words does so little that models of
  /// other programs, which know that of ASCII only, can be compared.
  public var comparable: Tokenizer {
    var rules = self
    rules.invalid = .error
    if rules.separator == .ascii { rules.separator = .whiteSpace }
    return rules
  }

  /// Why these rules do not go together, as a sentence to print; `nil` if they do.
  public var conflict: String? {
    if unit == .byte {
      if normalization != .none {
        return "--normalize does not go with --unit byte, which takes bytes as they are"
      }
      if foldsWidth { return "--fold-width does not go with --unit byte, which takes bytes as they are" }
    }
    if separator != .whiteSpace, !unit.hasWords {
      return "--separator does not go with --unit \(unit.rawValue), which has no words"
    }
    guard case .text(let text) = separator else { return nil }
    if text.isEmpty { return "--separator is empty; to split text into characters, use --unit char" }
    if text.utf8.contains(UInt8(ascii: "\n")) {
      return "--separator holds a line end, which ends a sentence already"
    }
    if !rewritten(text).utf8.elementsEqual(text.utf8) {
      return "--separator '\(text)' is changed by the rules for letters, so it would never be found; "
        + "give it as '\(rewritten(text))'"
    }
    return nil
  }

  /// Finds the tokens of `line`, which is without its line end; `tokens` is overwritten.
  ///
  /// - Returns: how many literal sentence markers were dropped.
  /// - Throws: `TextProblem` when the line is not text by these rules.
  func tokenize(_ line: UnsafeRawBufferPointer, into tokens: inout TokenSpans) throws -> Int {
    if unit == .byte {
      splitBytes(line, into: &tokens)
      return 0
    }
    var line = line
    if line.last == UInt8(ascii: "\r") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
    let content = UTF8Content(of: line)
    tokens.isASCII = content == .plainASCII
    if content == .plainASCII, !lowercase, !changesTokens {
      tokens.begin(line)
      return split(line, isASCII: true, into: &tokens)
    }
    if content == .invalid || content == .zeroByte, invalid == .error {
      throw content == .zeroByte ? TextProblem.zeroByte : .invalidUTF8
    }
    if content == .wide, unit == .word, !changesText, !changesTokens {
      tokens.begin(line)
      return splitWords(line, into: &tokens)
    }
    var text = String(decoding: line, as: UTF8.self)
    if content == .zeroByte { text = String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }) }
    if changesText { text = rewritten(text) }
    return text.withUTF8 { bytes in
      let bytes = UnsafeRawBufferPointer(bytes)
      if changesTokens { return splitFurther(bytes, into: &tokens) }
      tokens.begin(copying: bytes)
      return split(bytes, isASCII: content == .plainASCII, into: &tokens)
    }
  }

  /// Whether a text by these rules can have this word: they neither change it nor take it apart. True of all characters and bytes.
  public func leavesAsIs(_ word: String) -> Bool {
    guard unit.hasWords, changesText || changesTokens else { return true }
    var tokens: [[UInt8]] = []
    _ = try? forEachToken(of: word) { tokens.append(Array($0)) }
    return tokens.count == 1 && tokens[0].elementsEqual(word.utf8)
  }

  /// Whether a line is rewritten before it is split.
  private var changesText: Bool { lowercase || normalization != .none || foldsWidth }

  /// Whether words or characters are taken apart or changed.
  private var changesTokens: Bool { punctuation != .keep || digits != .keep || unit == .mixed }

  private func splitBytes(_ line: UnsafeRawBufferPointer, into tokens: inout TokenSpans) {
    tokens.begin(copying: [])
    for byte in line {
      if byte < 0x80 {
        let isUpper = lowercase && UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
        let byte = isUpper ? byte | 0x20 : byte
        if let byte = changesTokens ? changed(byte) : byte { tokens.append(copying: CollectionOfOne(byte)) }
      } else {
        // A lone byte is not text, so it is written <0xNN>.
        let digits: (UInt8) -> UInt8 = { $0 < 10 ? 48 + $0 : 55 + $0 }
        tokens.append(copying: [60, 48, 120, digits(byte >> 4), digits(byte & 15), 62])
      }
    }
  }

  private func split(_ line: UnsafeRawBufferPointer, isASCII: Bool, into tokens: inout TokenSpans) -> Int {
    if unit.hasWords { return splitWords(line, into: &tokens) }
    if isASCII {
      for i in line.indices { tokens.append(i, i + 1) }
    } else {
      var start = 0
      for character in String(decoding: line, as: UTF8.self) {
        let end = start + character.utf8.count
        tokens.append(start, end)
        start = end
      }
    }
    return 0
  }

  /// The byte that a token of the byte unit stands for, or `nil` for UNK.
  static func byte(named token: UnsafeRawBufferPointer) -> UInt8? {
    if token.count == 1 { return token[0] }
    guard token.count == 6, token.starts(with: "<0x".utf8) else { return nil }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }
}
