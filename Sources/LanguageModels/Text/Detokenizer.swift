/// Turns tokens back into text.
extension Vocabulary {
  /// Appends the text of `token`, with a space before it if it is a word that does not begin a line.
  ///
  /// The end of a sentence is a line end.
  public func append(_ token: TokenID, to text: inout [UInt8], isFirst: Bool) {
    if token == Self.endOfSentence { return text.append(UInt8(ascii: "\n")) }
    withBytes(of: token) { append(bytes: $0, to: &text, isFirst: isFirst) }
  }

  /// Appends the text of a token with these bytes, with a space before it if it is a word that does not begin a line.
  public func append(bytes: UnsafeRawBufferPointer, to text: inout [UInt8], isFirst: Bool) {
    if unit == .word, !isFirst { text.append(UInt8(ascii: " ")) }
    if unit == .byte, let byte = Tokenizer.byte(named: bytes) {
      text.append(byte)
    } else {
      text.append(contentsOf: bytes)
    }
  }

  /// Token `id` in a form without white space, for tables and lists of tokens: a space is `▁`, and control characters are
  /// written `\n`, `\t`, `\r`, `\u{…}`.
  public func displayName(of id: TokenID) -> String { Self.displayName(of: self[id]) }

  /// The form without white space of a token's text.
  public static func displayName(of token: String) -> String {
    if token.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }) { return token }
    var name = ""
    for scalar in token.unicodeScalars {
      switch scalar {
      case " ": name += "▁"
      case "\n": name += "\\n"
      case "\t": name += "\\t"
      case "\r": name += "\\r"
      case _ where scalar.properties.isWhitespace || scalar.value < 0x20:
        name += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: name.unicodeScalars.append(scalar)
      }
    }
    return name
  }
}
