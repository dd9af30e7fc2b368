import LanguageModels

/// A text, or counts of one, that need not fit into memory: its words are in a temporary file, its vocabulary in memory.
public struct LargeText: Sendable {
  /// The vocabulary.
  public let vocabulary: Vocabulary
  /// How large it is.
  public let sizes: TextSizes
  /// The names, sizes and digests of the files that it was read from.
  public let files: [TextStatistics.Text]
  /// The sentences that are held out, if any are.
  public let heldOut: Corpus?

  /// How it is named in messages.
  private let name: String
  private let spool: any Spool
  /// For each number in `spool` that of the vocabulary; `nil` if these are the same.
  private let numbers: [UInt32]?
  private let limit: CountingLimit

  /// Reads a whole text and settles its vocabulary; with a `holdout`, that part of the sentences is left to `heldOut`.
  ///
  /// Memory: that of the vocabulary, and of what is held out.
  public init(
    _ reader: SentenceReader, context: ContextMode, vocabulary: VocabularySource, holdout: Holdout? = nil,
    limit: CountingLimit, progress: (TextStatistics) -> Void
  ) throws {
    (self.limit, name) = (limit, "the text")
    var whole: SpooledText
    var (rest, unknown) = ([TokenID](), 0)
    var choice = holdout.map { HeldOutSentences($0) }
    var statistics: TextStatistics?
    func withoutHeldOut(_ whole: SpooledText) throws -> SpooledText {
      guard let parts = try choice?.parts(of: reader.statistics) else { return whole }
      statistics = parts.heldOut
      let (left, taken) = try whole.taking(
        out: parts.sentences, of: reader.statistics.sentences, context: context, in: limit.folder)
      rest = taken
      return left
    }
    switch vocabulary {
    case .fixed(let vocabulary):
      whole = try SpooledText(reader, context: context, in: limit.folder, progress: progress) {
        vocabulary.append(idsOf: $0, to: &$1)
        for token in $1 where token == Vocabulary.unknown { unknown += 1 }
        choice?.add(reader.statistics)
      }
      whole = try withoutHeldOut(whole)
      for token in rest where token == Vocabulary.unknown { unknown -= 1 }
      (self.vocabulary, numbers) = (vocabulary, nil)
    case .counted(let minimumCount, let maximumSize):
      var builder = VocabularyBuilder(unit: reader.tokenizer.unit)
      whole = try SpooledText(reader, context: context, in: limit.folder, progress: progress) {
        builder.add($0, to: &$1)
        choice?.add(reader.statistics)
      }
      builder.add(count: reader.statistics.sentences, to: Vocabulary.endOfSentence)
      whole = try withoutHeldOut(whole)
      for token in rest { builder.remove(token) }
      let counts = builder.counts
      let (vocabulary, numbers) = builder.settle(minimumCount: minimumCount, maximumSize: maximumSize)
      for (count, number) in zip(counts, numbers) where number == Vocabulary.unknown {
        unknown += count
      }
      for i in rest.indices { rest[i] = numbers[Int(rest[i])] }
      (self.vocabulary, self.numbers) = (vocabulary, numbers)
    }
    spool = whole
    heldOut = statistics.map { Corpus(tokens: rest, statistics: $0) }
    files = reader.statistics.texts
    sizes = TextSizes(
      sentences: reader.statistics.sentences - (heldOut?.sentences ?? 0),
      tokens: reader.statistics.tokens - rest.count, unknownTokens: unknown)
    try sizes.check(path: name)
  }

  /// Reads the sorted counts that `source` holds; see `CountedText`.
  public init(
    counts source: ByteSource, order: Int, context: ContextMode = .sentence, tokenizer: Tokenizer,
    vocabulary: VocabularySource, limit: CountingLimit
  ) throws {
    let read = try ReadCounts(
      source, order: order, context: context, tokenizer: tokenizer, vocabulary: vocabulary,
      into: SpooledCounts.Writer(in: limit.folder))
    var writer = read.ngrams
    spool = try writer.finish()
    (self.limit, name, numbers, heldOut) = (limit, source.name, read.numbers, nil)
    (self.vocabulary, sizes, files) = (read.vocabulary, read.sizes, [read.file])
  }

  /// The text in the numbers of its vocabulary, if it is one and a model of this order can be made in memory within the limit.
  public func tokensInMemory(order: Int) throws -> [TokenID]? {
    let needed = NGramCounts.memoryBound(
      tokens: sizes.tokens + sizes.sentences, vocabularySize: vocabulary.count, order: order)
    guard limit.allows(needed, vocabularySize: vocabulary.count) else { return nil }
    return try (spool as? SpooledText)?.tokens(numbers: numbers)
  }

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
      spool, order: order, vocabularySize: vocabulary.count, numbers: numbers, limit: limit)
    do {
      return try SuffixLinks(counts) { progress("looking up suffixes of order \($0)") }
    } catch let problem as StoredCounts.Inconsistency {
      throw FileError(path: name, reason: problem.description)
    }
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
        var reader = SuffixReader(links, level: k)
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
