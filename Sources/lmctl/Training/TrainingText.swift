import LanguageModels
import NGramModels

/// The text of a training, as it was read.
struct TrainingText {
  /// What there is to train on.
  enum Content {
    /// The text as token numbers.
    case corpus(Corpus)
    /// The counts of its n-grams.
    case counts(CountedText)
    /// Token numbers or counts in files.
    case large(LargeText)
  }

  let content: Content
  let vocabulary: Vocabulary
  let sizes: TextSizes
  /// The files that it was read from, and what a checkpoint calls them.
  let sources: (name: String, files: [TextStatistics.Text])
  /// What was passed over; `nil` if counts do not tell.
  var statistics: TextStatistics?
  /// The part that is held out from training.
  var heldOut: Corpus?
  /// What its sentences, and those that are held out, are labelled with.
  var labels: SentenceLabels?
  /// The pairs of a translator; the rest is that of the translations.
  var pairs: TrainingPairs?

  /// What a checkpoint records of it.
  ///
  /// - Parameter files: in place of the files' own records.
  func record(files: [JSONValue]? = nil, holdout: Holdout?) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = [
      .init(sources.name, .array(files ?? sources.files.map(\.json))),
      .init("sentences", .integer(sizes.sentences)), .init("tokens", .integer(sizes.tokens)),
      .init("unknown", .integer(sizes.unknownTokens)),
    ]
    if let statistics { members.append(.init("empty_lines", .integer(statistics.emptyLines))) }
    if let holdout {
      members.append(.init("holdout", .number(holdout.fraction)))
      if holdout.lines != .last { members.append(.init("holdout_lines", .string(holdout.lines.rawValue))) }
      if holdout.lines == .random { members.append(.init("holdout_seed", .integer(Int(holdout.seed)))) }
    }
    return members
  }

  /// Says what was read.
  ///
  /// - Parameter unit: what a token is.
  func report(unit: TextUnit, seconds: Double) {
    var line = "read \(Format.count(sizes.sentences, "sentence")), \(Format.count(sizes.tokens, "token"))"
    if let statistics { line += ", \(Format.bytes(statistics.bytes))" }
    line += " in \(Format.fixed(seconds, 2)) s"
    if let empty = statistics?.emptyLines, empty > 0 {
      line += ", skipped \(Format.count(empty, "empty line"))"
    }
    Terminal.note(line)
    if let statistics { TextFiles.report(statistics) }
    pairs?.report()
    Terminal.note(
      "vocabulary of \(vocabulary.count); \(Format.percent(sizes.unknownTokens, of: sizes.tokens)) "
        + "of the tokens are unknown (\(sizes.unknownTokens))")
    if vocabulary.count == 2 {
      Terminal.warn(
        "no token is seen often enough to be in the vocabulary; lower --min-count, or give more text")
    }
    let warnings = EvaluationWarnings.about(
      statistics ?? TextStatistics(), unit: unit, tokens: sizes.tokens,
      unknown: sizes.unknownTokens)
    for warning in warnings { Terminal.warn(warning) }
  }
}

// MARK: Reading

extension TrainingText {
  /// Reads texts into memory, with their labels if there are rules for these.
  static func corpus(
    of paths: [String], tokenizer: Tokenizer, vocabulary source: VocabularySource, holdout: Holdout?,
    labels rules: LabelRules? = nil
  ) throws -> TrainingText {
    let reader = try TextFiles.reader(paths, tokenizer: tokenizer, hashing: true)
    let labels = rules.map { LabelReader($0) }
    reader.textOfLine = labels?.text
    Progress.begin("reading")
    let (corpus, heldOut, vocabulary) = try Corpus.build(
      from: reader, vocabulary: source, holdout: holdout
    ) { Progress.show($0.shown) }
    try TextFiles.requireText(reader.statistics, paths)
    return TrainingText(
      content: .corpus(corpus), vocabulary: vocabulary,
      sizes: TextSizes(
        sentences: corpus.sentences, tokens: corpus.tokens.count, unknownTokens: corpus.unknownTokens),
      sources: ("texts", reader.statistics.texts), statistics: reader.statistics, heldOut: heldOut,
      labels: labels.map { SentenceLabels($0.labels, heldOut: heldOut?.numbers) })
  }

  /// Reads texts into files, within a limit of memory.
  static func large(
    _ paths: [String], tokenizer: Tokenizer, context: ContextMode, vocabulary: VocabularySource,
    holdout: Holdout?, limit: CountingLimit
  ) throws -> TrainingText {
    let reader = try TextFiles.reader(paths, tokenizer: tokenizer, hashing: true)
    Progress.begin("reading")
    let text = try LargeText(
      reader, context: context, vocabulary: vocabulary, holdout: holdout, limit: limit
    ) { Progress.show($0.shown) }
    try TextFiles.requireText(reader.statistics, paths)
    return TrainingText(
      content: .large(text), vocabulary: text.vocabulary, sizes: text.sizes,
      sources: ("texts", text.files), statistics: reader.statistics, heldOut: text.heldOut)
  }

  /// Reads what `lmctl count` wrote, within a limit of memory if there is one.
  static func counts(
    of path: String, order: Int, context: ContextMode, tokenizer: Tokenizer, vocabulary: VocabularySource,
    limit: CountingLimit?
  ) throws -> TrainingText {
    let source = try ByteSource(path: path)
    Progress.begin("reading counts")
    if let limit {
      let text = try LargeText(
        counts: source, order: order, context: context, tokenizer: tokenizer, vocabulary: vocabulary,
        limit: limit)
      return TrainingText(
        content: .large(text), vocabulary: text.vocabulary, sizes: text.sizes,
        sources: ("counts", text.files))
    }
    let text = try CountedText(
      source, order: order, context: context, tokenizer: tokenizer, vocabulary: vocabulary)
    return TrainingText(
      content: .counts(text), vocabulary: text.vocabulary, sizes: text.sizes,
      sources: ("counts", [text.file]))
  }
}
