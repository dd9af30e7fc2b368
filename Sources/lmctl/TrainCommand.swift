import LanguageModels
import NGramModels

/// `lmctl train`.
enum TrainCommand: Command {
  static let name = "train"
  static let summary = "train a model on text and write it as JSON"
  static let operands = "--model KIND [OPTION…] TEXT…"
  static let discussion = """
    Reads the texts (one sentence a line), settles the vocabulary, trains the model and writes a checkpoint. With
    --valid, the model is then evaluated on held-out text, and the result goes to standard output.
    """
  static let options: [(heading: String, options: [Option])] = [
    (
      "model",
      [
        Option("model", ModelKind.self, "the kind of model"),
        Option(
          "output", short: "o", "FILE",
          "where the checkpoint goes; - for standard output\n(default: model.json)"),
        Option("valid", "FILE", "held-out text to evaluate the model on"),
        Option("tensors", TensorFormat.self, "how numbers are written (default: base64)"),
      ]
    ),
    (
      "n-grams (--model ngram)",
      [
        Option("order", "N", "length of the longest n-grams, 1 to 16 (default: 3)"),
        Option(
          "smoothing", Smoothing.self, "what unseen n-grams get\n(default: modified-kneser-ney)"),
        Option("delta", "X", "what additive smoothing adds to each count (default: 1)"),
        Option(
          "context", ContextMode.self, "whether n-grams reach across lines (default: sentence)"),
      ]
    ),
    (
      "text",
      [
        TextOptions.unit, TextOptions.lowercase, TextOptions.minimumCount, TextOptions.maximumSize,
        TextOptions.vocabulary, TextOptions.invalid,
      ]
    ),
    ("other", [TextOptions.quiet]),
  ]
  static let examples = [
    "lmctl train --model ngram --order 5 train.txt --valid valid.txt -o kn5.json",
    "zcat news.gz | lmctl train --model ngram --order 5 -o kn5.json -",
    "lmctl train --model ngram --order 8 --unit char book.txt",
  ]

  static func run(_ arguments: Arguments) throws {
    let models = ModelKind.allCases.map(\.rawValue).joined(separator: ", ")
    guard let kind = try arguments.choice("model", ModelKind.self) else {
      throw UsageError("--model is missing; it takes one of \(models)")
    }
    let tokenizer = try TextOptions.tokenizer(arguments)
    let options = try ngramOptions(arguments)
    let format = try arguments.choice("tensors", TensorFormat.self) ?? .base64
    let output = arguments.string("output") ?? "model.json"
    let paths = arguments.operands
    if paths.isEmpty, try ByteSource(path: "-").isTerminal {
      throw UsageError("no training text; name a file, or - for standard input")
    }
    if arguments.string("valid") == "-", paths.isEmpty || paths.contains("-") {
      throw UsageError("standard input ('-') can be read only once")
    }
    // What cannot succeed fails before the work, not after it.
    let vocabularySource = try TextOptions.vocabulary(arguments, tokenizer: tokenizer)
    if let valid = arguments.string("valid"), valid != "-" { _ = try ByteSource(path: valid) }
    try AtomicFile.check(path: output)

    let isQuiet = arguments.has("quiet")
    let watch = Stopwatch()
    var progress = ProgressLine(isQuiet: isQuiet)
    let reader = try TextOptions.reader(paths, tokenizer: tokenizer, hashing: true)
    let (corpus, vocabulary) = try Corpus.build(from: reader, vocabulary: vocabularySource) { statistics in
      progress.show("reading: \(statistics.tokens) tokens, \(Format.bytes(statistics.bytes))")
    }
    try TextOptions.requireText(corpus.statistics, paths)
    if !isQuiet { report(corpus, vocabulary, seconds: watch.seconds, &progress) }

    let model: NGramModel
    switch kind {
    case .ngram:
      model = NGramModel(tokens: corpus.tokens, vocabulary: vocabulary, options: options) { notice in
        progress.clear()
        if !isQuiet { Terminal.note("warning: \(notice)") }
      } progress: { order in
        progress.show("counting n-grams of order \(order)")
      }
    }
    progress.clear()
    let trained = watch.seconds
    let checkpoint = Checkpoint(
      model: kind.rawValue, programVersion: programVersion, tokenizer: tokenizer, vocabulary: vocabulary,
      configuration: model.configuration, training: trainingRecord(corpus), tensors: model.tensors)
    try checkpoint.write(to: output, tensors: format)
    if !isQuiet {
      let counts = model.trie.levelCounts.enumerated().map { "\($0 + 1): \($1)" }.joined(separator: ", ")
      Terminal.note("n-grams by order: \(counts)")
      Terminal.note(
        "wrote \(output == "-" ? "the model to standard output" : output) in \(Format.fixed(watch.seconds, 2)) s "
          + "(\(Format.fixed(trained, 2)) s without writing)")
    }
    if let valid = arguments.string("valid") {
      let result = try EvalCommand.evaluate(
        model, [valid], tokenizer: tokenizer, context: model.defaultContext)
      StandardOutput.shared.write(result.table(model: output, texts: [valid]))
    }
  }

  private static func ngramOptions(_ arguments: Arguments) throws -> NGramModel.Options {
    var options = NGramModel.Options()
    options.order = try arguments.integer("order", in: 1...16) ?? options.order
    options.smoothing = try arguments.choice("smoothing") ?? options.smoothing
    options.context = try arguments.choice("context") ?? options.context
    if let delta = try arguments.number("delta", "above 0", { $0 > 0 }) {
      guard options.smoothing.takesDelta else {
        throw UsageError("--delta goes with --smoothing additive, not with '\(options.smoothing.rawValue)'")
      }
      options.delta = delta
    }
    return options
  }

  private static func report(
    _ corpus: Corpus, _ vocabulary: Vocabulary, seconds: Double, _ progress: inout ProgressLine
  ) {
    progress.clear()
    let statistics = corpus.statistics
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

  private static func trainingRecord(_ corpus: Corpus) -> JSONValue {
    let statistics = corpus.statistics
    return [
      "texts": .array(
        statistics.texts.map { text in
          [
            "name": .string(text.name), "bytes": .integer(text.bytes),
            "sha256": text.sha256.map { .string($0) } ?? .null,
          ]
        }),
      "sentences": .integer(statistics.sentences),
      "tokens": .integer(statistics.tokens),
      "unknown": .integer(corpus.unknownTokens),
      "empty_lines": .integer(statistics.emptyLines),
    ]
  }
}
