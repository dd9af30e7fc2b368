import LanguageModels

/// How a line of a file of counts is written.
public enum CountFormat: Sendable {
  /// `n-gram TAB count`, with a space between words.
  case columns
  /// `{"ngram":["the","cat"],"count":3}`, the words written as in columns.
  case jsonLines
}

/// One line of a file of counts.
struct CountLine {
  /// The n-gram's words with one space between them.
  let ngram: UnsafeRawBufferPointer
  let count: UInt64
}

/// Reads a sorted file of counts line by line, each in either format.
final class CountLineReader {
  private let lines: LineReader
  private var previous: [UInt8] = []
  /// The text rules that stand before the first n-gram, once that is read; `nil` if none do, as for plain words.
  private(set) var rules: Tokenizer?
  /// The n-gram of a line that is a JSON object.
  private var words = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// A reader of `source`; with `hashing`, `digest` is that of what was read.
  init(_ source: ByteSource, hashing: Bool = false) {
    lines = LineReader(
      source, hashing: hashing, refusesZeros: true, maximumLength: LineReader.longestRecord)
  }

  deinit { words.deallocate() }

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
    guard var text = try lines.next() else { return nil }
    if text.last == UInt8(ascii: "\r") { text = UnsafeRawBufferPointer(rebasing: text.dropLast()) }
    if lines.lineNumber == 1, let rules = try CountText.rules(line: text, file: name) {
      self.rules = rules
      return try next()
    }
    // A line of columns has a tab, which a JSON object can do without.
    let isObject = text.first == UInt8(ascii: "{") && !text.contains(UInt8(ascii: "\t"))
    let line = try isObject ? object(text) : columns(text)
    let isInOrder = previous.withUnsafeBytes { CountText.precedes($0, line.ngram) }
    guard isInOrder || previous.isEmpty else {
      if previous.elementsEqual(line.ngram) { throw problem("the same n-gram as on the line before") }
      throw problem(
        isObject
          ? "not in order; give JSON lines as lmctl count wrote them"
          : "not in order; sort the file with: LC_ALL=C sort")
    }
    previous.removeAll(keepingCapacity: true)
    previous.append(contentsOf: line.ngram)
    return line
  }

  private func columns(_ line: UnsafeRawBufferPointer) throws -> CountLine {
    guard let tab = line.lastIndex(of: UInt8(ascii: "\t")), tab > 0 else {
      throw problem("no tab between an n-gram and its count")
    }
    var count: UInt64 = 0
    let digits = line[(tab + 1)...]
    guard (1...18).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }) else {
      throw problem("a count is a whole number, not '\(String(decoding: digits.prefix(40), as: UTF8.self))'")
    }
    for digit in digits { count = count * 10 + UInt64(digit - 48) }
    return CountLine(ngram: UnsafeRawBufferPointer(rebasing: line[..<tab]), count: count)
  }

  private func object(_ line: UnsafeRawBufferPointer) throws -> CountLine {
    let value = try JSONValue(parsing: line, file: name, line: lines.lineNumber)
    let elements = value["ngram"]?.elements ?? []
    let texts = elements.compactMap(\.stringValue)
    guard !texts.isEmpty, texts.count == elements.count, texts.allSatisfy(CountText.isWritten) else {
      throw problem("\"ngram\" is an array of tokens as lmctl count writes them")
    }
    // Numbers of JSON are exact up to 2⁵³.
    guard let count = value["count"]?.integerValue, (0...1 << 53).contains(count) else {
      throw problem("\"count\" is a whole number up to 9007199254740992; larger ones only columns can hold")
    }
    return CountLine(ngram: keep(Array(texts.joined(separator: " ").utf8)), count: UInt64(count))
  }

  private func keep(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
    if bytes.count > words.count {
      words.deallocate()
      words = .allocate(byteCount: 2 * bytes.count, alignment: 1)
    }
    words.copyBytes(from: bytes)
    return UnsafeRawBufferPointer(rebasing: words[..<bytes.count])
  }

  /// An error at the line that was read last.
  func problem(_ reason: String) -> TextError {
    TextError(file: name, line: lines.lineNumber, reason: reason)
  }
}

/// Writes lines of counts in blocks.
struct CountLineWriter {
  /// How many n-grams were written.
  private(set) var lines = 0
  private var output: [UInt8] = []
  private let format: CountFormat
  private let write: (UnsafeRawBufferPointer) throws -> Void

  init(_ format: CountFormat, _ write: @escaping (UnsafeRawBufferPointer) throws -> Void) {
    (self.format, self.write) = (format, write)
  }

  mutating func append(_ ngram: some Collection<UInt8>, _ count: UInt64) throws {
    switch format {
    case .columns:
      output.append(contentsOf: ngram)
      output.append(UInt8(ascii: "\t"))
      output.append(contentsOf: String(count).utf8)
    case .jsonLines:
      output.append(contentsOf: #"{"ngram":[""#.utf8)
      for byte in ngram {
        switch byte {
        case UInt8(ascii: " "): output.append(contentsOf: #"",""#.utf8)
        // Written words hold no other byte that JSON does not take as it is.
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
          output.append(UInt8(ascii: "\\"))
          output.append(byte)
        default: output.append(byte)
        }
      }
      output.append(contentsOf: "\"],\"count\":\(count)}".utf8)
    }
    output.append(UInt8(ascii: "\n"))
    lines += 1
    if output.count > 1 << 18 { try flush() }
  }

  /// Writes before the first n-gram by which text rules the tokens were made, where they are not plain words.
  mutating func appendHeading(_ tokenizer: Tokenizer) throws {
    guard let heading = CountText.heading(tokenizer, format) else { return }
    output.append(contentsOf: heading)
    output.append(UInt8(ascii: "\n"))
  }

  mutating func flush() throws {
    try output.withUnsafeBytes(write)
    output.removeAll(keepingCapacity: true)
  }
}
