import LanguageModels
import NeuralModels

/// The settings of `lmctl neighbors`.
struct NeighborsSettings: CommandValues {
  var top = 10
  /// Output where its weights can be compared, else input, if nobody says.
  var place: TokenVectors.Place?
  var isAnalogy = false
  var asJSON = false
  var tablePath: String?
  var mapPath: String?
  var mapSize = 100
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("what is looked for") {
        Setting("top", \.top, .whole(1...Int.max, "K"), "the K nearest tokens").short("k").typed(
          "top-k", "count", "n", "number")
        Setting(
          "of", \.place, .choice("WEIGHTS", typed: ["embedding": .input, "softmax": .output]),
          "by the embeddings that a token is looked up in, or by the weights of its logit in the output layer, which training moves "
            + "farther from where they began",
          default: .rule("output; input if its softmax is in clusters") { $0.place }
        ).typed("from", "weights", "vectors")
        Setting(
          flag: "analogy", \.isAnalogy,
          "of three words A B C, what is to C as A is to B: the tokens nearest to a - b + c, but for the three"
        ).excludes("tsv", "map").typed("analogies", "relation")
      },
      SettingGroup("output") {
        Setting(
          flag: "json", \.asJSON, "one JSON object a line for each answer: word (or analogy), neighbors"
        ).excludes("tsv", "map").typed("jsonl", "json-lines")
        Setting(
          "tsv", \.tablePath, .file,
          "write the vectors of all tokens to FILE, a token a line and tabs before its numbers; - for standard output"
        ).typed("export", "save", "vectors-file")
        Setting(
          "map", \.mapPath, .file,
          "draw the words, or if there are none the most frequent ones, by the first two principal components of their vectors: an SVG picture"
        ).typed("plot", "picture", "pca", "svg")
        Setting("words", \.mapSize, .whole(3...2000), "how many words the map has, if none are named")
          .needs("map", as: "--map map.svg").typed("tokens", "size")
        CommonSettings.force.lifted(\.common).rule { _, given in
          given.has("tsv") || given.has("map") ? nil : "goes with --tsv and --map"
        }
      },
      CommonSettings.group(\.common),
    ])
  }
}
