import Glibc
import LanguageModels

/// An evaluation, and how it is shown.
struct EvaluationResult {
  let evaluation: Evaluation
  let model: EvaluatedModel
  /// What was read: files, sizes, what was passed over.
  let statistics: TextStatistics
  /// How the text is called.
  let text: String
  let context: ContextMode
  var adaptation = Adaptation()
  var cache: UnigramCache?
  var rules = ScoringRules()
  let seconds: Double
  /// How often the likeliest token was right, and where that was counted.
  var accuracy: TokenAccuracy?
  var accuracyPlace = ""

  /// What a user must know before believing the perplexity.
  var warnings: [String] {
    EvaluationWarnings.about(
      statistics, unit: model.tokenizer.unit, tokens: evaluation.tokens, unknown: evaluation.unknown)
      + EvaluationWarnings.about(evaluation) + EvaluationWarnings.about(adaptation, evaluation)
  }

  /// How the model adapted to the text, and the cache that was mixed in, for the table.
  fileprivate var adaptationRows: [(String, String)] {
    var rows: [(String, String)] = []
    if !adaptation.isEmpty { rows.append(("adapted", adaptation.shown)) }
    if let cache {
      rows.append(
        (
          "cache",
          "the last \(Format.count(cache.size, "token")), share \(Format.significant(cache.weight, 4))"
        ))
    }
    return rows
  }

  /// Tokens by the name of the unit.
  private var unit: TextUnit { model.tokenizer.unit }

  /// The table for people.
  ///
  /// - Parameter asLog10: whether logarithms to the base 10 are shown too, as KenLM and SRILM have them.
  func table(asLog10: Bool = false) -> String {
    let e = evaluation
    let empty = statistics.emptyLines
    var rows = [
      ("model", "\(model.path)  (lmctl \(programVersion))"),
      ("text", text),
      (
        "tokens are",
        "\(unit.plural), of a vocabulary of \(model.vocabularySize)  (fingerprint \(model.fingerprint))"
      ),
      (
        "sentences",
        "\(e.sentences)" + (empty > 0 ? "  (\(Format.count(empty, "empty line")) skipped)" : "")
      ),
      ("tokens", "\(e.tokens)  (\(rules.scoresEnds ? "with one" : "without the") end of sentence each)"),
      ("unknown tokens", "\(e.unknown)  (\(Format.percent(e.unknown, of: e.tokens)))"),
    ]
    if e.impossible > 0 { rows.append(("tokens of probability 0", "\(e.impossible)")) }
    rows.append(
      (
        "cross-entropy",
        "\(Format.large(e.crossEntropy, 4)) nats, \(Format.large(e.crossEntropyBits, 4)) bits per token"
          + "  (standard error \(Format.large(e.standardError, 4)) nats)"
      ))
    if asLog10 {
      rows.append(("log10 p of the text", Format.significant(e.logProbability / M_LN10, 9)))
    }
    if e.bytes > 0 { rows.append(("bits per byte", Format.large(e.bitsPerByte, 4))) }
    if e.characters > 0, e.characters != e.bytes {
      rows.append(("bits per character", Format.large(e.bitsPerCharacter, 4)))
    }
    rows += [
      ("perplexity", Format.large(e.perplexity)),
      ("  excluding unknown", Format.large(e.perplexityExcludingUnknown)),
    ]
    if rules.scoresEnds {
      rows += [
        ("  excluding end of sentence", Format.large(e.perplexityExcludingEOS)),
        ("  SRILM's ppl1", Format.large(e.perplexityPerWord)),
      ]
    }
    if let sums = e.normalization {
      let range = "\(Format.significant(sums.smallest, 5)) to \(Format.significant(sums.largest, 5))"
      rows.append(("sums of p", "\(Format.significant(sums.mean, 6)) in the mean, \(range)"))
      rows.append(("  perplexity of p by its sum", Format.large(e.normalizedPerplexity)))
    }
    if let accuracy {
      rows.append(("accuracy \(accuracyPlace)", Self.shown(accuracy)))
    }
    rows.append(
      (
        "context",
        context == .sentence ? "sentence  (restarts at each line)" : "stream  (runs on across lines)"
      ))
    rows += rules.rows
    rows += adaptationRows
    rows.append(("seconds", Format.fixed(seconds, 2)))
    rows += warnings.map { ("warning", $0) }
    return Format.table(rows)
  }

  /// As in `97.25 % of 400  (standard error 0.82 %; the most frequent one 5.00 %)`.
  fileprivate static func shown(_ accuracy: TokenAccuracy) -> String {
    if accuracy.judged == 0 { return "no token to judge" }
    func percent(_ x: Double) -> String { Format.fixed(100 * x, 2) + " %" }
    return "\(percent(accuracy.share)) of \(accuracy.judged)  "
      + "(standard error \(percent(accuracy.standardError)); the most frequent one \(percent(accuracy.chance)))"
  }

  /// The object for programs.
  func json(asLog10: Bool = false) -> JSONValue {
    let e = evaluation
    var members: [JSONValue.Member] = [
      .init("model", .string(model.path)),
      .init("sentences", .integer(e.sentences)),
      .init("tokens", .integer(e.tokens)),
      .init("unknown", .integer(e.unknown)),
      .init("cross_entropy_nats", .number(e.crossEntropy)),
      .init("cross_entropy_bits", .number(e.crossEntropyBits)),
      .init("bits_per_byte", .number(e.bitsPerByte)),
      .init("perplexity", .number(e.perplexity)),
      .init("perplexity_excluding_unknown", .number(e.perplexityExcludingUnknown)),
      .init("perplexity_excluding_eos", .number(e.perplexityExcludingEOS)),
      .init("standard_error", .number(e.standardError)),
      .init("context", .string(context.rawValue)),
      .init("seconds", .number((seconds * 1e6).rounded() / 1e6)),
      .init("zero_probability", .integer(e.impossible)),
      .init("empty_lines", .integer(statistics.emptyLines)),
      .init("text", .string(text)),
      .init("unit", .string(unit.rawValue)),
      .init("vocabulary_size", .integer(model.vocabularySize)),
      .init("vocabulary_fingerprint", .string(model.fingerprint)),
      .init("lmctl_version", .string(programVersion)),
      .init("ppl1", .number(e.perplexityPerWord)),
      .init("bits_per_character", .number(e.bitsPerCharacter)),
    ]
    if asLog10 { members.append(.init("log10_probability", .number(e.logProbability / M_LN10))) }
    if let sums = e.normalization {
      members.append(
        .init(
          "probability_sums",
          [
            "mean": .number(sums.mean), "smallest": .number(sums.smallest), "largest": .number(sums.largest),
            "mean_ln": .number(sums.meanLogarithm),
            "normalized_perplexity": .number(e.normalizedPerplexity),
          ]))
    }
    if let accuracy {
      members.append(
        .init(
          "accuracy",
          [
            "where": .string(accuracyPlace), "judged": .integer(accuracy.judged),
            "correct": .integer(accuracy.correct), "share": .number(accuracy.share),
            "standard_error": .number(accuracy.standardError), "chance": .number(accuracy.chance),
          ]))
    }
    members += rules.members + adaptation.members
    if let cache {
      members += [.init("cache", .integer(cache.size)), .init("cache_weight", .number(cache.weight))]
    }
    return .object(members + [.init("warnings", .array(warnings.map { .string($0) }))])
  }
}

extension TextUnit {
  /// What tokens of it are called.
  var plural: String {
    switch self {
    case .word: "words"
    case .char: "characters"
    case .byte: "bytes"
    case .mixed: "words, and characters of Han and kana"
    }
  }
}

// MARK: Several models

extension [EvaluationResult] {
  /// Whether the text rules of all models leave out of the text the same.
  private var losesAlike: Bool {
    Set(
      map { result in
        var rules = result.model.tokenizer.comparable
        (rules.unit, rules.separator) = (.word, .whiteSpace)
        return rules.json.text
      }
    ).count <= 1
  }

  /// What two results must share to be comparable: the words, and what was counted.
  private func kind(_ result: EvaluationResult) -> String {
    "\(result.model.fingerprint) \(result.evaluation.tokens) \(result.evaluation.sentences)"
  }

  /// How the models adapted, each by its name if they did in different ways.
  private var adaptationRows: [(String, String)] {
    guard let first else { return [] }
    if allSatisfy({ $0.adaptation == first.adaptation && $0.cache?.weight == first.cache?.weight }) {
      return first.adaptationRows
    }
    return flatMap { result in
      result.adaptationRows.map { ($0, "\(result.model.path): \($1)") }
    }
  }

  /// One table of all models, for people.
  func table(asLog10: Bool) -> String {
    guard let first else { return "" }
    var kinds: [String] = []
    for result in self where !kinds.contains(kind(result)) { kinds.append(kind(result)) }
    var rows = [
      ["model", "unit", "context", "vocabulary", "tokens", "unknown", "nats/token"]
        + (asLog10 ? ["log10 p"] : []) + ["bits/byte", "perplexity", "excl. unknown"]
        + (first.accuracy == nil ? [] : ["accuracy"])
    ]
    for result in self {
      let e = result.evaluation
      let number = kinds.firstIndex(of: kind(result)) ?? 0
      let mark = kinds.count < 2 ? "" : " " + String(repeating: "*", count: number + 1)
      rows.append(
        [
          result.model.path, result.model.tokenizer.unit.rawValue, result.context.rawValue,
          "\(result.model.vocabularySize)\(mark)", "\(e.tokens)", Format.percent(e.unknown, of: e.tokens),
          Format.large(e.crossEntropy, 4),
        ] + (asLog10 ? [Format.significant(e.logProbability / M_LN10, 9)] : []) + [
          Format.large(e.bitsPerByte, 4), Format.large(e.perplexity),
          Format.large(e.perplexityExcludingUnknown),
        ] + (result.accuracy.map { [Format.percent($0.correct, of: $0.judged)] } ?? []))
    }
    var text = Format.table(
      [("text", "\(first.text)  (lmctl \(programVersion))")] + first.rules.rows + adaptationRows)
    text += "\n" + Format.columns(rows, leftAligned: 3)
    if kinds.count > 1 {
      text +=
        "\n* the vocabularies, or the tokens, differ: perplexities of different marks cannot be compared; bits per\n"
        + (losesAlike
          ? "  byte can, where few tokens are unknown\n"
          : "  byte cannot either: text rules that change letters, digits or punctuation leave less to predict\n")
    }
    for result in self {
      if let sums = result.evaluation.normalization, abs(sums.mean - 1) > 1e-4 {
        text +=
          "\(result.model.path.withVisibleControls): sums of p \(Format.significant(sums.mean, 6)) in the mean; perplexity of p by its sum "
          + "\(Format.large(result.evaluation.normalizedPerplexity))\n"
      }
      for warning in result.warnings {
        text += "warning: \(result.model.path): \(warning)".withVisibleControls + "\n"
      }
    }
    return text
  }
}
