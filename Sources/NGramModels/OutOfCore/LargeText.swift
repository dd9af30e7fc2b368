import LanguageModels

/// A text that need not fit into memory: its words are in a temporary file, its vocabulary in memory.
public struct LargeText: Sendable {
  /// The vocabulary.
  public let vocabulary: Vocabulary
  /// Sentences of the text.
  public let sentences: Int
  /// Its tokens, with the ends of sentences.
  public let tokens: Int
  /// How many of them are UNK.
  public let unknownTokens: Int

  private let words: SpooledText
  /// For each number in `words` that of the vocabulary; `nil` if these are the same.
  private let numbers: [UInt32]?
  private let limit: CountingLimit

  /// Reads a whole text and settles its vocabulary.
  ///
  /// Memory: that of the vocabulary.
  public init(
    _ reader: SentenceReader, context: ContextMode, vocabulary: VocabularySource, limit: CountingLimit,
    progress: (TextStatistics) -> Void
  ) throws {
    self.limit = limit
    var unknown = 0
    switch vocabulary {
    case .fixed(let vocabulary):
      words = try SpooledText(reader, context: context, in: limit.folder, progress: progress) {
        vocabulary.append(idsOf: $0, to: &$1)
        for token in $1 where token == Vocabulary.unknown { unknown += 1 }
      }
      (self.vocabulary, numbers) = (vocabulary, nil)
    case .counted(let minimumCount, let maximumSize):
      var builder = VocabularyBuilder(unit: reader.tokenizer.unit)
      words = try SpooledText(reader, context: context, in: limit.folder, progress: progress) {
        builder.add($0, to: &$1)
      }
      builder.add(count: reader.statistics.sentences, to: Vocabulary.endOfSentence)
      let (vocabulary, numbers) = builder.settle(minimumCount: minimumCount, maximumSize: maximumSize)
      for (count, number) in zip(builder.counts, numbers) where number == Vocabulary.unknown {
        unknown += count
      }
      (self.vocabulary, self.numbers) = (vocabulary, numbers)
    }
    sentences = reader.statistics.sentences
    tokens = reader.statistics.tokens
    unknownTokens = unknown
    guard tokens + sentences < UInt32.max else {
      throw FileError(
        path: "the text", reason: "has more than 4,294,967,294 tokens, which is all that lmctl can count")
    }
  }

  /// Whether a model of this order can be made in memory within the limit.
  public func fitsIntoMemory(order: Int) -> Bool {
    limit.allows(
      NGramCounts.memoryBound(tokens: tokens + sentences, vocabularySize: vocabulary.count, order: order),
      vocabularySize: vocabulary.count)
  }

  /// The text in the numbers of its vocabulary, in memory.
  public func tokensInMemory() throws -> [TokenID] { try words.tokens(numbers: numbers) }

  /// The counts of its n-grams, in memory.
  public func countsInMemory(order: Int, progress: (String) -> Void) throws -> NGramCounts {
    try NGramCounts(links(order: order, progress: progress))
  }

  /// The model of the text, in temporary files; nothing of it is tuned.
  ///
  /// - Parameters:
  ///   - notice: called with a sentence for the user where the text is too small for what was asked.
  ///   - progress: called with what is being done.
  public func train(
    _ options: NGramModel.Options, notice: (String) -> Void = { _ in }, progress: (String) -> Void = { _ in }
  ) throws -> StoredModel {
    let links = try links(order: options.order, progress: progress)
    let model = links.counts
    if let remark = options.remark(order: model.order) { notice(remark) }
    var counts: [StoredArray<UInt32>] = []
    var statistics: [CountStatistics] = []
    for k in 1...model.order {
      let isAdjusted = k < model.order && options.smoothing.usesContinuationCounts
      counts.append(isAdjusted ? links.adjustedCounts[k - 1] : model.level(k).counts)
      var reader = StoredArrayReader(counts[k - 1])
      var level = CountStatistics()
      // <s> is never predicted.
      for _ in 0..<(k == 1 ? model.vocabularySize : reader.count) { level.add(try reader.next()) }
      statistics.append(level)
    }
    let method = options.smoothing.method(statistics: statistics, options: options)
    if let warning = method.warning { notice(warning) }
    func estimate(_ method: some SmoothingMethod) throws -> StoredModel {
      let smoother = options.smoother(method, order: model.order, vocabularySize: model.vocabularySize)
      var estimator = try StreamedEstimator(smoother: smoother, links: links, counts: counts)
      let trie = try estimator.estimate { progress("estimating order \($0)") }
      return StoredModel(
        vocabulary: vocabulary, options: options, trie: trie, record: options.record(smoother))
    }
    return try (method as? ModifiedKneserNey).map { try estimate($0) } ?? estimate(method)
  }

  private func links(order: Int, progress: (String) -> Void) throws -> SuffixLinks {
    progress("sorting n-grams")
    let counts = try StoredCounts(
      words, order: order, vocabularySize: vocabulary.count, numbers: numbers, limit: limit)
    return try SuffixLinks(counts) { progress("looking up suffixes of order \($0)") }
  }
}

extension NGramCounts {
  /// The same as `links` have in files.
  init(_ links: SuffixLinks) throws {
    let stored = links.counts
    var starts = [0]
    for level in stored.levels { starts.append(starts[starts.count - 1] + level.count) }
    var (words, suffixes, counts, firstChildren) = ([UInt32](), [UInt32](), [UInt32](), [UInt32]())
    words.reserveCapacity(starts[stored.order])
    suffixes.reserveCapacity(starts[stored.order])
    counts.reserveCapacity(starts[stored.order])
    firstChildren.reserveCapacity(starts[stored.order - 1] + 1)
    for (k, level) in zip(1..., stored.levels) {
      words += try level.words.read()
      counts += try level.counts.read()
      if k == 1 {
        suffixes += [UInt32](repeating: 0, count: level.count)
      } else {
        var reader = try SuffixReader(links, level: k)
        for _ in 0..<level.count { suffixes.append(UInt32(starts[k - 2] + (try reader.next()))) }
      }
      if k < stored.order {
        var next = UInt32(starts[k])
        for children in try level.childCounts.read() {
          firstChildren.append(next)
          next += children
        }
      }
    }
    firstChildren.append(UInt32(starts[stored.order]))
    self.init(
      vocabularySize: stored.vocabularySize, levelStarts: starts, words: words, suffixes: suffixes,
      counts: counts, firstChildren: firstChildren,
      firstAtSentenceStart: zip(starts, stored.levels).map { $0 + $1.sentenceStart })
  }
}
