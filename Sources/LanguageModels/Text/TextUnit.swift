/// What a token is.
public enum TextUnit: String, CaseIterable, Sendable {
  /// A run of characters between white space.
  case word
  /// A grapheme cluster; the end of a line is a character too.
  case char
  /// A byte; the end of a line is a byte too.
  case byte
  /// A grapheme cluster of Han, kana and their punctuation; a word of everything else.
  case mixed

  /// Whether text is split into words, all of it or what is left beside single characters.
  public var hasWords: Bool { self == .word || self == .mixed }

  /// How the token that ends a sentence is written.
  public var endOfSentence: String { hasWords ? "</s>" : "\n" }

  /// Whether tokens are the characters or bytes that words are made of.
  public var isFine: Bool { self == .char || self == .byte }

  /// Whether `token` can be a token of this unit, where white space stands between words.
  public func isToken(_ token: String) -> Bool { Tokenizer(unit: self).isToken(token) }
}

extension Tokenizer {
  /// The options that decide what can be a token, for messages: `--unit word --separator '|'`.
  public var optionsOfTokens: String {
    let unit = "--unit \(unit.rawValue)"
    return switch separator {
    case .whiteSpace: unit
    case .ascii: "\(unit) --separator ascii"
    case .text(let text): "\(unit) --separator '\(text)'"
    }
  }

  /// Whether `token` can be a token by these rules of separation: U+00A0 can be part of a word where words end at ASCII white space only,
  /// and white space can where they end at another text.
  public func isToken(_ token: String) -> Bool {
    var token = token
    switch unit {
    case .char: return token.count == 1
    case .byte: return token.withUTF8 { Self.byte(named: UnsafeRawBufferPointer($0)) } != nil
    case .word, .mixed:
      guard token.withUTF8({ isWord(UnsafeRawBufferPointer($0)) }) else { return false }
      return unit == .word || !token.contains(where: \.standsAlone) || token.count == 1
    }
  }
}
