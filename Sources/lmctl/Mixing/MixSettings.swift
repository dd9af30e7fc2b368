import LanguageModels

/// The settings of `lmctl mix`.
struct MixSettings: CommandValues {
  var tuningPath: String?
  var weights: [Double]?
  var byOrder = false
  var outputPath: String?
  var isStatic = false
  var asJSON = false
  var tensors = TensorFormat.base64
  var text = TextSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("mixture") {
        Setting("tune", \.tuningPath, .file, "choose the weights by this held-out text").excludes("weights")
          .typed("valid", "dev", "validation", "optimize")
        Setting(
          "weights", \.weights, .weights,
          "the weights, in the order of the models; each is divided by their sum"
        ).typed("weight", "lambda", "interpolate")
        Setting(
          flag: "by-order", \.byOrder,
          "weights of their own for each length of context that the first n-gram model holds"
        ).needs("tune", as: "--tune valid.txt").excludes(
          "static", because: "whose n-grams have one set of weights")
        Setting(
          flag: "static", \.isStatic,
          "n-grams only: write one n-gram model with the n-grams of all, as SRILM's ngram -mix-lm"
        ).needs("output", as: "-o mix.json")
      },
      SettingGroup("output") {
        Setting(
          "output", \.outputPath, .file, "where the mixture goes: .json, and with --static also .arpa"
        ).short("o").typed("out", "write-lm")
        Setting("tensors", \.tensors, .choice("HOW"), "how a checkpoint's numbers are written").needs(
          "output", as: "-o mix.json")
        Setting(flag: "json", \.asJSON, "one JSON object in place of the table")
        CommonSettings.force.lifted(\.common)
      },
      SettingGroup("text") {
        TextSettings.invalid.lifted(\.text).withDefault("the model's own")
        TextSettings.foreignRules.map { $0.lifted(\.text) }
      },
      CommonSettings.group(\.common),
    ])
  }
}
