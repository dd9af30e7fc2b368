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
  var cache: UnigramCache?
  var rules = ScoringRules()
  let seconds: Double

  /// What a user must know before believing the perplexity.
  var warnings: [String] {
    EvaluationWarnings.about(
      statistics, unit: model.tokenizer.unit, tokens: evaluation.tokens, unknown: evaluation.unknown)
      + EvaluationWarnings.about(evaluation)
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
        "\(Format.fixed(e.crossEntropy, 4)) nats, \(Format.fixed(e.crossEntropyBits, 4)) bits per token"
          + "  (standard error \(Format.fixed(e.standardError, 4)) nats)"
      ))
    if asLog10 {
      rows.append(("log10 p of the text", Format.significant(e.logProbability / M_LN10, 9)))
    }
    if e.bytes > 0 { rows.append(("bits per byte", Format.fixed(e.bitsPerByte, 4))) }
    if e.characters > 0, e.characters != e.bytes {
      rows.append(("bits per character", Format.fixed(e.bitsPerCharacter, 4)))
    }
    rows += [
      ("perplexity", Format.perplexity(e.perplexity)),
      ("  excluding unknown", Format.perplexity(e.perplexityExcludingUnknown)),
    ]
    if rules.scoresEnds {
      rows += [
        ("  excluding end of sentence", Format.perplexity(e.perplexityExcludingEOS)),
        ("  SRILM's ppl1", Format.perplexity(e.perplexityPerWord)),
      ]
    }
    if let sums = e.normalization {
      let range = "\(Format.significant(sums.smallest, 5)) to \(Format.significant(sums.largest, 5))"
      rows.append(("sums of p", "\(Format.significant(sums.mean, 6)) in the mean, \(range)"))
      rows.append(("  perplexity of p by its sum", Format.perplexity(e.normalizedPerplexity)))
    }
    rows.append(
      (
        "context",
        context == .sentence ? "sentence  (restarts at each line)" : "stream  (runs on across lines)"
      ))
    rows += rules.rows
    if let cache {
      let share = Format.significant(cache.weight, 4)
      rows.append(("cache", "the last \(Format.count(cache.size, "token")), share \(share)"))
    }
    rows.append(("seconds", Format.fixed(seconds, 2)))
    rows += warnings.map { ("warning", $0) }
    return Format.table(rows)
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
    members += rules.members
    if let cache {
      members += [.init("cache", .integer(cache.size)), .init("cache_weight", .number(cache.weight))]
    }
    return .object(members + [.init("warnings", .array(warnings.map { .string($0) }))])
  }
}

extension TextUnit {
  /// What tokens of it are called.
  fileprivate var plural: String {
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
  /// Whether all models give probabilities to the same tokens.
  private var isComparable: Bool { Set(map(\.model.fingerprint)).count < 2 }

  /// One table of all models, for people.
  func table() -> String {
    var fingerprints: [String] = []
    for result in self where !fingerprints.contains(result.model.fingerprint) {
      fingerprints.append(result.model.fingerprint)
    }
    var rows = [
      [
        "model", "unit", "vocabulary", "tokens", "unknown", "nats/token", "bits/byte", "perplexity",
        "excl. unknown",
      ]
    ]
    for result in self {
      let e = result.evaluation
      let mark =
        isComparable
        ? ""
        : " "
          + String(repeating: "*", count: (fingerprints.firstIndex(of: result.model.fingerprint) ?? 0) + 1)
      rows.append([
        result.model.path, result.model.tokenizer.unit.rawValue, "\(result.model.vocabularySize)\(mark)",
        "\(e.tokens)", Format.percent(e.unknown, of: e.tokens), Format.fixed(e.crossEntropy, 4),
        Format.fixed(e.bitsPerByte, 4), Format.perplexity(e.perplexity),
        Format.perplexity(e.perplexityExcludingUnknown),
      ])
    }
    var text = first.map { "text  \($0.text)  (lmctl \(programVersion))\n\n" } ?? ""
    text += Format.columns(rows, leftAligned: 2)
    if !isComparable {
      text +=
        "\n* the vocabularies differ: perplexities of different marks cannot be compared; bits per byte can, where\n"
        + "  few tokens are unknown\n"
    }
    for result in self {
      for warning in result.warnings { text += "warning: \(result.model.path): \(warning)\n" }
    }
    return text
  }
}
