/// What a token is.
public enum TextUnit: String, CaseIterable, Sendable {
  /// A run of characters between Unicode white space.
  case word
  /// A grapheme cluster; the end of a line is a character too.
  case char
  /// A byte; the end of a line is a byte too.
  case byte

  /// How the token that ends a sentence is written.
  public var endOfSentence: String { self == .word ? "</s>" : "\n" }

  private static func hasWhiteSpace(_ token: String) -> Bool {
    // The Unicode property is asked for only beyond ASCII.
    var isASCII = true
    for byte in token.utf8 {
      if byte == 0x20 || (0x09...0x0D).contains(byte) { return true }
      if byte >= 0x80 { isASCII = false }
    }
    return !isASCII && token.contains(where: \.isWhitespace)
  }

  /// Whether `token` can be a token of this unit.
  public func isToken(_ token: String) -> Bool {
    switch self {
    case .word: !token.isEmpty && !Self.hasWhiteSpace(token)
    case .char: token.count == 1
    case .byte: Array(token.utf8).withUnsafeBytes { Tokenizer.byte(named: $0) } != nil
    }
  }
}

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
/// dropped and counted, because the end of sentence is added by the program; a literal `<unk>` is UNK. Char and byte: every
/// grapheme cluster or byte is a token, and an empty line is a sentence of its line end alone.
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
  public var skipsEmptyLines: Bool { unit == .word }

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
    if content == .plainASCII, !lowercase {
      tokens.begin(line)
      return split(line, isASCII: true, into: &tokens)
    }
    if content == .invalid || content == .zeroByte, invalid == .error {
      throw content == .zeroByte ? TextProblem.zeroByte : .invalidUTF8
    }
    if content == .wide, !lowercase, unit == .word {
      tokens.begin(line)
      return Self.splitWords(line, into: &tokens)
    }
    var text = String(decoding: line, as: UTF8.self)
    if content == .zeroByte { text = String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }) }
    if lowercase { text = text.lowercased() }
    return text.withUTF8 { bytes in
      tokens.begin(copying: bytes)
      return split(UnsafeRawBufferPointer(bytes), isASCII: content == .plainASCII, into: &tokens)
    }
  }

  private func splitBytes(_ line: UnsafeRawBufferPointer, into tokens: inout TokenSpans) {
    tokens.begin(copying: [])
    for byte in line {
      if byte < 0x80 {
        let isUpper = lowercase && UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
        tokens.append(copying: CollectionOfOne(isUpper ? byte | 0x20 : byte))
      } else {
        // A lone byte is not text, so it is written <0xNN>.
        let digits: (UInt8) -> UInt8 = { $0 < 10 ? 48 + $0 : 55 + $0 }
        tokens.append(copying: [60, 48, 120, digits(byte >> 4), digits(byte & 15), 62])
      }
    }
  }

  private func split(_ line: UnsafeRawBufferPointer, isASCII: Bool, into tokens: inout TokenSpans) -> Int {
    if unit == .word { return Self.splitWords(line, into: &tokens) }
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

  private static func splitWords(_ line: UnsafeRawBufferPointer, into tokens: inout TokenSpans) -> Int {
    var markers = 0
    var position = 0
    while position < line.count {
      let space = whiteSpaceLength(line, at: position)
      if space > 0 {
        position += space
        continue
      }
      let start = position
      repeat { position += 1 } while position < line.count && whiteSpaceLength(line, at: position) == 0
      if line[start] == UInt8(ascii: "<"), position - start < 5, isMarker(line, start..<position) {
        markers += 1
      } else {
        tokens.append(start, position)
      }
    }
    return markers
  }

  private static func isMarker(_ line: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
    line[range].elementsEqual("<s>".utf8) || line[range].elementsEqual("</s>".utf8)
  }

  /// Length in bytes of the white space (Unicode `White_Space`) at `position` of valid UTF-8, or 0.
  @inline(__always)
  private static func whiteSpaceLength(_ line: UnsafeRawBufferPointer, at position: Int) -> Int {
    let byte = line[position]
    if byte <= 0x20 { return byte == 0x20 || (0x09...0x0D).contains(byte) ? 1 : 0 }
    if byte < 0xC2 || byte > 0xE3 { return 0 }
    return wideWhiteSpaceLength(line, at: position)
  }

  private static func wideWhiteSpaceLength(_ line: UnsafeRawBufferPointer, at position: Int) -> Int {
    guard position + 1 < line.count else { return 0 }
    let second = line[position + 1]
    if line[position] == 0xC2 { return second == 0x85 || second == 0xA0 ? 2 : 0 }
    guard position + 2 < line.count else { return 0 }
    switch (line[position], second, line[position + 2]) {
    case (0xE1, 0x9A, 0x80): return 3  // U+1680
    case (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8...0xA9), (0xE2, 0x80, 0xAF): return 3  // U+2000…202F
    case (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80): return 3  // U+205F, U+3000
    default: return 0
    }
  }

  /// The byte that a token of the byte unit stands for, or `nil` for UNK.
  static func byte(named token: UnsafeRawBufferPointer) -> UInt8? {
    if token.count == 1 { return token[0] }
    guard token.count == 6, token.starts(with: "<0x".utf8) else { return nil }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }
}

/// Why a line is not text.
enum TextProblem: Error {
  case invalidUTF8
  case zeroByte

  /// What to tell the user about `line`.
  func reason(line: UnsafeRawBufferPointer, isFirst: Bool) -> String {
    let marks: [(bytes: [UInt8], reason: String)] = [
      ([0xFF, 0xFE], "UTF-16; convert the text (iconv -f UTF-16 -t UTF-8)"),
      ([0xFE, 0xFF], "UTF-16; convert the text (iconv -f UTF-16 -t UTF-8)"),
      ([0x1F, 0x8B], "compressed by gzip; give the file a name that ends in .gz, or use zcat"),
      (
        [0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd; give the file a name that ends in .zst, or use zstdcat"
      ),
      (
        [0xFD, 0x37, 0x7A, 0x58, 0x5A],
        "compressed by xz; give the file a name that ends in .xz, or use xzcat"
      ),
    ]
    if isFirst, let mark = marks.first(where: { line.starts(with: $0.bytes) }) { return mark.reason }
    switch self {
    case .invalidUTF8:
      return
        "invalid UTF-8; convert the text (iconv -f LATIN1 -t UTF-8), or use --invalid replace, or --unit byte"
    case .zeroByte:
      return
        "a NUL byte, so this is binary or UTF-16; convert the text (iconv -f UTF-16 -t UTF-8), or use --invalid replace"
    }
  }
}
