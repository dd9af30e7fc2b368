import LanguageModels
import NGramModels

extension Reduction: SettingValues {}

/// How n-gram models are made smaller, when they are trained and later.
enum ReductionSettings {
  static var pruneEntropy: Setting<Reduction> {
    Setting(
      "prune-entropy", \.pruningThreshold, .number("X", "above 0") { $0 > 0 },
      "leave out n-grams that raise the perplexity by less than this fraction, such as 1e-8 (Stolcke)"
    ).excludes("prune-to").typed("prune-threshold", "entropy-pruning")
  }

  static var pruneTo: Setting<Reduction> {
    Setting(
      "prune-to", \.pruningSize, .whole(1...Int.max), "keep only the N best n-grams, words included"
    ).tried("60", "100").typed("max-ngrams", "size")
  }

  static var quantize: Setting<Reduction> {
    Setting(
      "quantize", \.quantizationBits, .whole(2...8, "BITS"),
      "round probabilities to 2^BITS values an order"
    ).typed("quantise", "q", "bits", "quantization")
  }

  static var all: [Setting<Reduction>] { [pruneEntropy, pruneTo, quantize] }
}

extension ReductionStep {
  /// What was done and what it cost, for people.
  var text: String {
    let what =
      switch kind {
      case .pruning: "pruned \(sizeBefore) n-grams to \(sizeAfter)"
      case .quantization(let mean, let largest):
        "quantized: ln p changed by \(Format.significant(mean, 2)) on average, \(Format.significant(largest, 2)) at most"
      }
    guard let (before, after) = heldOut else { return what }
    // What compares is the perplexity of probabilities that sum to one.
    let (old, new) = (before.normalizedPerplexity, after.normalizedPerplexity)
    let percent = 100 * (new / old - 1)
    return
      "\(what); perplexity on the held-out text \(Format.large(old, 2)) to \(Format.large(new, 2))"
      + (percent.isFinite ? ", \(percent < 0 ? "" : "+")\(Format.fixed(percent, 2)) %" : "")
  }

  /// The same for programs.
  var json: JSONValue {
    let own: [JSONValue.Member] =
      switch kind {
      case .pruning: [.init("step", "prune")]
      case .quantization(let mean, let largest):
        [
          .init("step", "quantize"), .init("mean_change_nats", .number(mean)),
          .init("largest_change_nats", .number(largest)),
        ]
      }
    return .object(
      own + [
        .init("ngrams_before", .integer(sizeBefore)), .init("ngrams_after", .integer(sizeAfter)),
        .init("perplexity_before", heldOut.map { .number($0.before.normalizedPerplexity) } ?? .null),
        .init("perplexity_after", heldOut.map { .number($0.after.normalizedPerplexity) } ?? .null),
      ])
  }
}
