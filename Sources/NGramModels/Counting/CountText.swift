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

  private static let rulesMark = " lmctl text rules: "

  /// What stands in the place of the first n-gram, with a count of 0, where tokens are not plain words: their text rules. No n-gram begins with a space,
  /// so it comes first however the lines are sorted by n-gram.
  static func heading(_ tokenizer: Tokenizer) -> [UInt8]? {
    var rules = tokenizer
    // What becomes of bytes that are no text has been decided.
    rules.invalid = .error
    return rules == Tokenizer() ? nil : Array((rulesMark + rules.json.text).utf8)
  }

  /// The text rules that stand in the place of an n-gram; `nil` if it is one.
  ///
  /// - Throws: `UserError` when they cannot be understood.
  static func rules(_ ngram: UnsafeRawBufferPointer, file: String) throws -> Tokenizer? {
    guard ngram.starts(with: rulesMark.utf8) else { return nil }
    let text = UnsafeRawBufferPointer(rebasing: ngram.dropFirst(rulesMark.utf8.count))
    do {
      return try Tokenizer(json: JSONValue(parsing: text, file: file, line: 1))
    } catch let error as CheckpointError {
      throw TextError(
        file: file, line: 1, reason: "text rules that this lmctl does not know: \(error.reason)")
    }
  }

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
    output.append(contentsOf: CharacterEscape.hexadecimal(scalar).utf8)
  }

  /// The token that was written so, in units other than words; `nil` if none was.
  static func token(_ text: String) -> String? {
    var token = String.UnicodeScalarView()
    var rest = Substring(text).unicodeScalars
    while let scalar = rest.first {
      let escape = CharacterEscape.readHexadecimal(rest)
      if scalar == "\\", escape == nil { return nil }
      token.append(escape?.scalar ?? (scalar == "▁" ? " " : scalar))
      rest = rest.dropFirst(escape?.length ?? 1)
    }
    return String(token)
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

/// One line of a file of counts: `n-gram TAB count`.
struct CountLine {
  /// The n-gram's words with one space between them.
  let ngram: UnsafeRawBufferPointer
  let count: UInt64
}

/// Reads a sorted file of counts line by line.
final class CountLineReader {
  private let lines: LineReader
  private var previous: [UInt8] = []
  /// The text rules that stand before the first n-gram, once that is read; `nil` if none do, as for plain words.
  private(set) var rules: Tokenizer?

  /// A reader of `source`; with `hashing`, `digest` is that of what was read.
  init(_ source: ByteSource, hashing: Bool = false) {
    lines = LineReader(
      source, hashing: hashing, refusesZeros: true, maximumLength: LineReader.longestRecord)
  }

  /// How the file is named in messages.
  var name: String { lines.source.name }
  /// Bytes read.
  var bytes: Int { lines.bytesRead }
  /// The SHA-256 of the bytes read.
  var digest: String? { lines.digest?.hexadecimal }

  /// The next line, valid until the next call; `nil` at the end.
  ///
  /// - Throws: `TextError` that names the line if it is none, or not behind the line before.
  func next() throws -> CountLine? {
    guard var line = try lines.next() else { return nil }
    if line.last == UInt8(ascii: "\r") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
    guard let tab = line.lastIndex(of: UInt8(ascii: "\t")), tab > 0 else {
      throw problem("no tab between an n-gram and its count")
    }
    let ngram = UnsafeRawBufferPointer(rebasing: line[..<tab])
    if lines.lineNumber == 1, let rules = try CountText.rules(ngram, file: name) {
      self.rules = rules
      return try next()
    }
    var count: UInt64 = 0
    let digits = line[(tab + 1)...]
    guard (1...18).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }) else {
      throw problem("a count is a whole number, not '\(String(decoding: digits.prefix(40), as: UTF8.self))'")
    }
    for digit in digits { count = count * 10 + UInt64(digit - 48) }
    let isInOrder = previous.withUnsafeBytes { CountText.precedes($0, ngram) }
    guard isInOrder || previous.isEmpty else {
      throw problem(
        previous.elementsEqual(ngram)
          ? "the same n-gram as on the line before" : "not in order; sort the file with: LC_ALL=C sort")
    }
    previous.removeAll(keepingCapacity: true)
    previous.append(contentsOf: ngram)
    return CountLine(ngram: ngram, count: count)
  }

  /// An error at the line that was read last.
  func problem(_ reason: String) -> TextError {
    TextError(file: name, line: lines.lineNumber, reason: reason)
  }
}
