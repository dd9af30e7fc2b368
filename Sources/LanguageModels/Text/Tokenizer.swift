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

  /// A tokenizer with these rules.
  public init(unit: TextUnit = .word, lowercase: Bool = false, invalid: InvalidText = .error) {
    self.unit = unit
    self.lowercase = lowercase
    self.invalid = invalid
  }

  /// Whether empty lines are passed over rather than read as empty sentences.
  public var skipsEmptyLines: Bool { unit == .word }

  /// Calls `body` with the bytes of each token of `line`, which is without its line end.
  ///
  /// - Returns: how many literal sentence markers were dropped.
  /// - Throws: `TextProblem` when the line is not text by these rules.
  @inline(__always)
  func tokens(in line: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) throws -> Int {
    if unit == .byte {
      for i in line.indices {
        if lowercase, UInt8(ascii: "A")...UInt8(ascii: "Z") ~= line[i] {
          withUnsafeBytes(of: line[i] | 0x20) { Self.name(ofByteIn: $0, body) }
        } else {
          Self.name(ofByteIn: UnsafeRawBufferPointer(rebasing: line[i...i]), body)
        }
      }
      return 0
    }
    var line = line
    if line.last == UInt8(ascii: "\r") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
    let content = UTF8Content(of: line)
    if content == .plainASCII, !lowercase { return split(line, isASCII: true, body) }
    if content == .invalid || content == .zeroByte, invalid == .error {
      throw content == .zeroByte ? TextProblem.zeroByte : .invalidUTF8
    }
    var text = String(decoding: line, as: UTF8.self)
    if content == .zeroByte { text = String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }) }
    if lowercase { text = text.lowercased() }
    return text.withUTF8 { split(UnsafeRawBufferPointer($0), isASCII: content == .plainASCII, body) }
  }

  @inline(__always)
  private func split(
    _ line: UnsafeRawBufferPointer, isASCII: Bool, _ body: (UnsafeRawBufferPointer) -> Void
  ) -> Int {
    if unit == .word { return Self.words(in: line, body) }
    if isASCII {
      for i in line.indices { body(UnsafeRawBufferPointer(rebasing: line[i...i])) }
    } else {
      for character in String(decoding: line, as: UTF8.self) {
        var cluster = String(character)
        cluster.withUTF8 { body(UnsafeRawBufferPointer($0)) }
      }
    }
    return 0
  }

  @inline(__always)
  private static func words(
    in line: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
  ) -> Int {
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
      let word = UnsafeRawBufferPointer(rebasing: line[start..<position])
      if word.count < 5, word[0] == UInt8(ascii: "<"),
        word.elementsEqual("<s>".utf8) || word.elementsEqual("</s>".utf8)
      {
        markers += 1
      } else {
        body(word)
      }
    }
    return markers
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

  /// A byte's token: itself if it is ASCII, else `<0xNN>`, because a lone byte is not text.
  @inline(__always)
  private static func name(ofByteIn byte: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
    if byte[0] < 0x80 { return body(byte) }
    let digits: (UInt8) -> UInt8 = { $0 < 10 ? 48 + $0 : 55 + $0 }
    let name: [UInt8] = [60, 48, 120, digits(byte[0] >> 4), digits(byte[0] & 15), 62]
    name.withUnsafeBytes(body)
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
