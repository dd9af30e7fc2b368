import LanguageModels

/// What all trainings have in common: texts in, checkpoint out, evaluation on held-out text.
struct TrainingPlan {
  private let kind: ModelKind
  private let tokenizer: Tokenizer
  private let vocabularySource: VocabularySource
  private let format: TensorFormat
  private let output: String
  private let paths: [String]
  private let validPath: String?
  private let holdout: Double
  private let isQuiet: Bool
  private let printsConfiguration: Bool
  private let textSettings: [JSONValue.Member]
  private let predecessor: Predecessor?

  /// Takes the plan from the command line; what cannot succeed fails here, before the work.
  init(_ arguments: Arguments, kind: ModelKind, tokenizer: Tokenizer, predecessor: Predecessor?) throws {
    self.kind = kind
    self.predecessor = predecessor
    self.tokenizer = tokenizer
    format = try arguments.choice("tensors", TensorFormat.self) ?? .base64
    output = arguments.string("output") ?? "model.json"
    paths = arguments.operands
    validPath = arguments.string("valid")
    holdout = try arguments.number("holdout", "above 0 and below 1", { $0 > 0 && $0 < 1 }) ?? 0
    isQuiet = arguments.has("quiet")
    printsConfiguration = arguments.has("print-config")
    textSettings = try TextOptions.settings(arguments, tokenizer, isInherited: predecessor?.use == .weights)
    // The vocabulary of a run that goes on is in its checkpoint.
    let vocabularyPath = predecessor == nil ? arguments.string("vocab") : nil
    if validPath != nil, holdout > 0 { throw UsageError("--valid and --holdout exclude each other") }
    if paths.isEmpty, try ByteSource(path: "-").isTerminal {
      throw UsageError("no training text; name a file, or - for standard input")
    }
    let tuningPath = arguments.string("tune")
    try TextOptions.requireSingleStandardInput(paths, validPath, vocabularyPath, tuningPath)
    vocabularySource =
      try predecessor.map { .fixed($0.checkpoint.vocabulary) }
      ?? TextOptions.vocabulary(arguments, tokenizer: tokenizer)
    for path in paths + [validPath].compactMap({ $0 }) where path != "-" { _ = try ByteSource(path: path) }
    if kind != .ngram, ConvertCommand.Format(path: output) == .arpa {
      throw UsageError("--output names an ARPA file, which is for n-grams; name one that ends in .json")
    }
    let inputs = paths + [validPath, vocabularyPath, tuningPath].compactMap { $0 }
    try AtomicFile.check(path: output, inputs: inputs)
    if let log = arguments.string("log") { try AtomicFile.check(path: log, inputs: inputs + [output]) }
  }

  /// Reads, trains, writes, evaluates.
  func run(_ training: any ModelTraining) throws {
    let watch = Stopwatch()
    var progress = ProgressLine(isQuiet: isQuiet)
    let reader = try TextOptions.reader(paths, tokenizer: tokenizer, hashing: true)
    let (corpus, heldOutPart, vocabulary) = try Corpus.build(
      from: reader, vocabulary: vocabularySource, holdout: holdout
    ) { statistics in
      progress.show("reading: \(statistics.tokens) tokens, \(Format.bytes(statistics.bytes))")
    }
    progress.clear()
    try TextOptions.requireText(reader.statistics, paths)
    let configuration = try configuration(of: training, on: corpus)
    if printsConfiguration { return StandardOutput.shared.write(Configuration.text(configuration)) }
    if !isQuiet { report(reader.statistics, corpus, vocabulary, seconds: watch.seconds) }
    var heldOut = heldOutPart
    var heldOutText: TextStatistics.Text?
    if let validPath {
      let reader = try TextOptions.reader([validPath], tokenizer: tokenizer, hashing: true)
      heldOut = try Corpus(from: reader, vocabulary: vocabulary)
      try TextOptions.requireText(reader.statistics, [validPath])
      heldOutText = reader.statistics.texts.first
    }
    try predecessor?.check(reader.statistics.texts, heldOut: heldOutText)
    let isResumed = predecessor?.use == .resume
    let job = TrainingJob(
      kind: kind, tokenizer: tokenizer, vocabulary: vocabulary, corpus: corpus, heldOut: heldOut,
      isQuiet: isQuiet, output: output, format: format, settings: configuration,
      texts: isResumed ? predecessor?.texts ?? [] : reader.statistics.texts.map(\.json),
      heldOutText: heldOutText?.json, holdout: holdout, predecessor: predecessor, watch: watch,
      emptyLines: reader.statistics.emptyLines)
    let trained = try training.train(job)
    if let heldOut, heldOut.tokens.count > 0 { report(trained, on: heldOut) }
  }

  private func report(_ trained: TrainedModel, on heldOut: Corpus) {
    let result = EvaluationResult(of: trained, on: heldOut, isQuiet: isQuiet)
    let text = validPath ?? "the last \(Format.count(heldOut.statistics.sentences, "sentence")) of the text"
    let table = result.table(model: output, texts: [text])
    // Behind a checkpoint, standard output is no place for a table.
    if output == "-" { Terminal.error(table) } else { StandardOutput.shared.write(table) }
  }

  /// Every option with its value in effect, so that a run can be repeated from it.
  private func configuration(of training: any ModelTraining, on corpus: Corpus) throws -> JSONValue {
    let settings: [JSONValue.Member] = [
      .setting("model", kind), .setting("output", output), .setting("valid", validPath),
      .setting("holdout", holdout > 0 ? holdout : nil), .setting("tensors", format),
      .setting("quiet", isQuiet),
    ]
    return Configuration.object(
      try settings + textSettings + training.settings(for: corpus),
      TrainCommand.options.flatMap(\.options), operandsName: "texts", operands: paths.isEmpty ? ["-"] : paths)
  }

  private func report(
    _ statistics: TextStatistics, _ corpus: Corpus, _ vocabulary: Vocabulary, seconds: Double
  ) {
    let skipped =
      statistics.emptyLines > 0 ? ", skipped \(Format.count(statistics.emptyLines, "empty line"))" : ""
    Terminal.note(
      "read \(Format.count(statistics.sentences, "sentence")), \(Format.count(statistics.tokens, "token")), "
        + "\(Format.bytes(statistics.bytes)) in \(Format.fixed(seconds, 2)) s\(skipped)")
    TextOptions.report(statistics)
    Terminal.note(
      "vocabulary of \(vocabulary.count); \(Format.percent(corpus.unknownTokens, of: corpus.tokens.count)) "
        + "of the tokens are unknown (\(corpus.unknownTokens))")
    if vocabulary.count == 2 {
      Terminal.note(
        "warning: no token is seen often enough to be in the vocabulary; lower --min-count, or give more text"
      )
    }
  }
}
