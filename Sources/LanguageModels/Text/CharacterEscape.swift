/// How characters are written where they would be taken for something else: `\u{…}` with the code point in hexadecimal, or `\n`, `\t`, `\r`.
public enum CharacterEscape {
  /// `\u{…}` for any character.
  public static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
    "\\u{" + String(scalar.value, radix: 16) + "}"
  }

  /// How a character of a token is written among tokens that are told apart by white space: a space is `▁`.
  public static func name(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case " ": "▁"
    case "\n": "\\n"
    case "\t": "\\t"
    case "\r": "\\r"
    case "▁": hexadecimal(scalar)
    case _ where scalar.value < 0x20 || scalar.properties.isWhitespace: hexadecimal(scalar)
    default: String(scalar)
    }
  }

  /// The character whose escape `text` begins with, and the length of the escape.
  public static func read(
    _ text: Substring.UnicodeScalarView
  ) -> (scalar: Unicode.Scalar, length: Int)? {
    guard text.first == "\\" else { return nil }
    switch text.dropFirst().first {
    case "n": return ("\n", 2)
    case "t": return ("\t", 2)
    case "r": return ("\r", 2)
    default: return readHexadecimal(text)
    }
  }

  /// The character whose escape of the form `\u{…}` `text` begins with, and the length of the escape.
  public static func readHexadecimal(
    _ text: Substring.UnicodeScalarView
  ) -> (scalar: Unicode.Scalar, length: Int)? {
    guard text.starts(with: "\\u{".unicodeScalars) else { return nil }
    let digits = text.dropFirst(3).prefix(7).prefix { $0.properties.isASCIIHexDigit }
    guard text.dropFirst(3 + digits.count).first == "}", digits.count < 7,
      let value = UInt32(String(String.UnicodeScalarView(digits)), radix: 16),
      let scalar = Unicode.Scalar(value)
    else { return nil }
    return (scalar, digits.count + 4)
  }

  /// `name` with all escapes undone, and spaces for `▁`.
  public static func token(named name: String) -> String {
    var token = String.UnicodeScalarView()
    var rest = Substring(name).unicodeScalars
    while let scalar = rest.first {
      if let escape = read(rest) {
        token.append(escape.scalar)
        rest = rest.dropFirst(escape.length)
      } else {
        token.append(scalar == "▁" ? " " : scalar)
        rest.removeFirst()
      }
    }
    return String(token)
  }
}
