import LanguageModels
import NGramModels
import Threads

/// What all trainings have in common: text in, checkpoint out, evaluation on held-out text.
struct TrainingPipeline {
  private var settings: TrainSettings
  private let kind: ModelKind
  private let files: TrainingFiles
  private let vocabularySource: VocabularySource
  private let limit: CountingLimit?

  private var predecessor: Predecessor? { settings.predecessor }
  private var tokenizer: Tokenizer { settings.text.tokenizer }

  /// Takes the settings; what cannot succeed fails here, before the work.
  init(_ settings: TrainSettings, kind: ModelKind, texts: [String]) throws {
    (self.settings, self.kind) = (settings, kind)
    try settings.text.checkRules()
    limit = try settings.counting.limit()
    files = try TrainingFiles(settings, texts: texts, hasPredecessor: settings.predecessor != nil)
    vocabularySource =
      try settings.predecessor.map { .fixed($0.checkpoint.vocabulary) } ?? settings.text.vocabularySource()
  }

  /// Reads, trains, writes, evaluates.
  mutating func run() throws {
    let watch = Stopwatch()
    // N-grams are made as they are asked for, whatever the text.
    if settings.printsConfiguration, kind == .ngram { return printConfiguration() }
    let rules = settings.learns == .classify ? settings.classifier.rules : nil
    let text = try read(rules)
    if settings.isClosed, text.sizes.unknownTokens > 0 {
      let counted = settings.text.maximumSize == nil ? "--min-count 1" : "--min-count 1 without --max-vocab"
      throw FileError(
        path: "--closed",
        reason: "\(Format.count(text.sizes.unknownTokens, "token")) of the text are not in the vocabulary; "
          + "use \(counted), or a --vocab that has them")
    }
    if case .corpus(let corpus) = text.content, kind != .ngram {
      try settings.fit(to: corpus, text.vocabulary)
    }
    if settings.printsConfiguration { return printConfiguration() }
    text.report(unit: tokenizer.unit, seconds: watch.seconds)
    if let limit, limit.isExceeded(byVocabulary: text.vocabulary.count) {
      Terminal.warn(
        "the words alone take more than --memory \(Format.bytes(limit.memory)); it will be exceeded")
    }
    var pairs = text.pairs
    let heldOut =
      try settings.validPath == nil
      ? HeldOutText(corpus: text.heldOut, labels: text.labels?.heldOut)
      : settings.learns == .translate
        ? readHeldOutPairs(into: &pairs) : readHeldOut(text.vocabulary, labels: rules)
    try predecessor?.check(text.sources.files, heldOut: heldOut.file)
    let job = TrainingJob(
      kind: kind, task: settings.learns, tokenizer: tokenizer, text: text, heldOut: heldOut.corpus,
      labelled: try labelled(text, heldOut), pairs: pairs, output: settings.output,
      format: settings.format, settings: configuration,
      heldOutText: heldOut.file?.json, holdout: settings.heldOutPart, predecessor: predecessor, watch: watch)
    let trained =
      switch settings.learns {
      case .language:
        kind == .ngram ? try NGramTraining(settings).train(job) : try NeuralTraining(settings).train(job)
      case .fill: try FillTraining(settings).train(job)
      case .classify: try ClassifierTraining(settings).train(job)
      case .translate: try TranslatorTraining(settings).train(job)
      }
    let result = heldOut.corpus.flatMap { heldOut in
      trained.result?(
        EvaluatedModel(path: settings.output, tokenizer: tokenizer, vocabulary: text.vocabulary),
        settings.validPath ?? nameOfHeldOut(heldOut.sentences))
    }
    if settings.asJSON {
      let result = TrainingResult(job: job, size: trained.size, heldOut: result)
      StandardOutput.shared.write(result.json.text + "\n")
    } else if let result {
      report(result)
    }
  }

  private func read(_ labels: LabelRules?) throws -> TrainingText {
    if let limit {
      CountingSettings.announce(limit, settings.countsPath.map { [$0] } ?? files.texts) {
        settings.countsPath == nil
          ? CountingLimit.temporaryBytes(text: $0, order: settings.ngram.order)
          : CountingLimit.temporaryBytes(counts: $0)
      }
    }
    if let path = settings.countsPath {
      return try .counts(
        of: path, order: settings.ngram.order, context: settings.context, tokenizer: tokenizer,
        vocabulary: vocabularySource, limit: limit)
    }
    if let limit {
      return try .large(
        files.texts, tokenizer: tokenizer, context: settings.context, vocabulary: vocabularySource,
        holdout: settings.heldOutPart, limit: limit)
    }
    if settings.learns == .translate {
      return try .pairs(
        of: files.texts, settings, vocabularies: try predecessor?.vocabularies, holdout: settings.heldOutPart)
    }
    return try .corpus(
      of: files.texts, tokenizer: tokenizer, vocabulary: vocabularySource, holdout: settings.heldOutPart,
      labels: labels)
  }

  /// Reads what a translator is measured on.
  ///
  /// - Returns: the translations, and the text, which may be two files, as it is recorded.
  private func readHeldOutPairs(into pairs: inout TrainingPairs?) throws -> HeldOutText {
    let paths = settings.validPaths
    Progress.begin("reading \(paths.joined(separator: " and "))")
    guard let vocabularies = pairs?.vocabularies else { preconditionFailure("there are pairs to train on") }
    let reader = try TrainingPairs.reader(paths, settings)
    let read = try PairCorpus(from: reader, vocabularies, keepsTexts: true)
    try TextFiles.requireText(reader.statistics, paths)
    pairs?.heldOut = read
    return HeldOutText(
      corpus: Corpus(tokens: read.targetTokens, statistics: reader.statistics),
      file: reader.statistics.texts.joined)
  }

  /// What is held out: its tokens, of translations those of the target; its labels; the file, if it is one.
  private struct HeldOutText {
    let corpus: Corpus?
    var file: TextStatistics.Text?
    var labels: [[String]]?
  }

  /// Reads the text of `--valid`, with labels if there are rules for these.
  private func readHeldOut(_ vocabulary: Vocabulary, labels rules: LabelRules?) throws -> HeldOutText {
    let path = settings.validPath ?? "-"
    Progress.begin("reading \(path)")
    let reader = try TextFiles.reader([path], tokenizer: tokenizer, hashing: true)
    let labels = rules.map { LabelReader($0) }
    reader.textOfLine = labels?.text
    let corpus = try Corpus(from: reader, vocabulary: vocabulary)
    try TextFiles.requireText(reader.statistics, [path])
    return HeldOutText(corpus: corpus, file: reader.statistics.texts.first, labels: labels?.labels)
  }

  /// Every setting with its value in effect, so that the run can be repeated from it.
  private var configuration: JSONValue {
    .object(
      TrainCommand.settings.configuration(settings) + [
        .init(TrainCommand.operandsName, .array(files.texts.map { .string($0) }))
      ])
  }

  /// The texts of a classifier, with the numbers of their labels.
  private func labelled(_ text: TrainingText, _ heldOut: HeldOutText) throws -> LabelledTexts? {
    guard let labels = text.labels, case .corpus(let corpus) = text.content else { return nil }
    let beginning = predecessor.flatMap { TaskKind(of: $0.checkpoint) == .classify ? $0.checkpoint : nil }
    return try LabelledTexts(
      corpus, labels, heldOut: heldOut.corpus.map { ($0, heldOut.labels ?? []) },
      known: beginning.map { try ClassifierCheckpoint.labels(of: $0) },
      lengthLimit: settings.classifier.lengthLimit,
      texts: text.sources.files.map(\.name).joined(separator: ", "))
  }

  private func report(_ result: any ShownResult) {
    // Behind a checkpoint or a log, standard output is no place for a table.
    if [settings.output, settings.run.log].contains(where: { $0.map(OutputTarget.isStandardOutput) == true })
    {
      Terminal.error(result.forPeople)
    } else {
      StandardOutput.shared.write(result.forPeople)
    }
  }

  private func nameOfHeldOut(_ count: Int) -> String {
    let sentences = Format.count(count, "sentence")
    return switch settings.holdoutLines {
    case .last: "the last \(sentences) of the text"
    case .every: "\(sentences) of the text, at equal distances"
    case .random: "\(sentences) of the text, by chance (seed \(settings.holdoutSeed))"
    }
  }

  /// A run that goes on needs what it goes on from, too.
  private func printConfiguration() {
    var members = configuration.members ?? []
    if settings.run.hasNewData { members.insert(.init("new-data", .bool(true)), at: 0) }
    if let resumed = settings.run.resumed { members.insert(.init("resume", .string(resumed)), at: 0) }
    StandardOutput.shared.write(Configuration.text(.object(members)))
  }
}
