@_spi(_Unicode) import Swift

/// The rules that rewrite a line before it is split: width, lower case, normalization.
extension Tokenizer {
  /// `text` in the form that the rules ask for. Normalization comes last, because the others can leave characters that compose.
  func rewritten(_ text: String) -> String {
    var text = text
    if foldsWidth { text = WidthFolding.folded(text) }
    if lowercase { text = text.lowercased() }
    return normalization == .nfc ? text.composed : text
  }
}

extension String {
  /// Canonical composition (NFC), with the tables of the standard library, which compares strings in this form.
  var composed: String {
    if utf8.allSatisfy({ $0 < 0x80 }) { return self }
    var scalars = UnicodeScalarView()
    for scalar in _nfc { scalars.append(scalar) }
    return String(scalars)
  }
}

/// Puts full-width and half-width forms into the usual ones (Unicode Standard Annex 11: what the standard calls wide and narrow, but for the
/// half-width forms of Hangul and of symbols).
enum WidthFolding {
  /// U+FF61 to U+FF9D.
  private static let kana = Array(
    "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン"
      .unicodeScalars)
  /// U+FFE0 to U+FFE6.
  private static let signs = Array("\u{A2}\u{A3}\u{AC}\u{AF}\u{A6}\u{A5}\u{20A9}".unicodeScalars)

  /// `text` in usual forms; a half-width kana and the voiced mark behind it are one character.
  static func folded(_ text: String) -> String {
    // All of these begin with 0xE3 0x80 0x80 or 0xEF.
    guard text.utf8.contains(where: { $0 == 0xE3 || $0 == 0xEF }) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x3000: result.append(" ")
      case 0xFF01...0xFF5E: result.append(Unicode.Scalar(UInt8(scalar.value - 0xFF01 + 0x21)))
      case 0xFF61...0xFF9D: result.append(kana[Int(scalar.value - 0xFF61)])
      case 0xFF9E: append(mark: "\u{3099}", alone: "\u{309B}", to: &result)
      case 0xFF9F: append(mark: "\u{309A}", alone: "\u{309C}", to: &result)
      case 0xFFE0...0xFFE6: result.append(signs[Int(scalar.value - 0xFFE0)])
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// Composes a voiced mark with the kana before it, or lets it stand alone.
  private static func append(
    mark: Unicode.Scalar, alone: Unicode.Scalar, to text: inout String.UnicodeScalarView
  ) {
    guard let base = text.last, base.isHiragana || base.isKatakana else { return text.append(alone) }
    var pair = String.UnicodeScalarView()
    pair.append(contentsOf: [base, mark])
    let composed = String(pair).composed.unicodeScalars
    guard composed.count == 1 else { return text.append(alone) }
    text.removeLast()
    text.append(contentsOf: composed)
  }
}
