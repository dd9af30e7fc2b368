/// The classes of characters that the text rules speak of.
enum CharacterClass {
  /// Unicode category Nd.
  case digit
  /// Unicode categories P and S.
  case mark
  /// Unicode categories L, Nl and No.
  case letter
  /// What is left: white space, control and format characters, marks without a base.
  case other

  init(_ scalar: Unicode.Scalar) {
    switch scalar.value {
    case 0x30...0x39: self = .digit
    case 0x41...0x5A, 0x61...0x7A: self = .letter
    case 0x21...0x7E: self = .mark
    case 0..<0x80: self = .other
    default:
      switch scalar.properties.generalCategory {
      case .decimalNumber: self = .digit
      case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
        .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
        self = .mark
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber,
        .otherNumber:
        self = .letter
      default: self = .other
      }
    }
  }
}

extension Unicode.Scalar {
  /// Han: ideographs, their radicals, iteration marks and numerals.
  var isHan: Bool {
    switch value {
    case 0x2E80...0x2FDF, 0x3005...0x3007, 0x3021...0x3029, 0x3038...0x303B, 0x3400...0x4DBF, 0x4E00...0x9FFF,
      0xF900...0xFAFF, 0x20000...0x3FFFD:
      true
    default: false
    }
  }

  /// Hiragana, with its iteration and sound marks.
  var isHiragana: Bool { (0x3041...0x309F).contains(value) }

  /// Katakana, with its prolonged sound mark, small and half-width forms.
  var isKatakana: Bool {
    switch value {
    case 0x30A0...0x30FF, 0x31F0...0x31FF, 0x32D0...0x32FE, 0x3300...0x3357, 0xFF66...0xFF9F,
      0x1AFF0...0x1B16F:
      true
    default: false
    }
  }

  /// Syllables of Yi, which has no spaces between words, and words of a few syllables.
  var isYi: Bool { (0xA000...0xA48C).contains(value) }

  /// Punctuation of Han and kana text: its own, and the full-width forms of ASCII's.
  var isWidePunctuation: Bool {
    switch value {
    case 0x3000...0x303F, 0xFE30...0xFE4F, 0xFF01...0xFF0F, 0xFF1A...0xFF20, 0xFF3B...0xFF40, 0xFF5B...0xFF65:
      true
    default: false
    }
  }

  /// Whether the unit `mixed` makes a token of the character that begins with this.
  var standsAlone: Bool {
    value >= 0x2E80 && (isHan || isHiragana || isKatakana || isWidePunctuation)
  }

  /// Letters of Thai, Lao, Tibetan, Burmese, Khmer, Tai, Balinese and Javanese, which are written without spaces between words; and syllables of
  /// Hangul and Ethiopic, which have spaces between words, or U+1361, so that a text has long stretches of them only where it lacks these.
  var isOfUnspacedAlphabet: Bool {
    switch value {
    case 0x0E01...0x0E3A, 0x0E40...0x0E4E, 0x0E81...0x0ECE, 0x0F40...0x0FBC, 0x1000...0x109F, 0x1780...0x17D3,
      0xA9E0...0xA9FF, 0xAA60...0xAA7F, 0x1950...0x19DF, 0x1A20...0x1AAD, 0x1B00...0x1B4C, 0xA980...0xA9C0,
      0xAC00...0xD7A3, 0x1200...0x135F, 0x1380...0x138F, 0x2D80...0x2DDE, 0xAB01...0xAB2E:
      true
    default: false
    }
  }
}

extension Character {
  /// Whether the unit `mixed` makes a token of it.
  var standsAlone: Bool { unicodeScalars.first.map(\.standsAlone) ?? false }
}
