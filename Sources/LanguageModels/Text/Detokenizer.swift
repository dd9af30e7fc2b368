/// Turns tokens back into text.
extension Vocabulary {
  /// Appends the text of `token`, with what separates words before it if it is a word that does not begin a line.
  ///
  /// The end of a sentence is a line end. In the unit mixed, a character that stands alone has no space beside it; where the text
  /// had one, it is lost.
  public func append(
    _ token: TokenID, to text: inout [UInt8], isFirst: Bool, separator: Separator = .whiteSpace
  ) {
    if token == Self.endOfSentence { return text.append(UInt8(ascii: "\n")) }
    withBytes(of: token) { append(bytes: $0, to: &text, isFirst: isFirst, separator: separator) }
  }

  /// Appends the text of a token with these bytes, in the same way.
  public func append(
    bytes: UnsafeRawBufferPointer, to text: inout [UInt8], isFirst: Bool, separator: Separator = .whiteSpace
  ) {
    Detokenizer.append(bytes, to: &text, isFirst: isFirst, unit: unit, separator: separator)
  }
}

/// Turns lines of tokens, as `lmctl tokenize` writes them, back into lines of text.
///
/// In units char and byte, the text is what it was but for what the text rules changed. Words are joined by one space, or by the text that
/// separates them.
public struct Detokenizer: Sendable {
  private let tokenizer: Tokenizer
  private let vocabulary: Vocabulary?

  /// For lines of tokens by these text rules; with a vocabulary, for lines of their numbers in it.
  public init(_ tokenizer: Tokenizer, numbersIn vocabulary: Vocabulary? = nil) {
    self.tokenizer = tokenizer
    self.vocabulary = vocabulary
  }

  /// The text of a line of names or numbers with white space between them, with its line end.
  ///
  /// - Parameters:
  ///   - file: where the line is from, for messages.
  ///   - number: its number there.
  /// - Throws: `TextError` that names the line, if something in it is not how a token is written.
  public func text(of line: UnsafeRawBufferPointer, file: String, line number: Int) throws -> [UInt8] {
    var text: [UInt8] = []
    var isFirst = true
    var isEnded = false
    var start = 0
    while start < line.count {
      var end = start
      while end < line.count, !Tokenizer.isASCIISpace(line[end]) { end += 1 }
      defer { start = end + 1 }
      if start == end { continue }
      let name = UnsafeRawBufferPointer(rebasing: line[start..<end])
      isEnded = try append(name, to: &text, isFirst: isFirst) { reason in
        TextError(file: file, line: number, reason: reason)
      }
      isFirst = isEnded
    }
    if !isEnded { text.append(UInt8(ascii: "\n")) }
    return text
  }

  /// Appends the text of the token with this name or number.
  ///
  /// - Returns: whether it ended the sentence.
  private func append(
    _ name: UnsafeRawBufferPointer, to text: inout [UInt8], isFirst: Bool, problem: (String) -> TextError
  ) throws -> Bool {
    func shown() -> String { "'\(String(decoding: name.prefix(40), as: UTF8.self))'" }
    if let vocabulary {
      guard let id = TokenID(String(decoding: name, as: UTF8.self)), id < vocabulary.count else {
        throw problem("\(shown()) is not the number of a token: these go from 0 to \(vocabulary.count - 1)")
      }
      vocabulary.append(id, to: &text, isFirst: isFirst, separator: tokenizer.separator)
      return id == Vocabulary.endOfSentence
    }
    let unit = tokenizer.unit
    if unit.hasWords, !name.contains(UInt8(ascii: "\\")) {
      if name.elementsEqual(unit.endOfSentence.utf8) {
        text.append(UInt8(ascii: "\n"))
        return true
      }
      Self.append(name, to: &text, isFirst: isFirst, unit: unit, separator: tokenizer.separator)
      return false
    }
    guard
      var token = String(validating: name, as: UTF8.self).flatMap({
        Vocabulary.token(displayed: $0, unit: unit)
      })
    else {
      throw problem("\(shown()) is not how lmctl tokenize writes a token of --unit \(unit.rawValue)")
    }
    token.withUTF8 {
      Self.append(
        UnsafeRawBufferPointer($0), to: &text, isFirst: isFirst, unit: unit, separator: tokenizer.separator)
    }
    return token == unit.endOfSentence
  }

  /// Appends the text of a token.
  static func append(
    _ token: UnsafeRawBufferPointer, to text: inout [UInt8], isFirst: Bool, unit: TextUnit,
    separator: Separator
  ) {
    if unit.hasWords, !isFirst, unit == .word || needsSpace(between: text, and: token) {
      if case .text(let separator) = separator {
        text.append(contentsOf: separator.utf8)
      } else {
        text.append(UInt8(ascii: " "))
      }
    }
    if unit == .byte, let byte = Tokenizer.byte(named: token) {
      text.append(byte)
    } else {
      text.append(contentsOf: token)
    }
  }

  /// Whether neither the character before nor the one behind stands alone, or they would become one.
  private static func needsSpace(between text: [UInt8], and token: UnsafeRawBufferPointer) -> Bool {
    guard let last = text.last, let first = token.first, last >= 0x80 || first >= 0x80 else { return true }
    // The last character of the text is in its last bytes, unless many marks are heaped on it.
    guard let before = String(decoding: text.suffix(64), as: UTF8.self).last,
      let behind = String(decoding: token, as: UTF8.self).first
    else { return true }
    return !before.standsAlone && !behind.standsAlone || "\(before)\(behind)".count < 2
  }
}
