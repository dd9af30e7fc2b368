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
      --per sentence   tokens, unknown tokens, ln p(sentence), perplexity (nan for an empty line)
      --per token      for each token: the token, ln p(token), the order of the n-gram that it rests on
    in tab-separated columns; with --json, each line is a JSON object.
    """
  static let options: [(heading: String, options: [Option])] = [
    (
      "output",
      [
        Option(flag: "json", "one JSON object in place of the table"),
        Option(flag: "perplexity", "just the perplexity"),
        Option(flag: "cross-entropy", "just the cross-entropy in nats per token"),
        Option("per", Detail.self, "a line for each line of text"),
      ]
    ),
    (
      "text",
      [
        Option(
          "context", ContextMode.self, "run on across lines, or restart at each\n(default: the model's own)"),
        Option("invalid", InvalidText.self, "bytes that are not UTF-8 (default: the model's own)"),
      ]
    ),
    CacheOptions.options,
    ("other", [TextOptions.threads, TextOptions.quiet]),
  ]
  static let examples = [
    "lmctl eval kn5.json test.txt",
    "lmctl eval --perplexity kn5.json test.txt.gz",
    "lmctl eval kn5.json --cache 500 --tune valid.txt test.txt",
    "lmctl sample kn5.json --count 100 | lmctl eval kn5.json --per sentence",
  ]

  enum Detail: String, CaseIterable {
    case sentence
    case token
  }

  static func run(_ arguments: Arguments) throws {
    guard let path = arguments.operands.first else {
      throw UsageError("no model; give the checkpoint, then the texts: lmctl eval model.json test.txt")
    }
    let texts = Array(arguments.operands.dropFirst())
    let detail = try arguments.choice("per", Detail.self)
    let asked = ["perplexity", "cross-entropy", "json"].filter { arguments.has($0) }
    if asked.count > 1 { throw UsageError("--\(asked[0]) and --\(asked[1]) exclude each other") }
    if let detail, let other = asked.first, other != "json" {
      throw UsageError("--per \(detail.rawValue) and --\(other) exclude each other")
    }
    try TextOptions.requireSingleStandardInput(texts, path, arguments.string("tune"))
    let cacheOptions = try CacheOptions(arguments)
    let contextChoice = try arguments.choice("context", ContextMode.self)
    let invalid = try arguments.choice("invalid", InvalidText.self)
    let (model, checkpoint) = try ModelKind.load(
      path: path, threads: TextOptions.threads(arguments), isQuiet: arguments.has("quiet"))
    let context = contextChoice ?? model.defaultContext
    var tokenizer = checkpoint.tokenizer
    tokenizer.invalid = invalid ?? tokenizer.invalid
    func cache(for model: some LanguageModel) throws -> UnigramCache? {
      try cacheOptions?.cache(
        for: model, path: path, tokenizer: tokenizer, context: context, isQuiet: arguments.has("quiet"))
    }

    if let detail {
      let cache = try cache(for: model)
      let reader = try TextOptions.reader(texts, tokenizer: tokenizer)
      return try writeLines(model, reader, context, cache, detail, asJSON: arguments.has("json"))
    }
    guard model.isNormalized else {
      throw FileError(
        path: path,
        reason:
          "its numbers are scores that do not sum to one (stupid back-off), so they have no perplexity; "
          + "--per sentence and --per token show them")
    }
    let result = try evaluate(
      model, texts, tokenizer: tokenizer, context: context, cache: cache(for: model),
      isQuiet: arguments.has("quiet"))
    let output = StandardOutput.shared
    switch asked.first {
    case "perplexity": output.write("\(Format.significant(result.evaluation.perplexity, 8))\n")
    case "cross-entropy": output.write("\(Format.significant(result.evaluation.crossEntropy, 8))\n")
    case "json": output.write(result.json(model: path).text + "\n")
    default: output.write(result.table(model: path, texts: texts))
    }
  }

  /// Scores `texts`.
  static func evaluate(
    _ model: some LanguageModel, _ texts: [String], tokenizer: Tokenizer, context: ContextMode,
    cache: UnigramCache? = nil, isQuiet: Bool = true
  ) throws -> EvaluationResult {
    let stopwatch = Stopwatch()
    let reader = try TextOptions.reader(texts, tokenizer: tokenizer)
    var scorer = TextScorer(model: model, context: context, cache: cache)
    var progress = ProgressLine(isQuiet: isQuiet)
    var scored = 0
    let watch: (Int) -> Void = { count in
      scored += count
      progress.show("scoring: \(scored) tokens")
    }
    try scorer.scoreAll(from: reader, watch: watch)
    progress.clear()
    try TextOptions.requireText(reader.statistics, texts)
    if !isQuiet { TextOptions.report(reader.statistics) }
    return EvaluationResult(
      evaluation: scorer.evaluation, context: context, cache: cache,
      emptyLines: reader.statistics.emptyLines, seconds: stopwatch.seconds)
  }

  /// One line out for each line in; written out whenever the next line is not there yet.
  private static func writeLines(
    _ model: some LanguageModel, _ reader: SentenceReader, _ context: ContextMode, _ cache: UnigramCache?,
    _ detail: Detail, asJSON: Bool
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
