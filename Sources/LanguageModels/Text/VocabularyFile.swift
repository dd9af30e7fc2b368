/// Files of vocabularies: one token a line, in order.
///
/// Characters and bytes stand there as they are, a space as a line of one space, but for line ends, CR, NUL and a byte order mark, which
/// are written as in `displayName`; the line `\n` is the end of a line, which every vocabulary has. Words stand there as they are, but for ASCII
/// white space, NUL and a byte order mark at their beginning.
extension Vocabulary {
  /// Reads a vocabulary from `path`; see `init(file:tokenizer:)`.
  public init(file path: String, unit: TextUnit) throws {
    try self.init(file: path, tokenizer: Tokenizer(unit: unit))
  }

  /// Reads a vocabulary from `path`, in order; UNK and the end of sentence come first whether they are in the file or not.
  ///
  /// Three kinds of files are read: one token a line; tokens with blanks between them, several on a line, where a space is `▁`; and counts, as SRILM
  /// and `lmctl count` write them, every line a token, a tab (for words, a blank does) and a number, or as `uniq -c` does, the number first. N-grams of
  /// more than one word are passed over.
  ///
  /// - Throws: `FileError` or `TextError` when the file cannot be read, is empty, or has a line that holds something else.
  public init(file path: String, tokenizer: Tokenizer) throws {
    let list = try TokenList(ByteSource(path: path), tokenizer: tokenizer)
    let tokens = try list.tokens()
    guard !tokens.isEmpty else {
      throw FileError(path: path, reason: "holds no tokens, so it is not a vocabulary")
    }
    self.init(unit: tokenizer.unit, tokens: tokens)
  }

  /// Writes the vocabulary to `path` in the form that `init(file:unit:)` reads.
  public func write(to path: String) throws {
    let file = try AtomicFile(path: path)
    var text: [UInt8] = []
    for id in 0..<TokenID(count) {
      withBytes(of: id) { token in
        if unit.hasWords { return Self.append(listedWord: token, to: &text) }
        let isPlain =
          !token.contains { [0, 10, 13].contains($0) } && !token.starts(with: [0xEF, 0xBB, 0xBF])
        if isPlain { return text.append(contentsOf: token) }
        Self.append(displayNameOf: token, unit: unit, to: &text)
      }
      text.append(UInt8(ascii: "\n"))
    }
    try text.withUnsafeBytes { try file.write($0) }
    try file.commit()
  }
}

/// A file that names tokens, and which of the three kinds it is.
private struct TokenList {
  /// What the lines of a file hold.
  private enum Kind {
    case oneToken
    case manyTokens
    case count(separator: UInt8)
    /// The number, a blank and the token.
    case countFirst
  }

  /// No vocabulary is larger, in bytes.
  private static let maximumSize = 1 << 27

  private let name: String
  private let tokenizer: Tokenizer
  private let bytes: [UInt8]
  private var kind = Kind.oneToken
  /// Whether lines end in CRLF.
  private var hasCarriageReturns = false

  /// Whether blanks can be part of a token.
  private var mayHoldSpaces: Bool {
    if case .text = tokenizer.separator { true } else { !tokenizer.unit.hasWords }
  }

  init(_ source: ByteSource, tokenizer: Tokenizer) throws {
    (name, self.tokenizer) = (source.name, tokenizer)
    guard let bytes = try source.readAll(limit: Self.maximumSize) else {
      throw FileError(
        path: source.name, reason: "is larger than \(Self.maximumSize >> 20) MB, too large for a vocabulary")
    }
    self.bytes = bytes
    var (lines, spacedCounts, tabbedCounts, severalTokens) = (0, 0, 0, 0)
    var (countsFirst, indented, longest) = (0, 0, 0)
    try forEachLine { line, number in
      if number == 1 { hasCarriageReturns = line.last == UInt8(ascii: "\r") }
      let line = trimmed(line)
      if line.isEmpty { return }
      lines += 1
      let fields = line.split(whereSeparator: Tokenizer.isASCIISpace)
      longest = max(longest, fields.count)
      if fields.count > 1 { severalTokens += 1 }
      if fields.count == 2, Self.isNumber(fields[1]) { spacedCounts += 1 }
      if Self.tokenBehindCount(line) != nil { countsFirst += 1 }
      if line.first == UInt8(ascii: " ") { indented += 1 }
      if let tab = line.lastIndex(of: UInt8(ascii: "\t")), tab > 0, Self.isNumber(line[(tab + 1)...]) {
        tabbedCounts += 1
      }
    }
    if lines > 0, tabbedCounts == lines {
      kind = .count(separator: UInt8(ascii: "\t"))
    } else if lines > 0, countsFirst == lines,
      indented > 0 || !mayHoldSpaces && lines > 1 && spacedCounts < lines && longest == 2
    {
      // uniq puts numbers below ten million to the right of a column.
      kind = .countFirst
    } else if mayHoldSpaces {
      // A character or a byte never holds a blank beside something else.
      kind = severalTokens > 0 && !tokenizer.unit.hasWords ? .manyTokens : .oneToken
    } else if lines > 1, spacedCounts == lines {
      kind = .count(separator: UInt8(ascii: " "))
    } else if severalTokens > 0 {
      kind = .manyTokens
    }
  }

  /// The tokens in order, but for UNK and the marks of sentences.
  func tokens() throws -> [String] {
    var tokens: [String] = []
    // A text that is given for a vocabulary repeats itself.
    var seen = VocabularyBuilder(unit: tokenizer.unit)
    try forEachLine { line, number in
      let content = UTF8Content(of: line)
      guard content == .plainASCII || content == .wide || content == .zeroByte && line.count == 1 else {
        throw TextError(file: name, line: number, reason: "not UTF-8 text, so not a vocabulary")
      }
      let line = trimmed(line)
      if line.isEmpty { return }
      switch kind {
      case .oneToken: if let token = try token(line, at: number) { tokens.append(token) }
      case .manyTokens:
        for field in line.split(whereSeparator: Tokenizer.isASCIISpace) {
          let count = seen.add(UnsafeRawBufferPointer(rebasing: field))
          guard seen.counts[Int(count)] == 1 else {
            throw TextError(
              file: name, line: number,
              reason:
                "'\(String(decoding: field.prefix(40), as: UTF8.self))' stands here for the second time, "
                + "so this is a text, not a vocabulary, which has each token once")
          }
          if let token = try token(field, at: number, isCounted: true) { tokens.append(token) }
        }
      case .countFirst:
        guard let form = Self.tokenBehindCount(line) else { return }
        let isNGram = form.split(whereSeparator: Tokenizer.isASCIISpace).count > 1
        if isNGram, !mayHoldSpaces { return }
        if let token = try token(form, at: number) { tokens.append(token) }
      case .count(let separator):
        let end =
          separator == UInt8(ascii: "\t")
          ? line.lastIndex(of: separator) : line.firstIndex(where: Tokenizer.isASCIISpace)
        let ngram = line[..<(end ?? line.endIndex)]
        let words = ngram.split(whereSeparator: Tokenizer.isASCIISpace)
        guard words.count == 1 else { return }
        if let token = try token(words[0], at: number, isCounted: true) { tokens.append(token) }
      }
    }
    return tokens
  }

  /// The token that is written so; `nil` for UNK and the marks of sentences.
  private func token(
    _ form: Slice<UnsafeRawBufferPointer>, at number: Int, isCounted: Bool = false
  ) throws -> String? {
    let text = String(decoding: form, as: UTF8.self)
    let unit = tokenizer.unit
    if ["<s>", "</s>", Vocabulary.unknownToken].contains(text) || !unit.hasWords && text == "\\n" {
      return nil
    }
    // Characters stand in lists as they are, but not in counts, where ▁ is a space.
    if !unit.hasWords, !isCounted, unit.isToken(text) { return text }
    let named = Vocabulary.token(displayed: text, unit: unit) ?? text
    // What looks like an escape, but of something that no token holds, is what it looks like.
    let token = tokenizer.isToken(named) ? named : text
    guard tokenizer.isToken(token) else {
      throw TextError(
        file: name, line: number,
        reason: "not one token of \(tokenizer.optionsOfTokens); a vocabulary has one token a line")
    }
    return token == unit.endOfSentence ? nil : token
  }

  /// A line without the CR of its line end. CR is also a token of bytes, which earlier versions wrote as it is.
  private func trimmed(_ line: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
    guard line.last == UInt8(ascii: "\r") else { return line[...] }
    let isToken = !tokenizer.unit.hasWords && !hasCarriageReturns && line.count == 1
    return isToken ? line[...] : line.dropLast()
  }

  private func forEachLine(_ body: (UnsafeRawBufferPointer, Int) throws -> Void) throws {
    let reader = LineReader(ByteSource(bytes, name: name))
    while let line = try reader.next() { try body(line, reader.lineNumber) }
  }

  /// What stands behind blanks, a whole number and one blank; `nil` if the line is not so.
  private static func tokenBehindCount(
    _ line: Slice<UnsafeRawBufferPointer>
  ) -> Slice<UnsafeRawBufferPointer>? {
    let digits = line.drop { $0 == UInt8(ascii: " ") }
    let rest = digits.drop { (48...57).contains($0) }
    guard rest.count < digits.count, rest.first == UInt8(ascii: " "), rest.count > 1 else { return nil }
    return rest.dropFirst()
  }

  private static func isNumber(_ text: Slice<UnsafeRawBufferPointer>) -> Bool {
    guard let first = text.first, (48...57).contains(first), text.count < 40 else { return false }
    return Double(String(decoding: text, as: UTF8.self)) != nil
  }
}
