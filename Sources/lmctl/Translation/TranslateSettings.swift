import LanguageModels

/// The settings of `lmctl translate`.
struct TranslateSettings: CommandValues {
  var search = TranslationSearch()
  var draws = false
  var sampling = SamplingOptions()
  var seed: UInt64 = 1
  var list: Int?
  var replacesUnknown = false
  var showsScore = false
  var asJSON = false
  var lengthLimit = TranslatorEvaluator.lengthLimit
  var text = TextSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("search") {
        Setting(
          "beam", \.search.width, .whole(1...1000, "K"),
          "follow the K likeliest beginnings at each step; 1 takes the likeliest token each time"
        ).typed("beam-size", "beam-width", "num-beams", "b", "k")
        Setting(
          "length-penalty", \.search.penalty, LengthPenalty.type,
          "translations of different lengths are compared by ln p (none), ln p / L^A (power:A), or ln p / ((5 + L)/6)^A (gnmt:A); L "
            + "counts the end of sentence"
        ).typed("lenpen", "alpha", "normalize")
        Setting(
          "coverage", \.search.coverageWeight, .atLeastZero("B"),
          "add B times the sum over the source of ln min(attention to it, 1), so that little is passed over; 0.2 in GNMT"
        ).typed("coverage-penalty", "beta")
        Setting(
          "max-tokens", \.search.maximumTokens, .whole(1...100_000), "break off a translation after N tokens"
        ).typed("max-length", "max-output-length")
        Setting(
          flag: "no-unk", \.search.leavesOutUnknown,
          "write no <unk>; the other tokens share its probability in proportion to theirs"
        ).excludes("replace-unknown", because: "which needs it").typed("suppress-unk")
        Setting(
          flag: "replace-unknown", \.replacesUnknown,
          "write for <unk> the word of the source that is attended to most"
        ).typed("replace-unk", "copy-unknown")
      },
      SettingGroup("drawing") {
        Setting(flag: "draw", \.draws, "draw a translation in place of looking for the likeliest").excludes(
          "beam", "length-penalty", "coverage", "nbest"
        ).typed("sample", "sampling", "random-sampling")
        Setting(
          "temperature", \.sampling.temperature, .atLeastZero("T"),
          "below 1 likelier, above 1 wilder, 0 always the likeliest"
        ).needs("draw").typed("temp", "t")
        Setting(
          "top-k", \.sampling.topK, .whole(1...Int.max, "K"), "only the K likeliest tokens at each step"
        ).needs("draw").typed("topk")
        Setting(
          "top-p", \.sampling.topP, .number("P", "above 0 and up to 1") { $0 > 0 && $0 <= 1 },
          "only the likeliest tokens that make up probability P"
        ).needs("draw").typed("topp", "nucleus")
        Setting("seed", \.seed, .seed, "decides, with the number of the line, what is drawn").needs("draw")
      },
      SettingGroup("text") {
        Setting(
          "max-source", \.lengthLimit, .whole(1...1_000_000), "the most tokens that a sentence may have"
        ).typed("max-source-length")
        TextSettings.invalid.lifted(\.text).withDefault("the model's own")
      },
      SettingGroup("output") {
        Setting(
          "nbest", \.list, .whole(1...1000, "N"),
          "the N best of each line, as Moses writes them: number ||| words ||| translation= ln p ||| score, which lmctl rescore reads"
        ).rule { values, _ in
          values.list.map { $0 > values.search.width } == true
            ? "\(values.list ?? 0) cannot be found by --beam \(values.search.width); give --nbest at most as much"
            : nil
        }.excludes("show-score", because: "whose lines have it already").typed("n-best", "n_best", "n")
        Setting(
          flag: "show-score", \.showsScore, "before each translation its ln p, by the model, and a tab"
        ).excludes("json", because: "whose objects hold it as log_probability").typed("score", "scores")
        Setting(
          flag: "json", \.asJSON,
          "one JSON object a line: translations (text, tokens, log_probability, score, ended), source tokens and those of them that are "
            + "unknown"
        ).excludes("nbest", because: "which has a format of its own").typed("jsonl", "json-lines")
      },
      CommonSettings.group(\.common),
    ])
  }
}
