import LanguageModels

/// The settings of `lmctl eval`.
struct EvalSettings: SettingValues {
  /// What a line is written for.
  enum Detail: String, CaseIterable {
    case sentence
    case token
  }

  var asJSON = false
  var onlyPerplexity = false
  var onlyCrossEntropy = false
  var detail: Detail?
  var context: ContextMode?
  var invalid: InvalidText?
  var cache = CacheSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("output") {
        Setting(flag: "json", \.asJSON, "one JSON object in place of the table")
        Setting(flag: "perplexity", \.onlyPerplexity, "just the perplexity").excludes("cross-entropy", "json")
          .typed("ppl")
        Setting(flag: "cross-entropy", \.onlyCrossEntropy, "just the cross-entropy in nats per token")
          .excludes("json").typed("entropy", "loss", "nll")
        Setting("per", \.detail, .choice("WHAT"), "a line for each line of text").rule { values, given in
          let other = ["perplexity", "cross-entropy"].first { given.has($0) }
          return other.map { "\(values.detail?.rawValue ?? "") and --\($0) exclude each other" }
        }.typed("verbose", "debug", "level")
      },
      SettingGroup("text") {
        Setting(
          "context", \.context, .choice("WHAT"), "run on across lines, or restart at each",
          default: .rule("the model's own") { $0.context })
        Setting(
          "invalid", \.invalid, .choice("WHAT"), "bytes that are not UTF-8",
          default: .rule("the model's own") { $0.invalid })
      },
      SettingGroup("cache of recent tokens") { CacheSettings.settings.map { $0.lifted(\.cache) } },
      SettingGroup("other") {
        CommonSettings.threads.lifted(\.common)
        CommonSettings.quiet.lifted(\.common)
      },
    ])
  }
}
