import Glibc
import LanguageModels
import NeuralModels
import Threads

/// How well a filler predicts each token of a text from all others, and how that is shown: never as a perplexity.
struct FillResult: ShownResult {
  private let evaluation: Evaluation
  private let model: EvaluatedModel
  private let statistics: TextStatistics
  private let text: String
  private let seconds: Double

  /// The settings of `lmctl eval` that go with fillers.
  private static let allowed: Set = ["json", "invalid", "allow-empty"]

  init(
    _ evaluation: Evaluation, _ model: EvaluatedModel, _ statistics: TextStatistics, text: String,
    seconds: Double
  ) {
    (self.evaluation, self.model, self.statistics) = (evaluation, model, statistics)
    (self.text, self.seconds) = (text, seconds)
  }

  /// Measures a filler on texts.
  init(
    _ filler: Filler, _ checkpoint: Checkpoint, path: String, _ settings: EvalSettings, _ input: TextInput,
    given: Arguments
  ) throws {
    if given.has("perplexity") {
      throw UsageError(
        "--perplexity does not go with fillers, which have a pseudo-perplexity: \(path) predicts each token from those on both sides"
      )
    }
    try given.require(Self.allowed, for: "fillers")
    let stopwatch = Stopwatch()
    let reader = input.reader(tokenizer: checkpoint.tokenizer)
    Progress.begin("reading")
    let tokens = try Corpus(from: reader, vocabulary: filler.vocabulary) { Progress.show($0.shown) }.tokens
    if !settings.common.allowsEmpty { try TextFiles.requireText(reader.statistics, input.paths) }
    TextFiles.report(reader.statistics)
    Progress.begin("scoring")
    var scored = 0
    let evaluation = filler.evaluate(tokens) { count in
      scored += count
      Progress.show("\(scored) tokens")
    }
    Progress.end()
    self.init(
      evaluation,
      EvaluatedModel(path: path, tokenizer: checkpoint.tokenizer, vocabulary: filler.vocabulary),
      reader.statistics, text: input.name, seconds: stopwatch.seconds)
  }

  /// The file of the model.
  var path: String { model.path }

  private var warnings: [String] {
    EvaluationWarnings.about(
      statistics, unit: model.tokenizer.unit, tokens: evaluation.tokens, unknown: evaluation.unknown)
  }

  var forPeople: String {
    let e = evaluation
    let empty = statistics.emptyLines
    let rows = [
      ("model", "\(model.path)  (lmctl \(programVersion))"), ("text", text),
      (
        "tokens are",
        "\(model.tokenizer.unit.plural), of a vocabulary of \(model.vocabularySize)  (fingerprint \(model.fingerprint))"
      ),
      (
        "sentences",
        "\(e.sentences)" + (empty > 0 ? "  (\(Format.count(empty, "empty line")) skipped)" : "")
      ),
      ("tokens", "\(e.tokens)  (without the end of sentence)"),
      ("unknown tokens", "\(e.unknown)  (\(Format.percent(e.unknown, of: e.tokens)))"),
      (
        "-ln p of a token",
        "\(Format.large(e.crossEntropy, 4)) nats, given all others of its sentence  (standard error "
          + "\(Format.large(e.standardError, 4)) nats)"
      ), ("pseudo-perplexity", "\(Format.large(e.perplexity))  (not comparable with a perplexity)"),
      ("  excluding unknown", Format.large(e.perplexityExcludingUnknown)),
      ("seconds", Format.fixed(seconds, 2)),
    ]
    return Format.table(rows + warnings.map { ("warning", $0) })
  }

  var forPrograms: JSONValue {
    let e = evaluation
    return .object([
      .init("model", .string(model.path)), .init("task", .string(TaskKind.fill.rawValue)),
      .init("sentences", .integer(e.sentences)), .init("tokens", .integer(e.tokens)),
      .init("unknown", .integer(e.unknown)), .init("pseudo_cross_entropy_nats", .number(e.crossEntropy)),
      .init("pseudo_perplexity", .number(e.perplexity)),
      .init("pseudo_perplexity_excluding_unknown", .number(e.perplexityExcludingUnknown)),
      .init("standard_error", .number(e.standardError)),
      .init("seconds", .number((seconds * 1e6).rounded() / 1e6)),
      .init("empty_lines", .integer(statistics.emptyLines)), .init("text", .string(text)),
      .init("unit", .string(model.tokenizer.unit.rawValue)),
      .init("vocabulary_size", .integer(model.vocabularySize)),
      .init("vocabulary_fingerprint", .string(model.fingerprint)),
      .init("lmctl_version", .string(programVersion)),
      .init("warnings", .array(warnings.map { .string($0) })),
    ])
  }

  /// One line of a table of several.
  fileprivate var row: [String] {
    let e = evaluation
    return [
      model.path, "\(model.vocabularySize)", "\(e.tokens)", Format.percent(e.unknown, of: e.tokens),
      Format.large(e.crossEntropy, 4), Format.large(e.perplexity), Format.large(e.perplexityExcludingUnknown),
    ]
  }
}

extension [FillResult] {
  /// Writes the table of one filler, or one of all, or their objects.
  func write(asJSON: Bool) {
    let text: String
    if asJSON {
      text = (count == 1 ? self[0].forPrograms : .array(map(\.forPrograms))).text + "\n"
    } else if count == 1 {
      text = self[0].forPeople
    } else {
      let header = [
        "model", "vocabulary", "tokens", "unknown", "nats/token", "pseudo-perplexity", "excl. unknown",
      ]
      text = Format.columns([header] + map(\.row), leftAligned: 1)
    }
    StandardOutput.shared.write(text)
  }
}
