import LanguageModels

/// The settings of `lmctl fill`.
struct FillSettings: CommandValues {
  var search = GapSearch()
  var writesSentences = false
  var hidden: Int?
  var seed: UInt64 = 1
  var asJSON = false
  var text = TextSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("what is filled in") {
        Setting("top", \.search.count, .whole(1...Int.max, "K"), "the K likeliest fillings")
          .typed("top-k", "topk", "k", "n", "count", "nbest")
        Setting(flag: "unk", \.search.includesUnknown, "<unk> too").typed("oov", "unknown")
        Setting(
          "candidates", \.search.candidates, .whole(1...Int.max),
          "networks that read from left to right: the tokens that are tried in a gap, the likeliest after what stands before it"
        ).typed("candidate-count", "proposals")
        Setting(
          "beam", \.search.width, .whole(1...Int.max, "K"),
          "several gaps: the K likeliest fillings so far go on to the next gap"
        ).typed("beam-size", "beam-width", "width")
      },
      SettingGroup("accuracy") {
        Setting(
          "accuracy", \.hidden, .whole(1...Int.max),
          "hide a token in each of N sentences of the text, and say how often it is found"
        ).excludes("sentences").typed("hide", "blanks", "gaps", "acc")
        Setting("seed", \.seed, .seed, "decides which are hidden").needs("accuracy", as: "--accuracy 500")
      },
      SettingGroup("text") {
        TextSettings.invalid.lifted(\.text).withDefault("the model's own")
        TextSettings.foreignRules.map { $0.lifted(\.text) }
      },
      SettingGroup("output") {
        Setting(
          flag: "sentences", \.writesSentences, "the lines with their likeliest filling in place of the table"
        ).excludes("json").typed("sentence", "lines", "complete")
        Setting(
          flag: "json", \.asJSON,
          "one JSON object a line: gaps, compared (how many fillings were), complete (whether these are all), unknown (choices that the "
            + "model does not know), predictions (score, which is p, token, token_str, sequence; of several gaps, lists)"
        ).typed("jsonl", "json-lines")
      },
      CommonSettings.group(\.common),
    ])
  }
}
