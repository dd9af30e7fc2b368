import LanguageModels
import NeuralModels

/// `lmctl encode`.
enum EncodeCommand: Command {
  static let name = "encode"
  static let summary = "turn lines of text into vectors"
  static let operands = "MODEL [OPTION…] [TEXT…]"
  static let discussion = """
    Writes a vector for each line of the texts, numbers with tabs between them: what the output layer of the network is given to
    predict the next token, after the last token of the line, or the largest or the mean of each number over the tokens of the
    line (--pool). With --per token, it writes a line for each token, the token and the vector after it, and an empty line
    behind those of each line of text. An empty line of text gives an empty line. Without a text, or with -, it reads standard
    input, and answers at once if that is a pipe.
    """
  nonisolated(unsafe) static let settings = EncodeSettings.table
  static let typed = ["embed", "vectors", "vectorize", "features"]
  static let configurationExample = (
    line: "lmctl encode lstm.json test.txt --config run.json", file: #"{"pool": "mean", "json": true}"#
  )
  static let examples = [
    "lmctl encode lstm.json test.txt --pool mean",
    "echo 'the lamp was lit' | lmctl encode lstm.json --json",
    "lmctl encode lstm.json test.txt --per token | cut -f1-3",
  ]

  static func run(_ settings: EncodeSettings, _ operands: [String], given: Arguments) throws {
    guard let path = operands.first else {
      throw UsageError(
        "no model; give the checkpoint of a network, then the texts: lmctl encode lstm.json test.txt")
    }
    let texts = Array(operands.dropFirst())
    try TextFiles.requireSingleStandardInput(texts, path)
    let model = try VectorModel(path: path, vectors: "features")
    var tokenizer = model.tokenizer
    if given.has("invalid") { tokenizer.invalid = settings.text.tokenizer.invalid }
    let reader = try TextInput(texts).reader(tokenizer: tokenizer)
    let encoder = LineEncoder(settings, model: model.network)
    Progress.begin(Progress.writing("-"))
    defer { Progress.end() }
    while true {
      if reader.wouldBlock || encoder.isFull {
        try encoder.writeLines()
        if reader.wouldBlock { try StandardOutput.shared.flush() }
      }
      do {
        guard try reader.next() != nil else { break }
      } catch {
        // What stands before a line that cannot be read is encoded all the same.
        try encoder.writeLines()
        throw error
      }
      encoder.add(reader.tokens)
    }
    try encoder.writeLines()
    TextFiles.report(reader.statistics)
    if encoder.unknownCount > 0 {
      Terminal.note(
        "\(Format.count(encoder.unknownCount, "token")) of the text not in the model's vocabulary")
    }
  }
}

/// The settings of `lmctl encode`.
struct EncodeSettings: CommandValues {
  /// What a vector is written for.
  enum Detail: String, CaseIterable {
    case line
    case token
  }

  var pooling = Pooling.last
  var detail = Detail.line
  var context = ContextMode.sentence
  var asJSON = false
  var text = TextSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("output") {
        Setting(
          "pool", \.pooling, .choice("HOW", typed: ["average": .mean, "avg": .mean, "maximum": .max]),
          "the vector of a line: that after its last token, the largest of each number, or the mean"
        ).typed("pooling", "aggregate")
        Setting(
          "per", \.detail, .choice("WHAT", typed: ["sentence": .line, "word": .token]),
          "a vector for each line, or for each token"
        ).rule { values, given in
          values.detail == .token && given.has("pool") ? "token and --pool exclude each other" : nil
        }.typed("level")
        Setting(
          flag: "json", \.asJSON,
          "a JSON array for each line of text: of numbers, or with --per token of an array for each token"
        ).typed("jsonl", "json-lines")
      },
      SettingGroup("text") {
        Setting("context", \.context, .choice("WHAT"), "restart at each line, or run on across lines")
        TextSettings.invalid.lifted(\.text).withDefault("the model's own")
      },
      CommonSettings.group(\.common),
    ])
  }
}
