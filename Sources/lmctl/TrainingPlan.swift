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
  private let vocabularyPath: String?

  /// Takes the plan from the command line; what cannot succeed fails here, before the work.
  init(_ arguments: Arguments, kind: ModelKind, tokenizer: Tokenizer) throws {
    self.kind = kind
    self.tokenizer = tokenizer
    format = try arguments.choice("tensors", TensorFormat.self) ?? .base64
    output = arguments.string("output") ?? "model.json"
    paths = arguments.operands
    validPath = arguments.string("valid")
    holdout = try arguments.number("holdout", "above 0 and below 1", { $0 > 0 && $0 < 1 }) ?? 0
    isQuiet = arguments.has("quiet")
    printsConfiguration = arguments.has("print-config")
    vocabularyPath = arguments.string("vocab")
    if validPath != nil, holdout > 0 { throw UsageError("--valid and --holdout exclude each other") }
    if paths.isEmpty, try ByteSource(path: "-").isTerminal {
      throw UsageError("no training text; name a file, or - for standard input")
    }
    let tuningPath = arguments.string("tune")
    try TextOptions.requireSingleStandardInput(paths, validPath, vocabularyPath, tuningPath)
    vocabularySource = try TextOptions.vocabulary(arguments, tokenizer: tokenizer)
    for path in paths + [validPath].compactMap({ $0 }) where path != "-" { _ = try ByteSource(path: path) }
    if let suffix = [".gz", ".bz2", ".xz", ".zst"].first(where: output.hasSuffix) {
      throw UsageError(
        "--output writes plain JSON, so its name must not end in '\(suffix)'; compress it afterwards")
    }
    try AtomicFile.check(
      path: output, inputs: paths + [validPath, vocabularyPath, tuningPath].compactMap { $0 })
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
    if let validPath {
      let reader = try TextOptions.reader([validPath], tokenizer: tokenizer)
      heldOut = try Corpus(from: reader, vocabulary: vocabulary)
      try TextOptions.requireText(reader.statistics, [validPath])
    }
    var writing = 0.0
    let model = try training.train(corpus, heldOut: heldOut, vocabulary: vocabulary, isQuiet: isQuiet) {
      configuration, options, tensors in
      let checkpoint = Checkpoint(
        model: kind.rawValue, programVersion: programVersion, tokenizer: tokenizer, vocabulary: vocabulary,
        configuration: configuration, training: record(reader.statistics, corpus, options), tensors: tensors)
      let start = watch.seconds
      try checkpoint.write(to: output, tensors: format)
      writing += watch.seconds - start
    }
    if !isQuiet {
      let name = output == "-" ? "the model to standard output" : output
      Terminal.note(
        "wrote \(name) in \(Format.fixed(watch.seconds, 2)) s, of which \(Format.fixed(writing, 2)) s to write"
      )
    }
    if let heldOut, heldOut.tokens.count > 0 {
      let result = EvaluationResult(of: model, on: heldOut)
      let text = validPath ?? "the last \(Format.count(heldOut.statistics.sentences, "sentence")) of the text"
      let table = result.table(model: output, texts: [text])
      // Behind a checkpoint, standard output is no place for a table.
      if output == "-" { Terminal.error(table) } else { StandardOutput.shared.write(table) }
    }
  }

  /// Every option with its value in effect, so that a run can be repeated from it.
  private func configuration(of training: any ModelTraining, on corpus: Corpus) throws -> JSONValue {
    let settings: [JSONValue.Member] = [
      .setting("model", kind), .setting("output", output), .setting("valid", validPath),
      .setting("holdout", holdout > 0 ? holdout : nil), .setting("tensors", format),
      .setting("quiet", isQuiet),
    ]
    return Configuration.object(
      try settings + TextOptions.settings(tokenizer, vocabularySource, file: vocabularyPath)
        + training.settings(for: corpus),
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

  private func record(_ statistics: TextStatistics, _ corpus: Corpus, _ options: [JSONValue.Member])
    -> JSONValue
  {
    let texts = statistics.texts.map { text -> JSONValue in
      [
        "name": .string(text.name), "bytes": .integer(text.bytes),
        "sha256": text.sha256.map { .string($0) } ?? .null,
      ]
    }
    return .object(
      [
        .init("texts", .array(texts)),
        .init("sentences", .integer(corpus.sentences)),
        .init("tokens", .integer(corpus.tokens.count)),
        .init("unknown", .integer(corpus.unknownTokens)),
        .init("empty_lines", .integer(statistics.emptyLines)),
      ] + (holdout > 0 ? [.init("holdout", .number(holdout))] : []) + options)
  }
}
