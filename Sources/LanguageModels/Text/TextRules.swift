/// What becomes of punctuation: the characters of the Unicode categories P and S.
public enum Punctuation: String, CaseIterable, Sendable {
  /// It stays as it is.
  case keep
  /// Each mark is a token of its own, but for one between two letters or digits (don't, 3.14); marks in Han and kana text always are.
  case split
  /// It is left out.
  case drop
}

/// What becomes of digits: the characters of the Unicode category Nd.
public enum Digits: String, CaseIterable, Sendable {
  /// They stay as they are.
  case keep
  /// Each becomes 0, so that 1914 and 1945 are one word.
  case zero
  /// Each is a token of its own.
  case split
  /// They are left out.
  case drop
}

/// The Unicode form that text is put into.
public enum Normalization: String, CaseIterable, Sendable {
  /// The form that it has.
  case none
  /// Canonical composition (Unicode Standard Annex 15), so that が is one character, however it is written.
  case nfc
}

/// What stands between words.
public enum Separator: Sendable, Equatable {
  /// Unicode white space.
  case whiteSpace
  /// White space of ASCII only, as KenLM and SRILM have it: U+00A0 and U+3000 are parts of words.
  case ascii
  /// This text.
  case text(String)
}
