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
  /// Which sentences of its text, from 0 and rising, it has; `nil` if it has all of them, or those that another part left.
  public private(set) var numbers: [Int]?

  /// Reads a whole text and settles its vocabulary: the one given, or else that of the text's own tokens.
  ///
  /// With a `holdout`, that part of the sentences comes back apart, and the vocabulary is that of the others alone. Memory: four bytes a token;
  /// the text itself is never held.
  public static func build(
    from reader: SentenceReader, vocabulary: VocabularySource, holdout: Holdout? = nil,
    progress: (TextStatistics) -> Void = { _ in }
  ) throws -> (Corpus, heldOut: Corpus?, Vocabulary) {
    var parts = Parts(holdout.map { HeldOutSentences($0) })
    let settled: Vocabulary
    switch vocabulary {
    case .fixed(let vocabulary):
      try parts.read(reader, progress) { vocabulary.append(idsOf: $0, to: &$1) }
      settled = vocabulary
    case .counted(let minimumCount, let maximumSize):
      var builder = VocabularyBuilder(unit: reader.tokenizer.unit)
      try parts.read(reader, progress) { builder.add($0, to: &$1) }
      builder.add(count: reader.statistics.sentences, to: Vocabulary.endOfSentence)
      for token in parts.heldOut { builder.remove(token) }
      let (vocabulary, renumbering) = builder.settle(minimumCount: minimumCount, maximumSize: maximumSize)
      for i in parts.training.indices { parts.training[i] = renumbering[Int(parts.training[i])] }
      for i in parts.heldOut.indices { parts.heldOut[i] = renumbering[Int(parts.heldOut[i])] }
      settled = vocabulary
    }
    let heldOut = parts.statistics.heldOut.map { statistics in
      var corpus = Corpus(tokens: parts.heldOut, statistics: statistics)
      corpus.numbers = parts.numbers
      return corpus
    }
    return (Corpus(tokens: parts.training, statistics: parts.statistics.training), heldOut, settled)
  }

  /// A text in two parts.
  private struct Parts {
    var training: [TokenID] = []
    var heldOut: [TokenID] = []
    /// Which sentences are held out.
    private(set) var numbers: [Int] = []
    private(set) var statistics: (training: TextStatistics, heldOut: TextStatistics?) = (
      TextStatistics(), nil
    )
    private var choice: HeldOutSentences?

    init(_ choice: HeldOutSentences?) { self.choice = choice }

    mutating func read(
      _ reader: SentenceReader, _ progress: (TextStatistics) -> Void,
      number: (TokenSpans, inout [TokenID]) -> Void
    ) throws {
      training = try Corpus.read(reader, progress) {
        number($0, &$1)
        choice?.add(reader.statistics)
      }
      guard let choice else {
        statistics.training = reader.statistics
        return
      }
      let parts = try choice.parts(of: reader.statistics)
      statistics = (parts.training, parts.heldOut)
      numbers = parts.sentences
      takeOut(numbers)
    }

    /// Moves the sentences with these numbers, which rise.
    private mutating func takeOut(_ sentences: [Int]) {
      var (sentence, next, end) = (0, 0, 0)
      for i in training.indices {
        let token = training[i]
        if next < sentences.count, sentences[next] == sentence {
          heldOut.append(token)
          if token == Vocabulary.endOfSentence { next += 1 }
        } else {
          training[end] = token
          end += 1
        }
        if token == Vocabulary.endOfSentence { sentence += 1 }
      }
      training.removeLast(training.count - end)
    }
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
  /// - Returns: how many literal sentence markers were dropped.
  /// - Throws: `TextError` if the text has a NUL.
  @discardableResult public func forEachToken(of text: String, _ body: (UnsafeRawBufferPointer) -> Void)
    throws -> Int
  {
    try forEachToken(of: Array(text.utf8), body)
  }

  /// Calls `body` with each token of one line of bytes, which need not be UTF-8: what is not is an error or is replaced, as the rules say.
  ///
  /// - Returns: how many literal sentence markers were dropped.
  /// - Throws: `TextError`, which names the text 'prompt'.
  @discardableResult public func forEachToken(of text: [UInt8], _ body: (UnsafeRawBufferPointer) -> Void)
    throws -> Int
  {
    var tokens = TokenSpans()
    do {
      return try text.withUnsafeBytes { line in
        let dropped = try tokenize(line, into: &tokens)
        tokens.forEach(body)
        return dropped
      }
    } catch let problem as TextProblem {
      throw TextError(
        file: "prompt", line: 1,
        reason: problem.reason(line: UnsafeRawBufferPointer(start: nil, count: 0), isFirst: false))
    }
  }
}
