import Glibc
import LanguageModels
import Threads

/// Evaluates a model on texts.
struct Evaluator {
  private let identity: EvaluatedModel
  private let settings: EvalSettings
  private let context: ContextMode
  private let adaptation: Adaptation
  private let cache: UnigramCache?
  private let place: TokenAccuracy.Place?
  private let input: TextInput

  init(
    path: String, checkpoint: Checkpoint, model: some LanguageModel, adaptation: Adaptation,
    settings: EvalSettings, input: TextInput, tuning: TextInput?
  ) throws {
    (self.settings, self.input, self.adaptation) = (settings, input, adaptation)
    place = try settings.place(in: model.vocabulary, of: path)
    identity = EvaluatedModel(path: path, tokenizer: checkpoint.tokenizer, vocabulary: model.vocabulary)
    let context = settings.context ?? model.defaultContext
    self.context = context
    cache = try settings.cache.cache(for: model, path: path, tokenizer: checkpoint.tokenizer, tuning: tuning)
    {
      try Self.stream(model, adaptation, context) ?? ModelStream(model, context: context)
    }
  }

  /// A text by a model that adapts to it; `nil` if it does not.
  private static func stream(
    _ model: any LanguageModel, _ adaptation: Adaptation, _ context: ContextMode
  ) throws -> (any TextStream)? {
    adaptation.isEmpty ? nil : try (model as? any AdaptableModel)?.makeStream(adaptation, context: context)
  }

  private func reader(_ path: String? = nil) -> SentenceReader {
    input.reader(path, tokenizer: identity.tokenizer)
  }

  private func scorer<Model: LanguageModel>(_ model: Model, reportsOrders: Bool = false) throws -> TextScorer<
    Model
  > {
    TextScorer(
      model: model, context: context, stream: try Self.stream(model, adaptation, context), cache: cache,
      rules: settings.rules, reportsOrders: reportsOrders,
      accuracy: place)
  }

  /// Scores all texts, or one of them.
  func evaluate(_ model: some LanguageModel, path: String? = nil) throws -> EvaluationResult {
    let stopwatch = Stopwatch()
    let reader = reader(path)
    var scorer = try scorer(model)
    Progress.begin("scoring")
    var scored = 0
    try scorer.scoreAll(from: reader) { count in
      scored += count
      Progress.show("\(scored) tokens")
    }
    Progress.end()
    if !settings.common.allowsEmpty {
      try TextFiles.requireText(reader.statistics, path.map { [$0] } ?? input.paths)
    }
    TextFiles.report(reader.statistics)
    return EvaluationResult(
      evaluation: scorer.evaluation, model: identity, statistics: reader.statistics,
      text: path ?? input.name, context: context, adaptation: adaptation, cache: cache, rules: settings.rules,
      seconds: stopwatch.seconds, accuracy: scorer.accuracy, accuracyPlace: settings.shownPlace)
  }

  // MARK: Lines

  /// One line out for each line, or each file, in.
  func writeLines(_ model: some LanguageModel, _ detail: EvalSettings.Detail) throws {
    if detail == .file { return try writeFiles(model) }
    if context == .stream, settings.context == nil {
      Terminal.note(
        "the context runs on across lines, so the numbers of a line depend on the lines before it; "
          + "--context sentence scores each line by itself")
    }
    let reader = reader()
    var scorer = try scorer(model, reportsOrders: detail == .token)
    while true {
      // Written out whenever the next line is not there yet.
      if reader.wouldBlock { try StandardOutput.shared.flush() }
      guard let line = try scorer.nextLine(from: reader) else { return }
      var words: [String] = []
      if detail == .token { reader.tokens.forEach { words.append(String(decoding: $0, as: UTF8.self)) } }
      let scored = ScoredLine(
        line, words: words, vocabulary: model.vocabulary, rules: settings.rules,
        scale: settings.asLog10 ? M_LN10 : 1)
      let text =
        switch (detail, settings.asJSON) {
        case (.token, false): scored.tokenColumns
        case (.token, true): JSONValue.object(scored.sentenceMembers + [scored.tokensMember]).text
        case (_, false): scored.sentenceColumns
        case (_, true): JSONValue.object(scored.sentenceMembers).text
        }
      try StandardOutput.shared.writeBytes((text + "\n").utf8)
    }
  }

  /// Each text by itself, from an empty context and an empty cache; then all of them.
  private func writeFiles(_ model: some LanguageModel) throws {
    var pooled = Evaluation()
    var entropies: [Double] = []
    for path in input.paths {
      let result = try evaluate(model, path: path)
      pooled.add(result.evaluation)
      // A text without tokens has no part in the average.
      if result.evaluation.tokens > 0 { entropies.append(result.evaluation.crossEntropy) }
      let name = path == "-" ? "standard input" : path
      if settings.asJSON {
        StandardOutput.shared.write(result.json(asLog10: settings.asLog10).text + "\n")
      } else {
        writeRow(name, result.evaluation)
      }
      try StandardOutput.shared.endLine()
      for warning in result.warnings { Terminal.warn("\(name): \(warning)") }
    }
    let mean = entropies.reduce(0, +) / Double(entropies.count)
    if settings.asJSON {
      func summary(_ name: String, _ members: [JSONValue.Member]) {
        let text = JSONValue.object(
          [.init("text", .string(name)), .init("model", .string(identity.path))] + members)
        StandardOutput.shared.write(text.text + "\n")
      }
      summary(
        "pooled",
        [
          .init("sentences", .integer(pooled.sentences)), .init("tokens", .integer(pooled.tokens)),
          .init("unknown", .integer(pooled.unknown)),
          .init("cross_entropy_nats", .number(pooled.crossEntropy)),
          .init("perplexity", .number(pooled.perplexity)),
        ])
      summary(
        "macro average",
        [.init("cross_entropy_nats", .number(mean)), .init("perplexity", .number(exp(mean)))])
    } else {
      writeRow("pooled", pooled)
      StandardOutput.shared.write(
        "macro average\t\t\t\t\(Format.significant(mean / scale, 9))\t\(Format.significant(exp(mean), 7))\n")
    }
  }

  private var scale: Double { settings.asLog10 ? M_LN10 : 1 }

  private func writeRow(_ name: String, _ e: Evaluation) {
    StandardOutput.shared.write(
      "\(name.shown)\t\(e.sentences)\t\(e.tokens)\t\(e.unknown)\t\(Format.significant(e.crossEntropy / scale, 9))"
        + "\t\(Format.significant(e.perplexity, 7))\n")
  }
}

extension ScoringRules {
  /// What of the rules is unusual, for the table.
  var rows: [(String, String)] {
    var rows: [(String, String)] = []
    if unknownTypes > 1 { rows.append(("<unk> stands for", "\(unknownTypes) types")) }
    if unknownPenalty != 0 {
      rows.append(("<unk> costs", "\(Format.significant(unknownPenalty, 6)) nats more"))
    }
    if !knowsBeginnings { rows.append(("sentences begin", "without <s>")) }
    return rows
  }

  /// What of the rules is unusual, for programs.
  var members: [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    if unknownTypes > 1 { members.append(.init("oov_types", .integer(unknownTypes))) }
    if unknownPenalty != 0 { members.append(.init("unk_penalty", .number(unknownPenalty))) }
    if !scoresEnds { members.append(.init("eos", .bool(false))) }
    if !knowsBeginnings { members.append(.init("bos", .bool(false))) }
    return members
  }
}
