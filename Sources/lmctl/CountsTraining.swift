import LanguageModels
import NGramModels

/// `lmctl train --model ngram` with `--counts`, which takes counts in place of texts, or with `--memory`, which holds no more
/// than that of either in memory.
struct CountsTraining {
  static let option = Option(
    "counts", "FILE",
    "train on the counts that lmctl count wrote, in place of texts;\ngive the same text options as there")

  private let training: NGramTraining
  private let tokenizer: Tokenizer
  private let vocabularySource: VocabularySource
  private let files: TrainingFiles
  private let countsPath: String?
  private let limit: CountingLimit?
  private let printsConfiguration: Bool

  private var isQuiet: Bool { files.isQuiet }

  /// Whether `arguments` ask for it.
  static func isWanted(_ arguments: Arguments) -> Bool {
    ([option.name] + CountingOptions.names).contains { arguments.has($0) }
  }

  /// Takes the plan from the command line; what cannot succeed fails here, before the work.
  init(_ arguments: Arguments, _ training: NGramTraining, tokenizer: Tokenizer) throws {
    self.training = training
    self.tokenizer = tokenizer
    countsPath = arguments.string(Self.option.name)
    printsConfiguration = arguments.has("print-config")
    limit = try CountingOptions.limit(arguments)
    if countsPath != nil {
      if let text = arguments.operands.first {
        throw UsageError("'\(text)' and --counts exclude each other: counts take the place of texts")
      }
      if arguments.has("holdout") {
        throw UsageError(
          "--holdout does not go with --counts, which has no sentences to hold out; use --valid FILE")
      }
    }
    if training.splitsText {
      let reason = countsPath == nil ? "--memory" : "--counts"
      throw UsageError(
        "--smoothing jelinek-mercer takes its weights from a part of the text, which \(reason) does not hold; add --tune FILE"
      )
    }
    files = try TrainingFiles(arguments, kind: .ngram, tokenizer: tokenizer)
    vocabularySource = try TextOptions.vocabulary(arguments, tokenizer: tokenizer)
  }

  /// What was read, and how the checkpoint records where it comes from, before and behind its sizes.
  private struct Source {
    let vocabulary: Vocabulary
    let sizes: TextSizes
    let texts: JSONValue.Member
    var more: [JSONValue.Member] = []
    var heldOut: Corpus?
    /// Trains on it.
    let train: (_ heldOut: Corpus?, _ save: (JSONValue, [Tensor]) throws -> Void) throws -> any EstimatedModel
  }

  /// Reads, trains, writes, evaluates.
  func run() throws {
    if printsConfiguration {
      return StandardOutput.shared.write(Configuration.text(files.configuration(training.settings)))
    }
    let watch = Stopwatch()
    if let limit, !isQuiet {
      CountingOptions.announce(limit, countsPath.map { [$0] } ?? files.texts) {
        countsPath == nil
          ? CountingLimit.temporaryBytes(text: $0, order: training.order)
          : CountingLimit.temporaryBytes(counts: $0)
      }
    }
    let source = try countsPath.map { try readCounts($0) } ?? readTexts()
    if !isQuiet { report(source, seconds: watch.seconds) }
    var heldOut = source.heldOut
    if let validPath = files.validPath {
      let reader = try TextOptions.reader([validPath], tokenizer: tokenizer)
      heldOut = try Corpus(from: reader, vocabulary: source.vocabulary)
      try TextOptions.requireText(reader.statistics, [validPath])
    }
    let model = try source.train(heldOut) { configuration, tensors in
      let record = JSONValue.object(
        [
          source.texts, .init("sentences", .integer(source.sizes.sentences)),
          .init("tokens", .integer(source.sizes.tokens)),
          .init("unknown", .integer(source.sizes.unknownTokens)),
        ] + source.more)
      try Checkpoint(
        model: ModelKind.ngram.rawValue, programVersion: programVersion, tokenizer: tokenizer,
        vocabulary: source.vocabulary, configuration: configuration, training: record, tensors: tensors
      ).write(to: files.output, tensors: files.format)
    }
    if !isQuiet { Terminal.note("wrote \(files.output) in \(Format.fixed(watch.seconds, 2)) s") }
    if let heldOut { files.report(TrainedModel(model: try model.inMemory()), on: heldOut) }
  }

  private func report(_ source: Source, seconds: Double) {
    let sizes = source.sizes
    Terminal.note(
      "read \(Format.count(sizes.sentences, "sentence")), \(Format.count(sizes.tokens, "token")) "
        + "in \(Format.fixed(seconds, 2)) s")
    Terminal.note(
      "vocabulary of \(source.vocabulary.count); \(Format.percent(sizes.unknownTokens, of: sizes.tokens)) "
        + "of the tokens are unknown (\(sizes.unknownTokens))")
    if let limit, limit.isExceeded(byVocabulary: source.vocabulary.count) {
      Terminal.note(
        "warning: the words alone take more than --memory \(Format.bytes(limit.memory)); it will be exceeded")
    }
  }

  private func readCounts(_ path: String) throws -> Source {
    let source = try ByteSource(path: path)
    if let limit {
      let text = try LargeText(
        counts: source, order: training.order, unit: tokenizer.unit, vocabulary: vocabularySource,
        limit: limit)
      return Source(
        vocabulary: text.vocabulary, sizes: text.sizes, texts: .init("counts", Self.record(text.files))
      ) { try training.train(text, heldOut: $0, isQuiet: isQuiet, save: $1) }
    }
    let counted = try CountedText(
      source, order: training.order, unit: tokenizer.unit, vocabulary: vocabularySource)
    return Source(
      vocabulary: counted.vocabulary, sizes: counted.sizes,
      texts: .init("counts", Self.record([counted.file]))
    ) { try training.train(counted, heldOut: $0, isQuiet: isQuiet, save: $1) }
  }

  private func readTexts() throws -> Source {
    guard let limit else { throw UsageError("--memory is missing") }
    let reader = try TextOptions.reader(files.texts, tokenizer: tokenizer, hashing: true)
    var progress = ProgressLine(isQuiet: isQuiet)
    let text = try LargeText(
      reader, context: training.context, vocabulary: vocabularySource, holdout: files.holdout, limit: limit
    ) { statistics in
      progress.show("reading: \(statistics.tokens) tokens, \(Format.bytes(statistics.bytes))")
    }
    progress.clear()
    try TextOptions.requireText(reader.statistics, files.texts)
    if !isQuiet { TextOptions.report(reader.statistics) }
    return Source(
      vocabulary: text.vocabulary, sizes: text.sizes, texts: .init("texts", Self.record(text.files)),
      more: [.init("empty_lines", .integer(reader.statistics.emptyLines))]
        + (files.holdout > 0 ? [.init("holdout", .number(files.holdout))] : []), heldOut: text.heldOut
    ) { try training.train(text, heldOut: $0, isQuiet: isQuiet, save: $1) }
  }

  private static func record(_ texts: [TextStatistics.Text]) -> JSONValue { .array(texts.map(\.json)) }
}
