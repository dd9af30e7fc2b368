import LanguageModels

/// How tokens are written in files of counts: words as they stand, but for white space of ASCII, which is in them only where other text
/// separates them, and for control characters; characters and bytes so that no two look alike and none holds white space.
///
/// In units other than words, a space is `▁`, a line end `</s>`, and what else could be mistaken (`▁` itself, a backslash, white
/// space, control characters) is written `\u{…}`.
enum CountText {
  /// Counts are below this: 18 digits.
  static let limit: UInt64 = 1_000_000_000_000_000_000
  /// The beginning of a sentence.
  static let sentenceStart = Array("<s>".utf8)

  /// Appends the written form of token `id`.
  static func append(_ id: TokenID, of builder: VocabularyBuilder, to output: inout [UInt8]) {
    if id == Vocabulary.endOfSentence { return output.append(contentsOf: "</s>".utf8) }
    builder.withBytes(of: id) { bytes in
      guard !builder.unit.hasWords else { return append(word: bytes, to: &output) }
      for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
        switch scalar {
        case " ": output.append(contentsOf: "▁".utf8)
        case "▁", "\\": escape(scalar, to: &output)
        case _ where scalar.value < 0x21 || scalar.properties.isWhitespace: escape(scalar, to: &output)
        default: output.append(contentsOf: String(scalar).utf8)
        }
      }
    }
  }

  /// Appends a word; control characters, which sort before the tab and the space behind words, are written `\u{…}` like white space.
  private static func append(word: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    let start = output.count
    Vocabulary.append(listedWord: word, to: &output)
    guard output[start...].contains(where: { $0 < 0x20 }) else { return }
    let listed = Array(output[start...])
    output.removeLast(output.count - start)
    for byte in listed {
      if byte < 0x20 { escape(Unicode.Scalar(byte), to: &output) } else { output.append(byte) }
    }
  }

  private static func escape(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
    output.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".utf8)
  }

  /// Whether `text` can be the written form of a token.
  static func isWritten(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 } }

  /// The token that was written so, in units other than words; `nil` if none was.
  static func token(_ text: String) -> String? {
    var token = ""
    var rest = text[...]
    while let character = rest.unicodeScalars.first {
      if character == "\\" {
        guard rest.hasPrefix("\\u{"), let end = rest.firstIndex(of: "}"),
          let value = UInt32(rest[rest.index(rest.startIndex, offsetBy: 3)..<end], radix: 16),
          let scalar = Unicode.Scalar(value)
        else { return nil }
        token.unicodeScalars.append(scalar)
        rest = rest[rest.index(after: end)...]
      } else {
        token.unicodeScalars.append(character == "▁" ? " " : character)
        rest = Substring(rest.unicodeScalars.dropFirst())
      }
    }
    return token
  }

  /// Whether the line of n-gram `a` stands before that of n-gram `b`, as `LC_ALL=C sort` puts them: byte by byte, a tab behind each
  /// n-gram.
  ///
  /// Word by word, that is the order of code points, and a context stands before what goes on from it, because written words hold no
  /// control characters.
  static func precedes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    let count = min(a.count, b.count)
    for i in 0..<count where a[i] != b[i] { return a[i] < b[i] }
    if a.count < b.count { return UInt8(ascii: "\t") < b[count] }
    return a.count > b.count && a[count] < UInt8(ascii: "\t")
  }
}
