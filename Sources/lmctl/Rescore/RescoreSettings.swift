import LanguageModels

/// The settings of `lmctl rescore`.
struct RescoreSettings: CommandValues {
  /// How several models come together.
  enum Combination: String, CaseIterable {
    case loglinear
    case linear
  }

  /// `--format`: a format, or what the first line looks like.
  enum FormatChoice: String, CaseIterable {
    case auto
    case moses
    case srilm
    case kaldi
    case tsv
  }

  var formatChoice = FormatChoice.auto
  var layout = NBestLayout()
  var scorePaths: [String] = []
  var names: [String]?
  var combination = Combination.loglinear
  var modelWeights: [Double]?
  var weights: [FeatureWeight]?
  var onlyBest = false
  var top: Int?
  var onlyScores = false
  var asJSON = false
  var tuningPath: String?
  var metric = RescoringMetric.wer
  var restarts = 20
  var seed: UInt64 = 1
  var outputPath: String?
  var text = TextSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("lists") {
        Setting(
          "format", \.formatChoice,
          .choice("FORMAT", typed: ["text": .tsv, "columns": .tsv, "nbest": .srilm]),
          "how lists are written; auto: as the first line looks")
        Setting(
          "text-column", \.layout.textColumn, .whole(1...Int.max),
          "with --format tsv: the column with the words"
        ).typed("text")
        Setting(
          "id-column", \.layout.idColumn, .whole(0...Int.max),
          "with --format tsv: the column that is the same for all lines of a list; 0: empty lines stand between lists"
        ).typed("id")
        Setting(
          "scores", \.scorePaths, .files,
          "an archive of Kaldi with the cost (-ln p) of each line, 'key cost', whose feature, named by the file, is ln p; may be repeated"
        ).repeatable().typed("archive", "costs")
      },
      SettingGroup("features") {
        Setting(
          "name", \.names, .names, "what the new features are called, one name for each model",
          default: .rule("the files of the models, without extension") { $0.names })
        Setting(
          "combine", \.combination, .choice("HOW"),
          "several models: a feature of each, whose weights make a product of sentences, or one feature of their linear mixture word by word"
        ).typed("interpolate")
        Setting(
          "lambda", \.modelWeights, .weights,
          "how much each model counts in a linear mixture; each is divided by their sum",
          default: .rule("equal") { $0.modelWeights }
        ).rule { values, _ in
          values.combination == .linear ? nil : "goes with --combine linear"
        }.typed("mixture-weights")
      },
      SettingGroup("choice") {
        Setting(
          "weight", \.weights, .featureWeights,
          "the total of a line is the sum of weight times feature, of those that are named; 'words' counts the words, so its weight is added "
            + "for each; may be repeated", default: .rule("1 of each model") { $0.weights }
        ).repeatable().typed("weights", "lm-weight", "lmw").excludes(
          "tune", because: "which chooses weights")
        Setting(flag: "best", \.onlyBest, "only the words of the line of each list with the largest total")
          .excludes("top").typed("1best", "one-best", "one")
        Setting("top", \.top, .whole(1...Int.max, "K"), "only the K best lines of each list, best first")
          .typed("nbest-size")
      },
      SettingGroup("tuning") {
        Setting(
          "tune", \.tuningPath, .file,
          "choose the weights by these references, one line for each list, and print them in place of lists"
        ).excludes("best", "top", "only-scores").typed("references", "reference", "ref", "optimize")
        Setting(
          "metric", \.metric, .choice("METRIC"), "what they make best: word error rate, BLEU, or whole lines"
        ).needs(
          "tune", as: "--tune references.txt")
        Setting(
          "restarts", \.restarts, .whole(0...1_000_000), "searches that begin with random weights"
        ).needs("tune", as: "--tune references.txt")
        Setting("seed", \.seed, .seed, "decides the random weights").needs(
          "tune", as: "--tune references.txt"
        ).typed("random-seed")
        Setting(
          "output", \.outputPath, .file, "write the weights as a configuration: --config then takes them"
        )
        .needs("tune", as: "--tune references.txt").short("o").typed("out")
        CommonSettings.force.lifted(\.common)
      },
      SettingGroup("text") {
        TextSettings.invalid.lifted(\.text).withDefault("the model's own")
        TextSettings.foreignRules.map { $0.lifted(\.text) }
      },
      SettingGroup("output") {
        Setting(
          flag: "only-scores", \.onlyScores,
          "only the new features, as others read them: Kaldi's 'key cost', SRILM's logarithms to the base 10, else ln p"
        ).excludes("weight", "best", "top", "json").typed("scores-only")
        Setting(flag: "json", \.asJSON, "one JSON object for each line, or for the tuning").typed("jsonl")
      },
      CommonSettings.group(\.common),
    ])
  }
}

extension ValueType where Value == [String] {
  /// Names with commas between them.
  static var names: Self {
    Self(
      placeholder: "NAME,…", isList: false,
      parse: { text in
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        return names.allSatisfy { !$0.isEmpty && $0 == FeatureName.valid($0) } ? names : nil
      },
      requirement: { _ in "names without white space, '=' and '|', with commas between them" },
      json: { .string($0.joined(separator: ",")) }, examples: ["lm"])
  }

  /// Names of files, one a line.
  static var files: Self {
    Self(
      placeholder: "FILE", isPath: true, parse: { $0.split(separator: "\n").map(String.init) },
      requirement: { _ in "a file" },
      json: { $0.isEmpty ? .null : .string($0.joined(separator: "\n")) })
  }
}

/// Names of features.
enum FeatureName {
  /// The words of a hypothesis.
  static let words = "words"

  /// `name` without what separates names from others.
  static func valid(_ name: String) -> String {
    String(name.map { $0.isWhitespace || "=,|".contains($0) ? "_" : $0 })
  }

  /// What the feature is called that a file gives: the file, without its folder and the extension of a model or a text.
  static func of(file path: String) -> String {
    var name = FileName.split(path).name.withoutCompressionExtension
    for suffix in [".json", ".arpa", ".txt"] where name.hasSuffix(suffix) && name.count > suffix.count {
      name = String(name.dropLast(suffix.count))
    }
    return valid(name)
  }
}
