import LanguageModels

/// The settings of `lmctl bleu`.
struct BLEUSettings: CommandValues {
  var order = BLEU.order
  var asJSON = false
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("what is measured") {
        Setting(
          "order", \.order, .whole(1...BLEU.order, "K"), "the longest n-grams of the lectures' measure"
        ).typed("k", "max-order", "n")
      },
      SettingGroup("output") {
        Setting(
          flag: "json", \.asJSON,
          "an object: bleu, precisions, brevity_penalty, ratio, hypothesis_words, reference_words, signature, bleu_halving, "
            + "halving_order, chrf, chrf_signature, exact, lines"
        )
      },
      CommonSettings.group(\.common),
    ])
  }
}

/// `lmctl bleu`.
enum BLEUCommand: Command {
  static let name = "bleu"
  static let summary = "compare translations with how they should be"
  static let operands = "REFERENCE [HYPOTHESIS] [OPTION…]"
  static let discussion = """
    Reads two texts that have as many lines, what should have been written and what was; without a second one, or with -, that is
    standard input. Words are what white space separates: nothing else is made of the text. An empty line is a line.

    bleu is that of the whole text (Papineni et al. 2002) as sacreBLEU computes it with --tokenize none: n-grams of 1 to 4 words, of equal
    weight, counted over all lines, those of an n that never match counted as 1/2, 1/4 …; its signature says so. chrf is sacreBLEU's chrF2:
    n-grams of 1 to 6 characters without white space.

    bleu_halving is another measure, which lectures and textbooks call BLEU too: of each line exp(min(0, 1 - r/h)) times the product over
    n, up to --order, of p_n^(1/2^n), and of that the mean; from 0 to 1, not smoothed. Longer n-grams weigh less there; never compare it
    with the other.
    """
  nonisolated(unsafe) static let settings = BLEUSettings.table
  static let typed = ["sacrebleu", "chrf", "score-translation", "multi-bleu"]
  static let configurationExample = (
    line: "lmctl bleu ref.en hyp.en --config run.json", file: #"{"order": 2, "json": true}"#
  )
  static let examples = [
    "lmctl bleu ref.en hyp.en",
    "lmctl translate translator.json < source.ja | lmctl bleu ref.en",
    "lmctl bleu ref.en hyp.en --json",
  ]

  static func run(_ settings: BLEUSettings, _ operands: [String], given: Arguments) throws {
    guard let reference = operands.first else {
      throw UsageError(
        "no texts; give what should have been written, then what was: lmctl bleu ref.en hyp.en")
    }
    guard operands.count <= 2 else {
      throw UsageError("'\(operands[2])' is one text too many; give one reference and one hypothesis")
    }
    let hypothesis = operands.count == 2 ? operands[1] : "-"
    try TextFiles.requireSingleStandardInput([hypothesis], reference)
    var scores = TranslationScores(halvingOrder: settings.order)
    var lines = try LinePairs(reference, hypothesis)
    while let (right, own) = try lines.next() { scores.add(own, reference: right) }
    guard scores.lines > 0 else { throw FileError(path: reference, reason: "the text is empty") }
    StandardOutput.shared.write(settings.asJSON ? scores.json.text + "\n" : scores.table)
  }
}

extension TranslationScores {
  /// How BLEU was computed, as sacreBLEU says it.
  var signature: String {
    "nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:lmctl-\(programVersion)"
  }
  private var chrFSignature: String {
    "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:lmctl-\(programVersion)"
  }

  private var ratio: Double {
    bleu.referenceWords == 0 ? 0 : Double(bleu.words) / Double(bleu.referenceWords)
  }

  /// For programs.
  var json: JSONValue {
    [
      "bleu": .number(bleu.score), "precisions": .array(bleu.precisions.map { .number($0) }),
      "brevity_penalty": .number(bleu.brevityPenalty), "ratio": .number(ratio),
      "hypothesis_words": .integer(bleu.words), "reference_words": .integer(bleu.referenceWords),
      "signature": .string(signature), "bleu_halving": .number(halvingScore),
      "halving_order": .integer(halvingOrder), "chrf": .number(chrF.score),
      "chrf_signature": .string(chrFSignature), "exact": .number(exactShare), "lines": .integer(lines),
    ]
  }

  /// For people.
  var table: String {
    let precisions = bleu.precisions.map { Format.fixed($0, 1) }.joined(separator: "/")
    return Format.table([
      ("bleu", Format.fixed(bleu.score, 2)),
      ("  precisions", precisions),
      ("  brevity penalty", Format.fixed(bleu.brevityPenalty, 3)),
      (
        "  words",
        "\(bleu.words), of the reference \(bleu.referenceWords), ratio \(Format.fixed(ratio, 3))"
      ),
      ("  signature", signature),
      ("chrf", Format.fixed(chrF.score, 2)), ("  signature", chrFSignature),
      ("bleu_halving", "\(Format.fixed(halvingScore, 4)) (n up to \(halvingOrder))"),
      ("exact lines", "\(exact) of \(lines), \(Format.percent(exact, of: lines))"),
    ])
  }
}
