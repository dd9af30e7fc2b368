import LanguageModels
import NGramModels

/// `lmctl train --model ngram` with `--counts`, which takes counts in place of texts, or with `--memory`, which counts texts in parts.
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
      if limit != nil {
        throw UsageError("--memory bounds the counting of texts, and --counts has them counted")
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

  /// Reads, trains, writes, evaluates.
  func run() throws {
    let watch = Stopwatch()
    let (counted, origin) = try count()
    if !isQuiet {
      Terminal.note(
        "counted \(Format.count(counted.sentences, "sentence")), \(Format.count(counted.tokens, "token")) "
          + "in \(Format.fixed(watch.seconds, 2)) s; vocabulary of \(counted.vocabulary.count)")
    }
    var heldOut: Corpus?
    if let validPath {
      let reader = try TextOptions.reader([validPath], tokenizer: tokenizer)
      heldOut = try Corpus(from: reader, vocabulary: counted.vocabulary)
      try TextOptions.requireText(reader.statistics, [validPath])
    }
    let model = try training.train(counted, heldOut: heldOut, isQuiet: isQuiet) { configuration, tensors in
      let record = JSONValue.object(
        origin.texts + [
          .init("sentences", .integer(counted.sentences)), .init("tokens", .integer(counted.tokens)),
          .init("unknown", .integer(counted.unknownTokens)),
        ] + origin.more)
      try Checkpoint(
        model: ModelKind.ngram.rawValue, programVersion: programVersion, tokenizer: tokenizer,
        vocabulary: counted.vocabulary, configuration: configuration, training: record, tensors: tensors
      ).write(to: output, tensors: format)
    }
    if !isQuiet { Terminal.note("wrote \(output) in \(Format.fixed(watch.seconds, 2)) s") }
    guard let validPath, let heldOut else { return }
    let table = EvaluationResult(of: TrainedModel(model: model), on: heldOut, isQuiet: isQuiet).table(
      model: output, texts: [validPath])
    if output == "-" { Terminal.error(table) } else { StandardOutput.shared.write(table) }
  }

  /// The counts, and what the checkpoint records of where they come from, before and behind their sizes.
  private func count() throws -> (CountedText, origin: (texts: [JSONValue.Member], more: [JSONValue.Member]))
  {
    if let countsPath {
      let counted = try CountedText(
        ByteSource(path: countsPath), order: training.order, unit: tokenizer.unit,
        vocabulary: vocabularySource)
      return (counted, ([.init("counts", Self.record([counted.file].compactMap { $0 }))], []))
    }
    guard let limit else { throw UsageError("--memory is missing") }
    if !isQuiet { CountingOptions.announce(limit, order: training.order, texts) }
    let reader = try TextOptions.reader(texts, tokenizer: tokenizer, hashing: true)
    var progress = ProgressLine(isQuiet: isQuiet)
    let counted = try CountedText(
      counting: reader, order: training.order, context: training.context, limit: limit,
      vocabulary: vocabularySource
    ) { statistics in
      progress.show("counting: \(statistics.tokens) tokens, \(Format.bytes(statistics.bytes))")
    }
    progress.clear()
    if !isQuiet { TextOptions.report(reader.statistics) }
    return (
      counted,
      (
        [.init("texts", Self.record(reader.statistics.texts))],
        [.init("empty_lines", .integer(reader.statistics.emptyLines))]
      )
    )
  }

  private static func record(_ texts: [TextStatistics.Text]) -> JSONValue {
    .array(
      texts.map { text in
        [
          "name": .string(text.name), "bytes": .integer(text.bytes),
          "sha256": text.sha256.map { .string($0) } ?? .null,
        ]
      })
  }
}
