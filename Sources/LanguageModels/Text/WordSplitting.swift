/// Splitting text at what stands between words.
extension Tokenizer {
  /// Adds the words of `line`, which is valid UTF-8.
  ///
  /// - Returns: how many literal sentence markers were dropped.
  func splitWords(_ line: UnsafeRawBufferPointer, into tokens: inout TokenSpans) -> Int {
    var markers = 0
    forEachWord(line) { start, end in
      if line[start] == UInt8(ascii: "<"), end - start < 5, Self.isMarker(line, start..<end) {
        markers += 1
      } else {
        tokens.append(start, end)
      }
    }
    return markers
  }

  /// Whether the bytes are a word, none of it separating.
  ///
  /// KenLM writes words with vertical tabs and form feeds into ARPA files, though no text is split into such words when it is scored.
  func isWord(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if separator == .ascii {
      return !bytes.isEmpty && !bytes.contains { [0x00, 0x09, 0x0A, 0x0D, 0x20].contains($0) }
    }
    var (words, isWhole) = (0, false)
    forEachWord(bytes) { start, end in
      words += 1
      isWhole = start == 0 && end == bytes.count
    }
    return words == 1 && isWhole && !bytes.contains(UInt8(ascii: "\n"))
  }

  /// Whether a line ends with what separates words; of white space, only that of ASCII is looked for.
  func isSeparated(atEndOf line: UnsafeRawBufferPointer) -> Bool {
    let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...]
    if case .text(let text) = separator { return line.suffix(text.utf8.count).elementsEqual(text.utf8) }
    return line.last.map(Self.isASCIISpace) ?? false
  }

  /// Calls `body` with where each word of `line` begins and ends.
  @inline(__always)
  func forEachWord(_ line: UnsafeRawBufferPointer, _ body: (Int, Int) -> Void) {
    switch separator {
    case .whiteSpace:
      Self.forEachWord(line, separatorLength: { Self.whiteSpaceLength(line, at: $0) }, body)
    case .ascii:
      Self.forEachWord(line, separatorLength: { Self.isASCIISpace(line[$0]) ? 1 : 0 }, body)
    case .text(let text):
      let text = Array(text.utf8)
      Self.forEachWord(line, separatorLength: { line[$0...].starts(with: text) ? text.count : 0 }, body)
    }
  }

  @inline(__always)
  private static func forEachWord(
    _ line: UnsafeRawBufferPointer, separatorLength: (Int) -> Int, _ body: (Int, Int) -> Void
  ) {
    var position = 0
    while position < line.count {
      let length = separatorLength(position)
      if length > 0 {
        position += length
        continue
      }
      let start = position
      repeat { position += 1 } while position < line.count && separatorLength(position) == 0
      body(start, position)
    }
  }

  /// Whether the stretch is a literal `<s>` or `</s>`.
  static func isMarker(_ line: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
    line[range].elementsEqual("<s>".utf8) || line[range].elementsEqual("</s>".utf8)
  }

  /// What C calls a space: tab, LF, vertical tab, form feed, CR and the space.
  @inline(__always)
  static func isASCIISpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  /// Length in bytes of the white space (Unicode `White_Space`) at `position` of valid UTF-8, or 0.
  @inline(__always)
  private static func whiteSpaceLength(_ line: UnsafeRawBufferPointer, at position: Int) -> Int {
    let byte = line[position]
    if byte <= 0x20 { return isASCIISpace(byte) ? 1 : 0 }
    if byte < 0xC2 || byte > 0xE3 { return 0 }
    return wideWhiteSpaceLength(line, at: position)
  }

  private static func wideWhiteSpaceLength(_ line: UnsafeRawBufferPointer, at position: Int) -> Int {
    guard position + 1 < line.count else { return 0 }
    let second = line[position + 1]
    if line[position] == 0xC2 { return second == 0x85 || second == 0xA0 ? 2 : 0 }
    guard position + 2 < line.count else { return 0 }
    switch (line[position], second, line[position + 2]) {
    case (0xE1, 0x9A, 0x80): return 3  // U+1680
    case (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8...0xA9), (0xE2, 0x80, 0xAF): return 3  // U+2000…202F
    case (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80): return 3  // U+205F, U+3000
    default: return 0
    }
  }
}
