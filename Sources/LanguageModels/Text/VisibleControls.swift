extension String {
  /// The string with its control characters made visible: what would steer a terminal, break a line or turn the direction of the text
  /// is written `\u{…}`, with the code point in hexadecimal.
  ///
  /// These are C0 (line ends and tabs among them), DEL, C1, the separators U+2028 and U+2029, and the marks and overrides of
  /// direction. To be used on every message that may hold a name or a word from elsewhere.
  public var withVisibleControls: String {
    guard unicodeScalars.contains(where: { $0.isControl }) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isControl {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  /// Whether it does something to a terminal or to the text around it rather than be seen.
  fileprivate var isControl: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
