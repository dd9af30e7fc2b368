/// How tokens are written where white space and line ends have a meaning of their own: in tables, lists and files.
///
/// Characters and bytes: a space is `▁`; line ends, tab and CR are `\n`, `\t`, `\r`; other white space, control characters, the byte order mark and
/// a literal `▁` are `\u{…}` with the code point in hexadecimal. A backslash stands for itself: none of these is one character long.
///
/// Words are written as they stand, but for white space (which they hold only where other text separates them), control characters
/// and the byte order mark, which are `\u{…}`. Where a word holds just this, as `\u{20}`, its backslash is written `\u{5c}`; all other
/// backslashes stand for themselves.
extension Vocabulary {
  /// Token `id` in a form without white space, from which `token(displayed:unit:)` makes the token again.
  public func displayName(of id: TokenID) -> String { Self.displayName(of: self[id], unit: unit) }

  /// The form without white space of a token's text.
  public static func displayName(of token: String, unit: TextUnit = .char) -> String {
    if token.utf8.allSatisfy({ (0x21..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) { return token }
    return unit.hasWords
      ? escapedWord(token, isEscaped: isEscapedInWords) : token.unicodeScalars.map(characterName).joined()
  }

  /// Appends the form without white space of the token with these bytes.
  public static func append(
    displayNameOf token: UnsafeRawBufferPointer, unit: TextUnit, to output: inout [UInt8]
  ) {
    if token.allSatisfy({ (0x21..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) {
      return output.append(contentsOf: token)
    }
    output.append(contentsOf: displayName(of: String(decoding: token, as: UTF8.self), unit: unit).utf8)
  }

  /// The token that `displayName` writes so; `nil` if it writes none of this unit so.
  public static func token(displayed name: String, unit: TextUnit) -> String? {
    let text = unit.hasWords ? word(named: name) : CharacterEscape.token(named: name)
    if text == unknownToken { return text }
    return unit.hasWords ? (text.isEmpty ? nil : text) : unit.isToken(text) ? text : nil
  }

  /// Appends a word as it stands in lists of tokens: as it is, but for what would break the list apart, which is written as in `displayName`.
  public static func append(listedWord word: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    // What begins with 0xEF may begin with a byte order mark.
    let isPlain =
      word.first != 0xEF
      && word.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\\") || $0 > 0 && $0 < 9 || $0 > 13 && $0 < 32 }
    if isPlain { return output.append(contentsOf: word) }
    let text = String(decoding: word, as: UTF8.self)
    let hasMark = text.unicodeScalars.first == "\u{FEFF}"
    let rest = hasMark ? String(text.unicodeScalars.dropFirst()) : text
    let listed = escapedWord(rest) { $0.value == 0 || $0.value == 0x20 || (0x09...0x0D).contains($0.value) }
    output.append(contentsOf: ((hasMark ? "\\u{feff}" : "") + listed).utf8)
  }

  // MARK: Words

  private static func isEscapedInWords(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || scalar == "\u{FEFF}" || scalar.properties.isWhitespace
  }

  private static func escapedWord(_ word: String, isEscaped: (Unicode.Scalar) -> Bool) -> String {
    var name = ""
    var rest = Substring(word).unicodeScalars
    while let scalar = rest.first {
      if isEscaped(scalar) || scalar == "\\" && wordEscape(rest) != nil {
        name += CharacterEscape.hexadecimal(scalar)
      } else {
        name.unicodeScalars.append(scalar)
      }
      rest.removeFirst()
    }
    return name
  }

  /// The character that the beginning of `text` stands for, if it is an escape that names of words have.
  private static func wordEscape(
    _ text: Substring.UnicodeScalarView
  ) -> (scalar: Unicode.Scalar, length: Int)? {
    guard let found = CharacterEscape.readHexadecimal(text),
      isEscapedInWords(found.scalar) || found.scalar == "\\",
      text.prefix(found.length).elementsEqual(CharacterEscape.hexadecimal(found.scalar).unicodeScalars)
    else { return nil }
    return found
  }

  private static func word(named name: String) -> String {
    var word = String.UnicodeScalarView()
    var rest = Substring(name).unicodeScalars
    while let scalar = rest.first {
      let escape = wordEscape(rest)
      word.append(escape?.scalar ?? scalar)
      rest = rest.dropFirst(escape?.length ?? 1)
    }
    return String(word)
  }

  // MARK: Characters and bytes

  private static func characterName(_ scalar: Unicode.Scalar) -> String {
    scalar == "\u{FEFF}" ? CharacterEscape.hexadecimal(scalar) : CharacterEscape.name(scalar)
  }
}
