import LanguageModels

/// The settings of `lmctl predict`.
struct PredictSettings: CommandValues {
  var count = 10
  var threshold = 0.0
  var includesUnknown = false
  var completesWords = false
  var context = ContextMode.sentence
  var asJSON = false
  var text = TextSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("what is predicted") {
        Setting("top", \.count, .whole(1...Int.max, "K"), "the K likeliest tokens, or labels")
          .typed("top-k", "topk", "k", "n", "count", "nbest")
        Setting(
          "threshold", \.threshold, .share("P"), "only those whose probability is at least this"
        ).typed("min-probability")
        Setting(
          flag: "unk", \.includesUnknown,
          "<unk> too; without this, the other tokens share its probability in proportion to theirs"
        ).typed("oov", "unknown")
        Setting(
          flag: "word-prefix", \.completesWords,
          "the last word of a line is only begun, unless a space stands behind it: the likeliest words that begin so, with their "
            + "probabilities among all words"
        ).typed("prefix", "complete", "completion")
        Setting(
          "context", \.context, .choice("WHAT"), "go on from the lines before, or begin each line afresh")
      },
      SettingGroup("text") {
        TextSettings.invalid.lifted(\.text).withDefault("the model's own")
        TextSettings.foreignRules.map { $0.lifted(\.text) }
      },
      SettingGroup("output") {
        Setting(
          flag: "json", \.asJSON,
          "one JSON object a line: tokens (how many the line has), unknown, predictions (each token with its probability and ln p, or each label with "
            + "its probability)"
        ).typed("jsonl", "json-lines")
      },
      CommonSettings.group(\.common),
    ])
  }
}
