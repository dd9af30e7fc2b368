import LanguageModels

/// The shell that the user types into.
enum Shell {
  /// `word` as one word of a command line.
  static func quoted(_ word: String) -> String {
    let plain = "%+,-./:=@_"
    // bash, ksh and zsh turn what messages show of bytes that are not UTF-8 back into them.
    if word.shown != word {
      let escaped = word.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
      return "$'\(escaped)'"
    }
    let isPlain =
      !word.isEmpty
      && word.utf8.allSatisfy { byte in
        let scalar = Unicode.Scalar(byte)
        return scalar.properties.isAlphabetic && scalar.isASCII || scalar.properties.numericType != nil
          || plain.unicodeScalars.contains(scalar)
      }
    if isPlain { return word }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
