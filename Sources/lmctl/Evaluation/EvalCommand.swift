import LanguageModels
import NGramModels

/// `lmctl eval`.
enum EvalCommand: Command {
  static let name = "eval"
  static let summary = "measure a model on text: cross-entropy, perplexity, accuracy"
  static let operands = "MODEL… [OPTION…] [TEXT…]"
  static let discussion = """
    Scores every token of the texts exactly once, the ends of sentences and unknown tokens included, and prints a table;
    of several models, one table of all. Models come first, then texts; which is which, their content tells. Without a text, or
    with -, it reads standard input. With --per, it writes one line for every line it reads, at once if the input is a pipe,
    so that another program can use it as a service:
      --per sentence   tokens, unknown tokens, ln p(sentence), perplexity (nan for
                       an empty line)
      --per token      for each token: the token (an unknown one with /<unk> behind
                       it), ln p(token), and the order of the n-gram it rests on
      --per file       for each text: its name, sentences, tokens, unknown tokens,
                       cross-entropy, perplexity; then pooled, and as a macro
                       average: the mean of the cross-entropies, and e^mean;
                       each text begins with an empty context and cache
    in tab-separated columns; with --json, each line is a JSON object.

    With --dynamic and --neural-cache, networks, alone or in a mixture, adapt to the text, each token being scored before anything is learnt
    from it; --cache goes with every model. The file of the model stays as it is, and each document (--document-separator) or file (--per
    file) finds the model as it was trained.

    Classifiers (lmctl train --task classify) are measured on labelled texts: accuracy with its interval (Wilson 1927), macro-F1, a table of the
    labels and one of what was taken for what; several of them side by side, the others compared with the first by McNemar's test. With
    --per sentence, each line has the labels of a text, the likeliest one, its probability, and 1 if it is right.

    Fillers (lmctl train --task fill) predict each token from all others of its sentence; the ends of sentences are seen and not scored. The
    exponential of the mean of -ln p is the pseudo-perplexity (Salazar et al. 2020), which no perplexity can be compared with.

    Translators (lmctl train --task translate) are measured on sentences and their translations, in two texts, line by line, or in one with
    tabs between: perplexity of the translations given their sources, how many lines they translate exactly, BLEU and chrF (see lmctl help
    bleu). With --per sentence, each line is that of a pair.

    With --pairs, it says how often the better of two sentences is found the likelier: by ln p of the whole sentences, ends included, each
    by itself. Two that are equally likely in single precision tie, which counts half.
    """
  nonisolated(unsafe) static let settings = EvalSettings.table
  static let typed = ["score", "evaluate", "test", "ppl", "perplexity", "query", "measure"]
  static let configurationExample = (
    line: "lmctl eval model.json test.txt --config run.json", file: #"{"per": "sentence", "json": true}"#
  )
  static let examples = [
    "lmctl eval kn5.json test.txt",
    "lmctl eval kn5.json lstm.json test.txt",
    "lmctl eval --perplexity kn5.json test.txt.gz",
    "lmctl eval kn5.json --cache 500 --tune valid.txt test.txt",
    "lmctl eval lstm.json --dynamic --neural-cache 500 --tune valid.txt test.txt",
    "lmctl eval kn5.json lstm.json --pairs pairs.tsv",
    "lmctl sample kn5.json --count 100 | lmctl eval kn5.json --per sentence",
    "lmctl eval classifier.json reviews.txt",
    "lmctl eval translator.json test.ja test.en --beam 12",
  ]

  static func run(_ settings: EvalSettings, _ operands: [String], given: Arguments) throws {
    if let path = settings.pairsPath { return try judge(pairs: path, operands, settings, given) }
    let (models, input) = try files(operands, documentSeparator: settings.documentSeparator)
    let (tuningPath, statisticsPath) = (settings.cache.tuningPath, settings.adaptation.statisticsPath)
    try TextFiles.requireSingleStandardInput(input.paths, models[0], tuningPath, statisticsPath)
    let (tuning, statistics) = (try settings.otherText(tuningPath), try settings.otherText(statisticsPath))
    if models.count > 1, let detail = settings.detail {
      throw UsageError("--per \(detail.rawValue) takes one model, not \(models.count)")
    }
    var results: [EvaluationResult] = []
    var labelled: [ClassificationResult] = []
    var filled: [FillResult] = []
    var translated: [TranslationResult] = []
    var first: (path: String, task: TaskKind)?
    for path in models {
      let (stored, checkpoint) = try ModelKind.loadAny(path: path, settings.text, given)
      let task = TaskKind(of: checkpoint)
      if let first, first.task != task {
        throw FileError(
          path: path,
          reason: "is \(task.noun), and \(first.path) is \(first.task.noun); they are not comparable"
            + (Set([first.task, task]) == [.fill, .language] ? "; lmctl fill --accuracy compares both" : "")
        )
      }
      first = first ?? (path, task)
      switch stored {
      case .filler(let filler):
        filled.append(try FillResult(filler, checkpoint, path: path, settings, input, given: given))
      case .classifier(let classifier):
        let evaluator = try ClassifierEvaluator(settings, input, given: given)
        if settings.detail != nil { return try evaluator.writeLines(classifier, checkpoint) }
        labelled.append(try evaluator.evaluate(classifier, checkpoint, path: path))
      case .translator(let translator):
        let evaluator = try TranslatorEvaluator(settings, input, given: given)
        if settings.detail != nil { return try evaluator.writeLines(translator, checkpoint) }
        translated.append(try evaluator.evaluate(translator, checkpoint, path: path))
      case .language(let loaded):
        for name in ["beam", "length-penalty", "max-tokens"]
        where given.has(name) && !given.isFromEnvironment(name) {
          throw UsageError("--\(name) goes with translators, and \(path) is none")
        }
        let loaded = try required(loaded, checkpoint, path, settings)
        let takesStatistics = settings.adaptation.isDynamic && statistics == nil
        if tuning != nil, !settings.adaptation.hasChoice, !settings.cache.hasChoice, !takesStatistics,
          !(loaded is Mixture)
        {
          throw UsageError(
            "--tune has nothing to choose: all constants are given; leave it, or one of them, out")
        }
        let prepared = try settings.adaptation.prepare(
          loaded, path: path, tokenizer: checkpoint.tokenizer,
          context: settings.context ?? loaded.defaultContext, statistics: statistics, tuning: tuning)
        let model = prepared.model
        let evaluator = try Evaluator(
          path: path, checkpoint: checkpoint, model: model, adaptation: prepared.adaptation,
          settings: settings, input: input, tuning: tuning)
        if let detail = settings.detail { return try evaluator.writeLines(model, detail) }
        results.append(try evaluator.evaluate(model))
      }
    }
    switch first?.task {
    case .fill: filled.write(asJSON: settings.asJSON)
    case .translate: write(translated, settings)
    case .classify: write(labelled, settings)
    case .language, nil: try write(results, settings)
    }
  }

  /// The models, and the texts behind them.
  ///
  /// - Parameters:
  ///   - command: whose operands they are.
  ///   - isReadAgain: whether each model reads the texts.
  static func files(
    _ operands: [String], of command: String = name, isReadAgain: Bool = true,
    documentSeparator: String? = nil
  ) throws -> (models: [String], input: TextInput) {
    guard let first = operands.first else {
      throw UsageError("no model; give the checkpoint, then the texts: lmctl \(command) model.json test.txt")
    }
    if operands.count > 1, first != "-", let source = try? ByteSource(path: first), !source.isInteractive,
      try FileKind(source) == .text, try FileKind(ByteSource(path: operands[1])).isModel
    {
      throw UsageError(
        "'\(first)' is a text; models come before texts: lmctl \(command) \(operands[1]) \(first)")
    }
    var models = [first]
    var opened: [String: ByteSource] = [:]
    for path in operands.dropFirst() {
      if path == "-" { break }
      let source = try ByteSource(path: path)
      let kind = try FileKind(source)
      if source.isInteractive { opened[path] = source }
      guard kind.isModel else { break }
      if source.isInteractive {
        throw FileError(path: path, reason: "is a pipe, from which only the first model can be read")
      }
      models.append(path)
    }
    let texts = Array(operands.dropFirst(models.count))
    return (
      models,
      try TextInput(
        texts, opened: opened, isReadAgain: isReadAgain && models.count > 1,
        documentSeparator: documentSeparator)
    )
  }

  /// A model as the settings want it.
  private static func required(
    _ model: any LanguageModel, _ checkpoint: Checkpoint, _ path: String, _ settings: EvalSettings
  ) throws -> any LanguageModel {
    var model = model
    if !settings.rules.knowsBeginnings {
      guard let ngrams = model as? NGramModel else {
        throw UsageError(
          "--no-bos goes with single n-gram models, and \(path) holds a model of kind '\(checkpoint.model)'"
        )
      }
      model = ngrams.withoutSentenceStart
    }
    if model is Mixture, settings.context == .stream, model.defaultContext == .sentence {
      throw UsageError(
        "--context stream has no effect on \(path), a mixture of n-grams, each of which begins anew with each sentence; leave it out"
      )
    }
    let isMeasured = settings.pairsPath == nil && (settings.detail == nil || settings.detail == .file)
    if isMeasured, !model.isNormalized {
      throw FileError(
        path: path,
        reason:
          "its numbers are scores that do not sum to one (stupid back-off), so they have no perplexity; "
          + "--per sentence and --per token show them")
    }
    return model
  }

  /// Judges pairs of sentences in place of texts.
  private static func judge(
    pairs file: String, _ models: [String], _ settings: EvalSettings, _ given: Arguments
  ) throws {
    if models.isEmpty {
      throw UsageError("no model; give the checkpoint: lmctl eval model.json --pairs \(file)")
    }
    try TextFiles.requireSingleStandardInput(models, file)
    let source = try ByteSource(path: file)
    Terminal.announce(source)
    try TextFiles.requireText(source)
    let pairs = try MinimalPair.read(from: source, groupedBy: settings.groupMember)
    var results: [PairEvaluation] = []
    for path in models {
      if path != "-", let source = try? ByteSource(path: path), !source.isInteractive,
        try FileKind(source) == .text
      {
        throw UsageError("'\(path)' is a text; --pairs takes the place of texts")
      }
      let (loaded, checkpoint) = try ModelKind.load(path: path, settings.text, given)
      let model = try required(loaded, checkpoint, path, settings)
      results.append(try PairEvaluation(model, path: path, checkpoint.tokenizer, pairs, file: source.name))
    }
    let output = StandardOutput.shared
    if settings.asJSON {
      let objects = results.map { $0.json(file: source.name) }
      output.write((objects.count == 1 ? objects[0] : .array(objects)).text + "\n")
    } else {
      output.write(results.table(file: source.name))
    }
  }

  private static func write(_ results: [ClassificationResult], _ settings: EvalSettings) {
    let output = StandardOutput.shared
    if settings.onlyCrossEntropy {
      for result in results {
        output.write(Format.significant(result.report.crossEntropy, 8) + "\n")
        for warning in result.warnings { Terminal.warn("\(result.path): \(warning)") }
      }
    } else if settings.asJSON {
      output.write(results.json.text + "\n")
    } else {
      output.write(results.count == 1 ? results[0].forPeople : results.table)
    }
  }

  private static func write(_ results: [TranslationResult], _ settings: EvalSettings) {
    let output = StandardOutput.shared
    if settings.onlyPerplexity || settings.onlyCrossEntropy {
      for result in results {
        let value = settings.onlyPerplexity ? result.loss.perplexity : result.loss.crossEntropy
        output.write(Format.significant(value, 8) + "\n")
      }
    } else if settings.asJSON {
      let objects = results.map(\.forPrograms)
      output.write((objects.count == 1 ? objects[0] : .array(objects)).text + "\n")
    } else {
      output.write(results.count == 1 ? results[0].forPeople : results.table)
    }
  }

  private static func write(_ results: [EvaluationResult], _ settings: EvalSettings) throws {
    let output = StandardOutput.shared
    if settings.onlyPerplexity || settings.onlyCrossEntropy {
      for result in results {
        let e = result.evaluation
        output.write(Format.significant(settings.onlyPerplexity ? e.perplexity : e.crossEntropy, 8) + "\n")
        // A number that means little is not left to stand alone.
        for warning in result.warnings { Terminal.warn("\(result.model.path): \(warning)") }
      }
    } else if settings.asJSON {
      let objects = results.map { $0.json(asLog10: settings.asLog10) }
      output.write((objects.count == 1 ? objects[0] : .array(objects)).text + "\n")
    } else {
      output.write(
        results.count == 1
          ? results[0].table(asLog10: settings.asLog10) : results.table(asLog10: settings.asLog10))
    }
  }
}

extension EvalSettings {
  /// A text beside those that are evaluated, which every model reads, and perhaps more than once; an error if it cannot be read.
  fileprivate func otherText(_ path: String?) throws -> TextInput? {
    guard let path else { return nil }
    if path != "-" { _ = try ByteSource(path: path) }
    return try TextInput([path], isReadAgain: true, documentSeparator: documentSeparator)
  }
}
