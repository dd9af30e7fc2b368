import Glibc
import LanguageModels

/// What a user must know before believing a perplexity.
enum EvaluationWarnings {
  /// From this share of unknown tokens on, a perplexity is one of guessing what cannot be guessed …
  private static let manyUnknown = 0.2
  /// … and from this one on, model and text have little in common.
  private static let mostlyUnknown = 0.5
  /// From this mean of |ln Σp| on, in nats, the sums make a difference that shows.
  private static let deviation = 1e-3

  /// Warnings about a text as a model sees it.
  ///
  /// - Parameters:
  ///   - tokens: those of the text.
  ///   - unknown: how many of them are unknown.
  static func about(
    _ statistics: TextStatistics, unit: TextUnit, tokens: Int, unknown: Int
  ) -> [String] {
    var warnings: [String] = []
    let isUnsegmented = statistics.looksUnsegmented
    if isUnsegmented {
      warnings.append(
        "the \"words\" look like sentences of a language that writes no spaces between words; use --unit char"
          + (unit == .word ? ", --unit mixed," : "") + " or put spaces between words")
    }
    let share = Double(unknown) / Double(max(1, tokens))
    if share >= manyUnknown {
      let percent = Format.fixed(100 * share, 1)
      let what =
        share >= mostlyUnknown
        ? "text and model share little vocabulary: \(percent) % of the tokens are unknown"
        : "\(percent) % of the tokens are unknown"
      warnings.append("\(what), so a perplexity with them says little" + (isUnsegmented ? "" : advice(unit)))
    }
    return warnings
  }

  private static func advice(_ unit: TextUnit) -> String {
    switch unit {
    case .word, .mixed:
      "; compare bits per byte, or use a larger vocabulary or text rules that fit"
    case .char, .byte: "; the text may be in another script or encoding than the model's"
    }
  }

  /// A warning if the probabilities do not sum to one.
  static func about(_ evaluation: Evaluation) -> [String] {
    guard let sums = evaluation.normalization, abs(sums.meanLogarithm) >= deviation,
      evaluation.perplexity.isFinite
    else { return [] }
    let less = sums.meanLogarithm < 0
    return [
      "what the probabilities after a context sum to has the geometric mean "
        + "\(Format.significant(exp(sums.meanLogarithm), 4)), so the perplexity is too \(less ? "high" : "low"): of probabilities that sum to one it would be "
        + Format.large(evaluation.normalizedPerplexity)
    ]
  }

  /// A warning if steps were so large that the weights ran away.
  static func about(_ adaptation: Adaptation, _ evaluation: Evaluation) -> [String] {
    guard let dynamic = adaptation.dynamic, evaluation.tokens > 0, !evaluation.perplexity.isFinite else {
      return []
    }
    return [
      "the weights that follow the text ran away; --dynamic-rate \(Format.significant(dynamic.rate, 3)) is too large"
    ]
  }
}
