import LanguageModels

/// `lmctl eval`.
enum EvalCommand: Command {
  static let name = "eval"
  static let summary = "measure a model on text: cross-entropy and perplexity"
  static let operands = "MODEL [OPTION…] [TEXT…]"
  static let discussion = """
    Scores every token of the texts exactly once, the ends of sentences and unknown tokens included, and prints a table.
    Without a text, or with -, it reads standard input. With --per, it writes one line for every line it reads, at once if
    the input is a pipe, so that another program can use it as a service:
      --per sentence   tokens, unknown tokens, ln p(sentence), perplexity (nan for
                       an empty line)
      --per token      for each token: the token, ln p(token), and the order of
                       the n-gram that it rests on
    in tab-separated columns; with --json, each line is a JSON object.
    """
  static var settings: SettingTable<EvalSettings> { EvalSettings.table }
  static let typed = ["score", "evaluate", "test", "ppl", "perplexity", "query", "measure"]
  static let configurationExample = (
    line: "lmctl eval model.json test.txt --config run.json", file: #"{"per": "sentence", "json": true}"#
  )
  static let examples = [
    "lmctl eval kn5.json test.txt",
    "lmctl eval --perplexity kn5.json test.txt.gz",
    "lmctl eval kn5.json --cache 500 --tune valid.txt test.txt",
    "lmctl sample kn5.json --count 100 | lmctl eval kn5.json --per sentence",
  ]

  static func run(_ settings: EvalSettings, _ operands: [String], given: Arguments) throws {
    guard let path = operands.first else {
      throw UsageError("no model; give the checkpoint, then the texts: lmctl eval model.json test.txt")
    }
    let texts = Array(operands.dropFirst())
    let isQuiet = settings.common.isQuiet
    try TextFiles.requireSingleStandardInput(texts, path, settings.cache.tuningPath)
    try settings.cache.check()
    let (model, checkpoint) = try ModelKind.load(
      path: path, threads: settings.common.threads, isQuiet: isQuiet)
    let context = settings.context ?? model.defaultContext
    var tokenizer = checkpoint.tokenizer
    tokenizer.invalid = settings.invalid ?? tokenizer.invalid
    func cache(for model: some LanguageModel) throws -> UnigramCache? {
      try settings.cache.cache(
        for: model, path: path, tokenizer: tokenizer, context: context, isQuiet: isQuiet)
    }

    if let detail = settings.detail {
      let cache = try cache(for: model)
      let reader = try TextFiles.reader(texts, tokenizer: tokenizer)
      return try writeLines(model, reader, context, cache, detail, asJSON: settings.asJSON)
    }
    guard model.isNormalized else {
      throw FileError(
        path: path,
        reason:
          "its numbers are scores that do not sum to one (stupid back-off), so they have no perplexity; "
          + "--per sentence and --per token show them")
    }
    let result = try evaluate(
      model, texts, tokenizer: tokenizer, context: context, cache: cache(for: model), isQuiet: isQuiet)
    let output = StandardOutput.shared
    if settings.onlyPerplexity {
      output.write("\(Format.significant(result.evaluation.perplexity, 8))\n")
    } else if settings.onlyCrossEntropy {
      output.write("\(Format.significant(result.evaluation.crossEntropy, 8))\n")
    } else if settings.asJSON {
      output.write(result.json(model: path).text + "\n")
    } else {
      output.write(result.table(model: path, texts: texts))
    }
  }

  /// Scores `texts`.
  static func evaluate(
    _ model: some LanguageModel, _ texts: [String], tokenizer: Tokenizer, context: ContextMode,
    cache: UnigramCache? = nil, isQuiet: Bool = true
  ) throws -> EvaluationResult {
    let stopwatch = Stopwatch()
    let reader = try TextFiles.reader(texts, tokenizer: tokenizer)
    var scorer = TextScorer(model: model, context: context, cache: cache)
    var progress = ProgressLine(isQuiet: isQuiet)
    var scored = 0
    let watch: (Int) -> Void = { count in
      scored += count
      progress.show("scoring: \(scored) tokens")
    }
    try scorer.scoreAll(from: reader, watch: watch)
    progress.clear()
    try TextFiles.requireText(reader.statistics, texts)
    if !isQuiet { TextFiles.report(reader.statistics) }
    return EvaluationResult(
      evaluation: scorer.evaluation, context: context, cache: cache,
      emptyLines: reader.statistics.emptyLines, seconds: stopwatch.seconds)
  }

  /// One line out for each line in; written out whenever the next line is not there yet.
  private static func writeLines(
    _ model: some LanguageModel, _ reader: SentenceReader, _ context: ContextMode, _ cache: UnigramCache?,
    _ detail: EvalSettings.Detail, asJSON: Bool
  ) throws {
    var scorer = TextScorer(model: model, context: context, cache: cache, reportsOrders: detail == .token)
    while true {
      if reader.wouldBlock { try StandardOutput.shared.flush() }
      guard let line = try scorer.nextLine(from: reader) else { return }
      let scored = ScoredLine(line, vocabulary: model.vocabulary)
      let text =
        switch (detail, asJSON) {
        case (.sentence, false): scored.sentenceColumns
        case (.token, false): scored.tokenColumns
        case (.sentence, true): JSONValue.object(scored.sentenceMembers).text
        case (.token, true): JSONValue.object(scored.sentenceMembers + [scored.tokensMember]).text
        }
      try StandardOutput.shared.writeBytes((text + "\n").utf8)
    }
  }
}
