/// A text as token numbers: what models are trained on.
public struct Corpus: Sendable {
  /// All tokens in order; every sentence ends with the end of sentence.
  public private(set) var tokens: [TokenID] = []
  /// What was read.
  public let statistics: TextStatistics
  /// How many of the tokens are UNK.
  public let unknownTokens: Int

  /// Reads a whole text and settles its vocabulary: the one given, or else that of the text's own tokens.
  ///
  /// Memory: four bytes a token; the text itself is never held.
  public static func build(
    from reader: SentenceReader, vocabulary: VocabularySource, progress: (TextStatistics) -> Void = { _ in }
  ) throws -> (Corpus, Vocabulary) {
    switch vocabulary {
    case .fixed(let vocabulary):
      return (try Corpus(from: reader, vocabulary: vocabulary, progress: progress), vocabulary)
    case .counted(let minimumCount, let maximumSize):
      var builder = VocabularyBuilder(unit: reader.tokenizer.unit)
      var tokens = try read(reader, progress) {
        builder.add($0)
      } endOfSentence: {
        builder.addEndOfSentence()
      }
      let (vocabulary, renumbering) = builder.settle(minimumCount: minimumCount, maximumSize: maximumSize)
      for i in tokens.indices { tokens[i] = renumbering[Int(tokens[i])] }
      return (Corpus(tokens: tokens, statistics: reader.statistics), vocabulary)
    }
  }

  /// Reads a whole text in the numbers of `vocabulary`.
  public init(
    from reader: SentenceReader, vocabulary: Vocabulary, progress: (TextStatistics) -> Void = { _ in }
  ) throws {
    let tokens = try Self.read(reader, progress) {
      vocabulary.id(of: $0)
    } endOfSentence: {
    }
    self.init(tokens: tokens, statistics: reader.statistics)
  }

  /// A corpus of numbers made elsewhere; every sentence must end with the end of sentence.
  public init(tokens: [TokenID], statistics: TextStatistics = TextStatistics()) {
    self.tokens = tokens
    self.statistics = statistics
    unknownTokens = tokens.reduce(0) { $0 + ($1 == Vocabulary.unknown ? 1 : 0) }
  }

  private static func read(
    _ reader: SentenceReader, _ progress: (TextStatistics) -> Void,
    number: (UnsafeRawBufferPointer) -> TokenID,
    endOfSentence: () -> Void
  ) throws -> [TokenID] {
    var tokens: [TokenID] = []
    while let line = try reader.next({ tokens.append(number($0)) }) {
      if line == .sentence {
        tokens.append(Vocabulary.endOfSentence)
        endOfSentence()
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
  /// The tokens of one line of text, without the end of sentence.
  ///
  /// - Throws: `TextError` if the text has a NUL.
  public func tokens(of text: String, in vocabulary: Vocabulary) throws -> [TokenID] {
    var text = text
    var tokens: [TokenID] = []
    do {
      try text.withUTF8 { line in
        _ = try self.tokens(in: UnsafeRawBufferPointer(line)) { tokens.append(vocabulary.id(of: $0)) }
      }
    } catch let problem as TextProblem {
      throw TextError(file: "prompt", line: 1, reason: problem.reason)
    }
    return tokens
  }
}
