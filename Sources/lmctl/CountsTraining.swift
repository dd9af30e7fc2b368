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

  /// What was read, and how the checkpoint records where it comes from, before and behind its sizes.
  private struct Source {
    let vocabulary: Vocabulary
    let sentences: Int
    let tokens: Int
    let unknownTokens: Int
    let texts: JSONValue.Member
    var more: [JSONValue.Member] = []
    /// Trains on it.
    let train: (_ heldOut: Corpus?, _ save: (JSONValue, [Tensor]) throws -> Void) throws -> any EstimatedModel
  }

  /// Reads, trains, writes, evaluates.
  func run() throws {
    let watch = Stopwatch()
    let source = try countsPath.map { try readCounts($0) } ?? readTexts()
    if !isQuiet {
      Terminal.note(
        "read \(Format.count(source.sentences, "sentence")), \(Format.count(source.tokens, "token")) "
          + "in \(Format.fixed(watch.seconds, 2)) s; vocabulary of \(source.vocabulary.count)")
    }
    var heldOut: Corpus?
    if let validPath {
      let reader = try TextOptions.reader([validPath], tokenizer: tokenizer)
      heldOut = try Corpus(from: reader, vocabulary: source.vocabulary)
      try TextOptions.requireText(reader.statistics, [validPath])
    }
    let model = try source.train(heldOut) { configuration, tensors in
      let record = JSONValue.object(
        [
          source.texts, .init("sentences", .integer(source.sentences)),
          .init("tokens", .integer(source.tokens)), .init("unknown", .integer(source.unknownTokens)),
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

  private func readCounts(_ path: String) throws -> Source {
    let counted = try CountedText(
      ByteSource(path: path), order: training.order, unit: tokenizer.unit, vocabulary: vocabularySource)
    return Source(
      vocabulary: counted.vocabulary, sentences: counted.sentences, tokens: counted.tokens,
      unknownTokens: counted.unknownTokens, texts: .init("counts", Self.record([counted.file]))
    ) { try training.train(counted, heldOut: $0, isQuiet: isQuiet, save: $1) }
  }

  private func readTexts() throws -> Source {
    guard let limit else { throw UsageError("--memory is missing") }
    if !isQuiet { CountingOptions.announce(limit, order: training.order, texts) }
    let reader = try TextOptions.reader(texts, tokenizer: tokenizer, hashing: true)
    var progress = ProgressLine(isQuiet: isQuiet)
    let text = try LargeText(
      reader, context: training.context, vocabulary: vocabularySource, limit: limit
    ) { statistics in
      progress.show("reading: \(statistics.tokens) tokens, \(Format.bytes(statistics.bytes))")
    }
    progress.clear()
    try TextOptions.requireText(reader.statistics, texts)
    if !isQuiet {
      TextOptions.report(reader.statistics)
      CountingOptions.check(limit, vocabularySize: text.vocabulary.count)
    }
    return Source(
      vocabulary: text.vocabulary, sentences: text.sentences, tokens: text.tokens,
      unknownTokens: text.unknownTokens, texts: .init("texts", Self.record(reader.statistics.texts)),
      more: [.init("empty_lines", .integer(reader.statistics.emptyLines))]
    ) { try training.train(text, heldOut: $0, isQuiet: isQuiet, save: $1) }
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
