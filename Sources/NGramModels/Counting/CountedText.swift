import LanguageModels

/// What a file of counts tells of the text that was counted.
public struct CountedText: Sendable {
  /// The vocabulary.
  public let vocabulary: Vocabulary
  /// How large the text was.
  public let sizes: TextSizes
  /// The name, size and digest of the file of counts.
  public let file: TextStatistics.Text
  /// The n-grams with their counts.
  public let counts: NGramCounts

  /// Reads the sorted counts that `source` holds, of which those up to `order` are used.
  ///
  /// The vocabulary is settled from the counts of single words, as it would have been from the text, and words outside it become UNK.
  ///
  /// - Throws: `TextError` that names the line, or `FileError`, if these cannot be the counts of a text.
  public init(
    _ source: ByteSource, order: Int, context: ContextMode = .sentence, tokenizer: Tokenizer,
    vocabulary: VocabularySource
  ) throws {
    let read = try ReadCounts(
      source, order: order, context: context, tokenizer: tokenizer, vocabulary: vocabulary,
      into: WeightedNGrams())
    var ngrams = read.ngrams
    ngrams.renumber(read.numbers, vocabularySize: read.vocabulary.count)
    var counts = try NGramCounts(ngrams.text(vocabularySize: read.vocabulary.count), order: order)
    do {
      try counts.linkSuffixes()
    } catch let problem as NGramCounts.Inconsistency {
      throw FileError(path: source.name, reason: problem.description(read.vocabulary))
    }
    self.counts = counts
    (self.vocabulary, sizes, file) = (read.vocabulary, read.sizes, read.file)
  }
}

/// How large a text is.
public struct TextSizes: Sendable {
  /// Its sentences.
  public let sentences: Int
  /// Its tokens, with the ends of sentences.
  public let tokens: Int
  /// How many of them are UNK.
  public let unknownTokens: Int

  /// Sizes that were found elsewhere.
  public init(sentences: Int, tokens: Int, unknownTokens: Int) {
    (self.sentences, self.tokens, self.unknownTokens) = (sentences, tokens, unknownTokens)
  }
}

extension NGramCounts.Inconsistency {
  /// What is wrong with the counts, in words.
  func description(_ vocabulary: Vocabulary) -> String {
    func text(_ words: some Sequence<UInt32>) -> String {
      let names = words.map { Int($0) == vocabulary.count ? "<s>" : vocabulary.displayName(of: $0) }
      return "'\(names.joined(separator: " "))'"
    }
    let what =
      switch self {
      case .noSuffix(let words): "has the n-gram \(text(words)), but not \(text(words.dropFirst()))"
      case .nothingBefore(let words): "has the n-gram \(text(words)), but none that ends with it"
      }
    return what + "; these cannot be all the counts of a text, as lmctl count writes them"
  }
}
