import LanguageModels

/// What all trainings have in common: texts in, checkpoint out, evaluation on held-out text.
struct TrainingPlan {
  private let kind: ModelKind
  private let tokenizer: Tokenizer
  private let vocabularySource: VocabularySource
  private let files: TrainingFiles
  private let printsConfiguration: Bool
  private let predecessor: Predecessor?

  private var isQuiet: Bool { files.isQuiet }

  /// Takes the plan from the command line; what cannot succeed fails here, before the work.
  init(_ arguments: Arguments, kind: ModelKind, tokenizer: Tokenizer, predecessor: Predecessor?) throws {
    self.kind = kind
    self.predecessor = predecessor
    self.tokenizer = tokenizer
    printsConfiguration = arguments.has("print-config")
    files = try TrainingFiles(arguments, kind: kind, tokenizer: tokenizer, predecessor: predecessor)
    vocabularySource =
      try predecessor.map { .fixed($0.checkpoint.vocabulary) }
      ?? TextOptions.vocabulary(arguments, tokenizer: tokenizer)
  }

  /// Reads, trains, writes, evaluates.
  func run(_ training: any ModelTraining) throws {
    let watch = Stopwatch()
    var progress = ProgressLine(isQuiet: isQuiet)
    let reader = try TextOptions.reader(files.texts, tokenizer: tokenizer, hashing: true)
    let (corpus, heldOutPart, vocabulary) = try Corpus.build(
      from: reader, vocabulary: vocabularySource, holdout: files.holdout
    ) { statistics in
      progress.show("reading: \(statistics.tokens) tokens, \(Format.bytes(statistics.bytes))")
    }
    progress.clear()
    try TextOptions.requireText(reader.statistics, files.texts)
    let configuration = files.configuration(try training.settings(for: corpus))
    if printsConfiguration { return StandardOutput.shared.write(Configuration.text(configuration)) }
    if !isQuiet { report(reader.statistics, corpus, vocabulary, seconds: watch.seconds) }
    var heldOut = heldOutPart
    var heldOutText: TextStatistics.Text?
    if let validPath = files.validPath {
      let reader = try TextOptions.reader([validPath], tokenizer: tokenizer, hashing: true)
      heldOut = try Corpus(from: reader, vocabulary: vocabulary)
      try TextOptions.requireText(reader.statistics, [validPath])
      heldOutText = reader.statistics.texts.first
    }
    try predecessor?.check(reader.statistics.texts, heldOut: heldOutText)
    let isResumed = predecessor?.use == .resume
    let job = TrainingJob(
      kind: kind, tokenizer: tokenizer, vocabulary: vocabulary, corpus: corpus, heldOut: heldOut,
      isQuiet: isQuiet, output: files.output, format: files.format, settings: configuration,
      texts: isResumed ? predecessor?.texts ?? [] : reader.statistics.texts.map(\.json),
      heldOutText: heldOutText?.json, holdout: files.holdout, predecessor: predecessor, watch: watch,
      emptyLines: reader.statistics.emptyLines)
    let trained = try training.train(job)
    if let heldOut { files.report(trained, on: heldOut) }
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
