/// A text as token numbers: what models are trained on.
public struct Corpus: Sendable {
  /// All tokens in order; every sentence ends with the end of sentence.
  public private(set) var tokens: [TokenID] = []
  /// What was read.
  public let statistics: TextStatistics
  /// How many of the tokens are UNK.
  public let unknownTokens: Int
  /// How many of the tokens end a sentence.
  public let sentences: Int

  /// Reads a whole text and settles its vocabulary: the one given, or else that of the text's own tokens.
  ///
  /// With `holdout` above 0, that fraction of the sentences, the last ones, comes back apart, and the vocabulary is that of the
  /// others alone. Memory: four bytes a token; the text itself is never held.
  public static func build(
    from reader: SentenceReader, vocabulary: VocabularySource, holdout: Double = 0,
    progress: (TextStatistics) -> Void = { _ in }
  ) throws -> (Corpus, heldOut: Corpus?, Vocabulary) {
    var tokens: [TokenID]
    let settled: Vocabulary
    var tail = HeldOutTail(fraction: holdout)
    switch vocabulary {
    case .fixed(let vocabulary):
      tokens = try read(reader, progress) {
        vocabulary.append(idsOf: $0, to: &$1)
        if holdout > 0 { tail.add(reader.statistics) }
      }
      settled = vocabulary
    case .counted(let minimumCount, let maximumSize):
      var builder = VocabularyBuilder(unit: reader.tokenizer.unit)
      tokens = try read(reader, progress) {
        builder.add($0, to: &$1)
        if holdout > 0 { tail.add(reader.statistics) }
      }
      builder.add(count: reader.statistics.sentences, to: Vocabulary.endOfSentence)
      for token in try tokens[splitPoint(tokens, reader, holdout)...] { builder.remove(token) }
      let (vocabulary, renumbering) = builder.settle(minimumCount: minimumCount, maximumSize: maximumSize)
      for i in tokens.indices { tokens[i] = renumbering[Int(tokens[i])] }
      settled = vocabulary
    }
    guard holdout > 0 else { return (Corpus(tokens: tokens, statistics: reader.statistics), nil, settled) }
    let split = try splitPoint(tokens, reader, holdout)
    let statistics = tail.parts(of: reader.statistics)
    return (
      Corpus(tokens: Array(tokens[..<split]), statistics: statistics.training),
      Corpus(tokens: Array(tokens[split...]), statistics: statistics.heldOut), settled
    )
  }

  /// Where the last `holdout` of the sentences begin.
  private static func splitPoint(_ tokens: [TokenID], _ reader: SentenceReader, _ holdout: Double) throws
    -> Int
  {
    guard holdout > 0 else { return tokens.count }
    var left = try reader.statistics.sentences(without: holdout)
    for (i, token) in tokens.enumerated() where token == Vocabulary.endOfSentence {
      left -= 1
      if left == 0 { return i + 1 }
    }
    return tokens.count
  }

  /// Reads a whole text in the numbers of `vocabulary`.
  public init(
    from reader: SentenceReader, vocabulary: Vocabulary, progress: (TextStatistics) -> Void = { _ in }
  ) throws {
    let tokens = try Self.read(reader, progress) { vocabulary.append(idsOf: $0, to: &$1) }
    self.init(tokens: tokens, statistics: reader.statistics)
  }

  /// A corpus of numbers made elsewhere; every sentence must end with the end of sentence.
  public init(tokens: [TokenID], statistics: TextStatistics = TextStatistics()) {
    self.tokens = tokens
    self.statistics = statistics
    unknownTokens = tokens.reduce(0) { $0 + ($1 == Vocabulary.unknown ? 1 : 0) }
    sentences = tokens.reduce(0) { $0 + ($1 == Vocabulary.endOfSentence ? 1 : 0) }
  }

  /// Reads a whole text.
  ///
  /// - Parameter number: appends the numbers of the words of a sentence.
  public static func read(
    _ reader: SentenceReader, _ progress: (TextStatistics) -> Void,
    number: (TokenSpans, inout [TokenID]) -> Void
  ) throws -> [TokenID] {
    var tokens: [TokenID] = []
    while let line = try reader.next() {
      if line == .sentence {
        number(reader.tokens, &tokens)
        tokens.append(Vocabulary.endOfSentence)
      }
      if reader.statistics.lines % 65_536 == 0 { progress(reader.statistics) }
    }
    return tokens
  }
}

/// Where a vocabulary comes from.
public enum VocabularySource: Sendable {
  /// It is given.
  case fixed(Vocabulary)
  /// The tokens of the text seen at least `minimumCount` times, at most `maximumSize` entries in all.
  case counted(minimumCount: Int, maximumSize: Int?)
}

extension Tokenizer {
  /// Calls `body` with each token of one line of text, without the end of sentence.
  ///
  /// - Throws: `TextError` if the text has a NUL.
  public func forEachToken(of text: String, _ body: (UnsafeRawBufferPointer) -> Void) throws {
    try forEachToken(of: Array(text.utf8), body)
  }

  /// The same for bytes, which need not be UTF-8: they are an error or are replaced, as the rules say.
  ///
  /// - Throws: `TextError`, which names the text 'prompt'.
  public func forEachToken(of text: [UInt8], _ body: (UnsafeRawBufferPointer) -> Void) throws {
    var tokens = TokenSpans()
    do {
      try text.withUnsafeBytes { line in
        _ = try tokenize(line, into: &tokens)
        tokens.forEach(body)
      }
    } catch let problem as TextProblem {
      throw TextError(
        file: "prompt", line: 1,
        reason: problem.reason(line: UnsafeRawBufferPointer(start: nil, count: 0), isFirst: false))
    }
  }
}
