/// Reads texts one after the other as sentences of tokens: the streaming part of every command.
public final class SentenceReader {
  /// The text rules.
  public let tokenizer: Tokenizer
  /// What has been read so far.
  public private(set) var statistics = TextStatistics()
  /// The tokens of the line that `next()` returned last, without the end of sentence.
  public private(set) var tokens = TokenSpans()

  /// The line between two documents, which is no sentence; `nil` if there is none.
  public var documentSeparator: String?

  /// What of a line is its text; `nil` for a line that is to be passed over as empty.
  ///
  /// It is told the file and the number of the line, and may throw what is wrong with it.
  public var textOfLine:
    ((_ line: UnsafeRawBufferPointer, _ file: String, _ number: Int) throws -> UnsafeRawBufferPointer?)?

  private var paths: ArraySlice<String>
  private var reader: LineReader?
  private let open: (String) throws -> ByteSource
  private let hashing: Bool

  /// A reader of `paths` in order (`-`: standard input); with `hashing`, the statistics hold each text's digest.
  ///
  /// `open` may be replaced to watch the sources as they are opened.
  public init(
    _ paths: [String], tokenizer: Tokenizer, hashing: Bool = false,
    open: @escaping (String) throws -> ByteSource = { try ByteSource(path: $0) }
  ) {
    self.paths = paths[...]
    self.tokenizer = tokenizer
    self.hashing = hashing
    self.open = open
  }

  /// True when the next call would have to wait for input that a program or a person has not written so far.
  public var wouldBlock: Bool { reader?.wouldBlock ?? false }

  /// Whether the line that `next()` returned last has its line end, as every line has but perhaps the last of a text.
  public var endsWithLineEnd: Bool { reader?.isTerminated ?? true }

  /// Whether the line that `next()` returned last ends with what separates words, so that its last word is whole.
  public private(set) var endsWithSeparator = false

  /// The text being read, as messages name it; empty if there is none.
  public var name: String { reader?.source.name ?? "" }

  /// Size in bytes of the text being read, when known.
  public var sourceSize: Int? { reader?.source.size }

  /// Reads one line into `tokens`.
  ///
  /// - Returns: what the line was; `nil` at the end of the last text.
  public func next() throws -> Line? {
    while true {
      if reader == nil {
        guard let path = paths.popFirst() else { return nil }
        reader = LineReader(
          try open(path), hashing: hashing, dropsByteOrderMark: tokenizer.unit != .byte,
          refusesZeros: tokenizer.unit != .byte && tokenizer.invalid == .error)
      }
      guard let reader else { return nil }
      guard var line = try reader.next() else {
        finish(reader)
        tokens = TokenSpans()
        self.reader = nil
        continue
      }
      statistics.lines += 1
      statistics.bytes = finishedBytes + reader.bytesRead
      if let documentSeparator, Self.isLine(line, documentSeparator) {
        tokens = TokenSpans()
        return .separator
      }
      if let textOfLine {
        guard let text = try textOfLine(line, reader.source.name, reader.lineNumber) else {
          tokens = TokenSpans()
          statistics.emptyLines += 1
          return .empty
        }
        line = text
      }
      endsWithSeparator = tokenizer.isSeparated(atEndOf: line)
      do {
        statistics.droppedMarkers += try tokenizer.tokenize(line, into: &tokens)
      } catch let problem as TextProblem {
        throw TextError(
          file: reader.source.name, line: reader.lineNumber,
          reason: problem.reason(line: line, isFirst: reader.lineNumber == 1))
      }
      if tokens.count == 0, tokenizer.skipsEmptyLines, textOfLine == nil {
        statistics.emptyLines += 1
        return .empty
      }
      statistics.sentences += 1
      statistics.tokens += tokens.count + 1
      let isTrimmed = tokenizer.unit != .byte && line.last == UInt8(ascii: "\r")
      statistics.sentenceBytes += line.count + (isTrimmed ? 0 : 1)
      statistics.sentenceCharacters += characters(of: line) + (isTrimmed ? 0 : 1)
      if tokenizer.unit.hasWords { statistics.unspaced.add(tokens, length: line.count) }
      return .sentence
    }
  }

  /// The code points of `line`: bytes that go on with none.
  private func characters(of line: UnsafeRawBufferPointer) -> Int {
    if tokens.isASCII, tokenizer.unit != .byte { return line.count }
    return line.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
  }

  /// What a line of text was.
  public enum Line: Sendable {
    /// Nothing but white space: not a sentence.
    case empty
    /// A sentence, which the end of sentence completes.
    case sentence
    /// What stands between two documents: not a sentence.
    case separator
  }

  /// Whether a line is `text`, its carriage return aside.
  private static func isLine(_ line: UnsafeRawBufferPointer, _ text: String) -> Bool {
    line.elementsEqual(text.utf8)
      || line.last == UInt8(ascii: "\r") && line.dropLast().elementsEqual(text.utf8)
  }

  private var finishedBytes = 0

  private func finish(_ reader: LineReader) {
    finishedBytes += reader.bytesRead
    statistics.texts.append(
      .init(name: reader.source.name, bytes: reader.bytesRead, sha256: reader.digest?.hexadecimal))
  }
}
