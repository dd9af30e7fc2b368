import LanguageModels

/// How tokens that may hold white space are written as fields of an ARPA file, which is undone exactly.
///
/// A space is `▁`; line ends, tabs, other white space and control characters are `\n`, `\r`, `\t`, `\u{…}`, as in tables. What would be taken
/// for one of these has its first character written `\u{…}`.
enum ARPAName {
  /// Whether tokens by these rules are written so, rather than as they are.
  static func escapes(_ tokenizer: Tokenizer) -> Bool {
    if tokenizer.unit != .word { return true }
    if case .text = tokenizer.separator { return true }
    return false
  }

  /// The field that stands for `token`.
  static func name(of token: String) -> String {
    var rest = Substring(token).unicodeScalars
    if UnigramSection.Mark.isMark(token), let first = rest.popFirst() {
      return CharacterEscape.hexadecimal(first) + String(rest)
    }
    var name = ""
    while let scalar = rest.first {
      name +=
        CharacterEscape.read(rest) == nil ? CharacterEscape.name(scalar) : CharacterEscape.hexadecimal(scalar)
      rest.removeFirst()
    }
    return name
  }
}

/// How the words of a vocabulary, and the beginning of a sentence behind them, are written in an ARPA file.
struct ARPANames: Sendable {
  /// The names one after the other, and `TextBuffer.slack` bytes behind them.
  private(set) var bytes: [UInt8] = []
  /// Name i is `bytes[ends[i]..<ends[i + 1]]`.
  private(set) var ends = [0]
  /// Bytes of the longest name.
  private(set) var longest = 0

  /// The names of tokens by the rules of `tokenizer`.
  ///
  /// - Throws: `FileError` when a token cannot be written.
  init(_ vocabulary: Vocabulary, _ tokenizer: Tokenizer) throws {
    let escapes = ARPAName.escapes(tokenizer)
    var seen = VocabularyBuilder(unit: .word)
    for id in 0..<TokenID(vocabulary.count) {
      if id == Vocabulary.endOfSentence {
        append("</s>".utf8)
        continue
      }
      if id == Vocabulary.unknown {
        append(Vocabulary.unknownToken.utf8)
        continue
      }
      if escapes {
        append(ARPAName.name(of: vocabulary[id]).utf8)
      } else {
        vocabulary.withBytes(of: id) { append($0) }
      }
      let (number, isField) = bytes.withUnsafeBytes {
        let name = UnsafeRawBufferPointer(rebasing: $0[ends[Int(id)]..<ends[Int(id) + 1]])
        return (
          seen.add(name), !name.contains(where: ARPAReader.isSeparator) && !name.elementsEqual("<s>".utf8)
        )
      }
      guard number == id, isField else {
        throw FileError(
          path: "the model",
          reason:
            "has the word '\(vocabulary.displayName(of: id))', which no ARPA file can hold beside its other words"
        )
      }
    }
    append("<s>".utf8)
    bytes += repeatElement(0, count: TextBuffer.slack)
  }

  private mutating func append(_ name: some Collection<UInt8>) {
    bytes.append(contentsOf: name)
    ends.append(bytes.count)
    longest = max(longest, name.count)
  }
}
