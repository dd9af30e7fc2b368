/// Reads sentences and their translations: two texts line by line, or one with a tab between the two sides of each line.
///
/// Where both sides of a line are empty, it is passed over.
public final class PairReader {
  /// The text rules of both sides.
  public let tokenizer: Tokenizer
  /// The tokens of the pair that `next()` read last, without ends.
  public private(set) var source = TokenSpans()
  public private(set) var target = TokenSpans()
  /// What has been read so far: bytes are those of both sides, tokens those of the translations.
  public private(set) var statistics = TextStatistics()
  /// The tokens of the sources.
  public private(set) var sourceTokens = 0

  private let sources: SentenceReader
  /// `nil` if both sides are in one text.
  private let targets: SentenceReader?
  private let lengthLimit: Int
  /// The other side of the line that was read last, which is valid until the next.
  private var otherSide = UnsafeRawBufferPointer(start: nil, count: 0)

  /// A reader of one text or two (`-`: standard input); with `hashing`, the statistics hold each one's digest.
  ///
  /// - Parameters:
  ///   - lengthLimit: the most tokens of a side.
  ///   - open: opens a text.
  public init(
    _ paths: [String], tokenizer: Tokenizer, lengthLimit: Int, hashing: Bool = false,
    open: @escaping (String) throws -> ByteSource
  ) {
    precondition((1...2).contains(paths.count), "sentences and translations are in one text or in two")
    (self.tokenizer, self.lengthLimit) = (tokenizer, lengthLimit)
    sources = SentenceReader([paths[0]], tokenizer: tokenizer, hashing: hashing, open: open)
    targets =
      paths.count == 2
      ? SentenceReader([paths[1]], tokenizer: tokenizer, hashing: hashing, open: open) : nil
    if targets == nil {
      sources.textOfLine = { [unowned self] in try split($0, $1, $2) }
    }
  }

  private func split(_ line: UnsafeRawBufferPointer, _ file: String, _ number: Int) throws
    -> UnsafeRawBufferPointer?
  {
    if line.allSatisfy({ $0 == 0x20 || 0x09...0x0D ~= $0 }) { return nil }
    guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else {
      throw TextError(
        file: file, line: number,
        reason: "has no tab; a line is a sentence, a tab and its translation, or these are in two files")
    }
    otherSide = UnsafeRawBufferPointer(rebasing: line[(tab + 1)...])
    return UnsafeRawBufferPointer(rebasing: line[..<tab])
  }

  /// True when the next call would have to wait for input that a program or a person has not written so far.
  public var wouldBlock: Bool { sources.wouldBlock || targets?.wouldBlock == true }

  /// Reads a pair into `source` and `target`.
  ///
  /// - Returns: whether there was one more.
  /// - Throws: `TextError` if one side is empty or too long; `FileError` if one text has more lines than the other.
  public func next() throws -> Bool {
    while true {
      let first = try sources.next()
      let second = try targets?.next()
      if targets != nil, (first == nil) != (second == nil) { throw try unequal(first == nil) }
      guard let first else {
        finish()
        return false
      }
      if let targets {
        (source, target) = (sources.tokens, targets.tokens)
      } else {
        if first == .empty { continue }
        source = sources.tokens
        try tokenizeOtherSide()
      }
      if source.count == 0, target.count == 0 { continue }
      try check()
      statistics.sentences += 1
      statistics.tokens += target.count + 1
      sourceTokens += source.count
      count()
      return true
    }
  }

  private func tokenizeOtherSide() throws {
    do {
      _ = try tokenizer.tokenize(otherSide, into: &target)
    } catch let problem as TextProblem {
      throw TextError(
        file: file(sources), line: sources.statistics.lines,
        reason: problem.reason(line: otherSide, isFirst: false))
    }
  }

  private func check() throws {
    for (side, name, reader) in [
      (source, "sentence", sources), (target, "translation", targets ?? sources),
    ] {
      let problem: String? =
        side.count == 0
        ? "the \(name) is empty, and the other side is not; leave out the pair"
        : side.count > lengthLimit
          ? "the \(name) has \(side.count) tokens, more than the \(lengthLimit) that --max-length allows; leave out the pair, or allow more"
          : nil
      if let problem {
        throw TextError(file: file(reader), line: reader.statistics.lines, reason: problem)
      }
    }
  }

  private func unequal(_ firstIsShorter: Bool) throws -> FileError {
    let (shorter, longer) = firstIsShorter ? (sources, targets) : (targets, sources)
    while try longer?.next() != nil {}
    let counts = [shorter, longer].map { $0?.statistics.lines ?? 0 }
    return FileError(
      path: shorter.map(file) ?? "",
      reason:
        "has \(counts[0]) line\(counts[0] == 1 ? "" : "s"), and \(longer.map(file) ?? "") has \(counts[1]); "
        + "line by line, one is the translation of the other")
  }

  private func file(_ reader: SentenceReader) -> String { reader.statistics.texts.first?.name ?? reader.name }

  private func count() {
    statistics.lines = sources.statistics.lines
    statistics.emptyLines = sources.statistics.emptyLines
    statistics.bytes = sources.statistics.bytes + (targets?.statistics.bytes ?? 0)
    statistics.sentenceBytes = (targets ?? sources).statistics.sentenceBytes
    statistics.sentenceCharacters = (targets ?? sources).statistics.sentenceCharacters
    statistics.droppedMarkers =
      sources.statistics.droppedMarkers + (targets?.statistics.droppedMarkers ?? 0)
  }

  private func finish() {
    count()
    statistics.texts = sources.statistics.texts + (targets?.statistics.texts ?? [])
  }

  /// The tokens of some side as text.
  public func text(of side: TokenSpans) -> [UInt8] {
    var text: [UInt8] = []
    side.forEach { token in
      Detokenizer.append(
        token, to: &text, isFirst: text.isEmpty, unit: tokenizer.unit, separator: tokenizer.separator)
    }
    return text
  }
}
