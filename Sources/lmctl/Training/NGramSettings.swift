import LanguageModels
import NGramModels

/// The settings of `lmctl train --model ngram`.
extension TrainSettings {
  static var ngrams: SettingGroup<Self> {
    SettingGroup("n-grams (--model ngram)", models: [.ngram]) {
      Setting(
        "smoothing", \.ngram.smoothing, .choice("METHOD", typed: methodsByOtherNames),
        "what unseen n-grams get"
      ).rule { values, _ in
        values.learns == .classify && !values.ngram.smoothing.isNormalized
          ? "\(values.ngram.smoothing.rawValue) does not go with --task classify: Bayes' rule takes probabilities, and its scores are none"
          : nil
      }.typed(
        "discounting", "method", "discount", "kndiscount", "ukndiscount", "wbdiscount", "gtdiscount",
        "interpolate")
      Setting(
        flag: "backoff", \.isBackedOff, "lower orders only for words that do not follow a context"
      ).rule { values, _ in
        values.ngram.smoothing.forms.contains(.backedOff)
          ? nil
          : "does not go with --smoothing \(values.ngram.smoothing.rawValue), which has no backed-off form"
      }.typed("no-interpolation", "back-off")
      Setting(
        "delta", \.ngram.delta, .number("X", "from 1e-9 to 1e9") { (1e-9...1e9).contains($0) },
        "what additive smoothing adds to each count"
      ).inEffect { $0.ngram.smoothing.takesDelta && $0.tuningPath == nil }.of(\.takesDelta).typed(
        "addsmooth", "lambda", "k", "alpha", "gamma")
      Setting(
        "discounts", \.ngram.discounts, "D,...",
        "fixed discounts, for each order from 1; the last serve all higher orders. absolute and kneser-ney: 0.7,0.8; "
          + "modified-kneser-ney: 0.5/1/1.5,0.7/1.2/1.6",
        examples: ["0.7,0.8", "0.5/1/1.5"],
        json: { discounts in
          discounts.map { orders in
            .string(
              orders.map { order in order.map { "\($0)" }.joined(separator: "/") }.joined(separator: ","))
          } ?? .null
        }, parse: { try discounts($0, $1.ngram.smoothing) }
      ).of { $0.discountCount > 0 }.typed("cdiscount", "discount-values")
      Setting(
        "katz-limit", \.ngram.katzLimit, .whole(1...GoodTuring.maximumLimit, "K"),
        "good-turing: the largest count that is discounted"
      ).inEffect { $0.ngram.smoothing == .goodTuring }.of { $0 == .goodTuring }.typed("gtmax")
      Setting(
        "tune", \.tuningPath, .file,
        "held-out text to choose the discounts, the delta or the interpolation weights on"
      ).of(\.isTunable).excludes("discounts", because: "which fixes them")
        .excludes("delta", because: "which fixes it").typed("optimize", "tuning").tasks(.language)
      Setting(
        "prune", \.ngram.cutoffs, "N,...",
        "leave out n-grams seen no more than N times, for each order from 1; the last serves all higher orders, the "
          + "first is 0",
        examples: ["0,1", "0,0,1"],
        json: { cutoffs in
          cutoffs.isEmpty ? .null : .string(cutoffs.map { "\($0)" }.joined(separator: ","))
        }, parse: { try cutoffs($0, order: $1.ngram.order) }
      ).typed("cutoffs", "gtmin", "mincount")
      ReductionSettings.pruneEntropy.lifted(\.reduction).rule(needsEntropy).tasks(.language)
      ReductionSettings.pruneTo.lifted(\.reduction).rule(needsEntropy).tasks(.language)
      ReductionSettings.quantize.lifted(\.reduction).tasks(.language)
      Setting(
        "counts", \.countsPath, .file,
        "train on the counts that lmctl count wrote, in place of texts; text rules are those of the counts"
      ).rule(needsNoSplitText).rule { _, given in
        given.has("holdout")
          ? "and --holdout exclude each other: counts have no sentences to hold out; use --valid FILE" : nil
      }.typed("read", "from-counts", "count-file").tasks(.language)
      CountingSettings.memory.lifted(\.counting).rule(needsNoSplitText).tasks(.language)
      CountingSettings.folder.lifted(\.counting).tasks(.language)
    }
  }

  /// The ARPA file that the model goes to, if it is to be one.
  var arpaPath: String? { ConvertCommand.Format(path: output) == .arpa ? output : nil }

  /// Whether the text itself must be split to estimate the smoothing.
  var splitsText: Bool { ngram.smoothing == .jelinekMercer && tuningPath == nil }

  private static var methodsByOtherNames: [String: Smoothing] {
    [
      "laplace": .additive, "lidstone": .additive, "add-one": .additive, "add-k": .additive,
      "addsmooth": .additive,
      "mle": .maximumLikelihood, "ml": .maximumLikelihood, "maximum-likelihood": .maximumLikelihood,
      "unsmoothed": .maximumLikelihood, "katz": .goodTuring, "gt": .goodTuring, "kn": .kneserNey,
      "mkn": .modifiedKneserNey, "ikn": .modifiedKneserNey, "kneserney": .kneserNey,
      "ukndiscount": .kneserNey,
      "kndiscount": .modifiedKneserNey, "chen-goodman": .modifiedKneserNey, "wb": .wittenBell,
      "jm": .jelinekMercer,
      "interpolated": .jelinekMercer, "deleted-interpolation": .jelinekMercer, "ad": .absoluteDiscounting,
      "absolute-discounting": .absoluteDiscounting, "sb": .stupidBackoff,
    ]
  }

  private static func needsEntropy(_ values: Self, _: Arguments) -> String? {
    values.ngram.smoothing.isNormalized
      ? nil
      : "does not go with --smoothing \(values.ngram.smoothing.rawValue), whose scores have no entropy; use --prune"
  }

  private static func needsNoSplitText(_ values: Self, _: Arguments) -> String? {
    values.splitsText
      ? "does not hold the part of the text that --smoothing jelinek-mercer takes its weights from; add --tune FILE"
      : nil
  }

  /// `0.5/1/1.5,0.7/1.2/1.6`: by commas the orders, by strokes the discounts of one.
  private static func discounts(_ text: String, _ smoothing: Smoothing) throws -> [[Double]]? {
    // What goes with no discounts is told by a rule.
    if smoothing.discountCount == 0 { return nil }
    return try text.split(separator: ",", omittingEmptySubsequences: false).map { order in
      let values = order.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
      guard values.count == smoothing.discountCount,
        zip(values, 1...).allSatisfy({ $0 > 0 && ($0 < Double($1) || values.count > 1 && $0 == Double($1)) })
      else {
        let form =
          smoothing.discountCount == 1
          ? "a number above 0 and below 1 for each order, as 0.7,0.8"
          : "three numbers for each order, above 0 and up to 1, 2 and 3, as 0.5/1/1.5,0.7/1.2/1.6"
        throw UsageError("--discounts takes \(form), not '\(text)'")
      }
      return values
    }
  }

  /// `0,0,1`: one cut-off for each order.
  private static func cutoffs(_ text: String, order: Int) throws -> [UInt32] {
    let values = text.split(separator: ",", omittingEmptySubsequences: false).map { UInt32($0) }
    let cutoffs = values.compactMap { $0 }
    guard cutoffs.count == values.count, zip(cutoffs, cutoffs.dropFirst()).allSatisfy({ $0 <= $1 }) else {
      throw UsageError("--prune takes whole numbers that do not fall, as 0,0,1, not '\(text)'")
    }
    guard cutoffs[0] == 0 else {
      throw UsageError("--prune \(text) would leave out words; begin with 0, and use --min-count for words")
    }
    guard cutoffs.count <= order else {
      throw UsageError("--prune \(text) is for more orders than the \(order) of --order")
    }
    return cutoffs
  }
}

extension Setting where Values == TrainSettings {
  /// It goes with some methods of smoothing only.
  fileprivate func of(_ isTaker: @escaping (Smoothing) -> Bool) -> Setting {
    rule { values, _ in
      if isTaker(values.ngram.smoothing) { return nil }
      let takers = Smoothing.allCases.filter(isTaker).map(\.rawValue).joined(separator: ", ")
      return "goes with --smoothing \(takers), not with '\(values.ngram.smoothing.rawValue)'"
    }
  }
}
