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
  private let format: TensorFormat
  private let countsPath: String?
  private let limit: CountingLimit?
  private let texts: [String]
  private let output: String
  private let validPath: String?
  private let isQuiet: Bool

  /// Whether `arguments` ask for it.
  static func isWanted(_ arguments: Arguments) -> Bool {
    ([option.name] + CountingOptions.names).contains { arguments.has($0) }
  }

  /// Takes the plan from the command line; what cannot succeed fails here, before the work.
  init(_ arguments: Arguments, _ training: NGramTraining, tokenizer: Tokenizer) throws {
    self.training = training
    self.tokenizer = tokenizer
    countsPath = arguments.string(Self.option.name)
    output = arguments.string("output") ?? "model.json"
    validPath = arguments.string("valid")
    isQuiet = arguments.has("quiet")
    texts = arguments.operands
    limit = try CountingOptions.limit(arguments)
    let vocabularyPath = arguments.string("vocab")
    if countsPath != nil {
      if let text = texts.first {
        throw UsageError("'\(text)' and --counts exclude each other: counts take the place of texts")
      }
    }
    let reason = countsPath == nil ? "--memory" : "--counts"
    for name in ["holdout", "print-config"] where arguments.has(name) {
      throw UsageError("--\(name) does not go with \(reason), which does not hold the text in memory")
    }
    if training.splitsText {
      throw UsageError(
        "--smoothing jelinek-mercer takes its weights from a part of the text, which \(reason) does not hold; add --tune FILE"
      )
    }
    try TextOptions.requireSingleStandardInput(countsPath.map { [$0] } ?? texts, validPath, vocabularyPath)
    format = try arguments.choice("tensors", TensorFormat.self) ?? .base64
    vocabularySource = try TextOptions.vocabulary(arguments, tokenizer: tokenizer)
    for path in texts + [validPath].compactMap({ $0 }) where path != "-" { _ = try ByteSource(path: path) }
    try AtomicFile.check(
      path: output, inputs: texts + [countsPath, validPath, vocabularyPath].compactMap { $0 })
  }

  /// What was read, and how the checkpoint records where it comes from, before and behind its sizes.
  private struct Source {
    let vocabulary: Vocabulary
    let sizes: TextSizes
    let texts: JSONValue.Member
    var more: [JSONValue.Member] = []
    /// Trains on it.
    let train: (_ heldOut: Corpus?, _ save: (JSONValue, [Tensor]) throws -> Void) throws -> any EstimatedModel
  }

  /// Reads, trains, writes, evaluates.
  func run() throws {
    let watch = Stopwatch()
    if let limit, !isQuiet {
      CountingOptions.announce(limit, countsPath.map { [$0] } ?? texts) {
        countsPath == nil
          ? CountingLimit.temporaryBytes(text: $0, order: training.order)
          : CountingLimit.temporaryBytes(counts: $0)
      }
    }
    let source = try countsPath.map { try readCounts($0) } ?? readTexts()
    if !isQuiet { report(source, seconds: watch.seconds) }
    var heldOut: Corpus?
    if let validPath {
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
      ).write(to: output, tensors: format)
    }
    if !isQuiet { Terminal.note("wrote \(output) in \(Format.fixed(watch.seconds, 2)) s") }
    guard let validPath, let heldOut else { return }
    let table = EvaluationResult(of: TrainedModel(model: try model.inMemory()), on: heldOut, isQuiet: isQuiet)
      .table(model: output, texts: [validPath])
    if output == "-" { Terminal.error(table) } else { StandardOutput.shared.write(table) }
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
    let reader = try TextOptions.reader(texts, tokenizer: tokenizer, hashing: true)
    var progress = ProgressLine(isQuiet: isQuiet)
    let text = try LargeText(
      reader, context: training.context, vocabulary: vocabularySource, limit: limit
    ) { statistics in
      progress.show("reading: \(statistics.tokens) tokens, \(Format.bytes(statistics.bytes))")
    }
    progress.clear()
    try TextOptions.requireText(reader.statistics, texts)
    if !isQuiet { TextOptions.report(reader.statistics) }
    return Source(
      vocabulary: text.vocabulary, sizes: text.sizes, texts: .init("texts", Self.record(text.files)),
      more: [.init("empty_lines", .integer(reader.statistics.emptyLines))]
    ) { try training.train(text, heldOut: $0, isQuiet: isQuiet, save: $1) }
  }

  private static func record(_ texts: [TextStatistics.Text]) -> JSONValue { .array(texts.map(\.json)) }
}
