import LanguageModels
import NGramModels

/// `lmctl convert`.
enum ConvertCommand: Command {
  static let name = "convert"
  static let summary = "write a model in another format: checkpoint or ARPA"
  static let operands = "INPUT OUTPUT [OPTION…]"
  static let discussion = """
    Reads a model, a checkpoint or an ARPA file whatever its name, and writes it in the format that the name of the output
    says: .arpa or .json, compressed if .gz, .bz2, .xz or .zst follows. Where the name does not say, --to does; - is standard
    input and standard output. ARPA files are for n-gram models; they hold no text rules, so a model that is read from
    one has words for tokens.
    """
  static var settings: SettingTable<ConvertSettings> { ConvertSettings.table }
  static let typed = ["export", "import", "build_binary", "to-arpa"]
  static let configurationExample = (
    line: "lmctl convert kn5.json - --config run.json", file: #"{"to": "arpa"}"#
  )
  static let examples = [
    "lmctl convert kn5.json kn5.arpa.gz",
    "lmctl convert other.arpa other.json",
    "lmctl convert kn5.json - --to arpa | head",
  ]

  /// The formats of models.
  enum Format: String, CaseIterable {
    case arpa
    case json

    /// The format that `path`'s name says.
    init?(path: String) {
      let path = path.withoutCompressionExtension
      guard let format = Self.allCases.first(where: { path.hasSuffix(".\($0.rawValue)") }) else { return nil }
      self = format
    }
  }

  static func run(_ settings: ConvertSettings, _ paths: [String], given: Arguments) throws {
    guard paths.count == 2 else {
      throw paths.count < 2
        ? UsageError("convert takes two files: lmctl convert model.json model.arpa")
        : UsageError("'\(paths[2])' is one argument too many")
    }
    guard let format = settings.format ?? Format(path: paths[1]) else {
      throw UsageError("'\(paths[1])' does not say which format to write; add --to arpa or --to json")
    }
    if format == .arpa, given.has("tensors") { throw UsageError("--tensors goes with --to json") }
    let tensors = settings.tensors
    let isQuiet = settings.common.isQuiet
    try AtomicFile.check(path: paths[1], inputs: [paths[0]])
    let source = try ByteSource(path: paths[0])
    switch (try NGramModel.isARPA(source), format) {
    case (true, .arpa): try readARPA(source, isQuiet).writeARPA(to: paths[1])
    case (true, .json):
      let model = try readARPA(source, isQuiet)
      var checkpoint = model.checkpoint(arpaName: source.name)
      checkpoint.tensors = model.tensors
      if let odd = checkpoint.vocabulary.tokens.first(where: { !TextUnit.word.isToken($0) }) {
        throw FileError(
          path: source.name, reason: "has the word '\(odd)', which holds Unicode white space; remove it first"
        )
      }
      try checkpoint.write(to: paths[1], tensors: tensors)
    case (false, .json):
      let checkpoint = try Checkpoint(source)
      _ = try ModelKind.load(checkpoint, of: source, threads: 1)
      try checkpoint.write(to: paths[1], tensors: tensors)
    case (false, .arpa):
      let checkpoint = try Checkpoint(source)
      guard let model = try ModelKind.load(checkpoint, of: source, threads: 1) as? NGramModel else {
        throw CheckpointError(
          "holds a model of kind '\(checkpoint.model)', and ARPA files are for n-grams", path: source.name)
      }
      try model.writeARPA(to: paths[1])
    }
  }

  private static func readARPA(_ source: ByteSource, _ isQuiet: Bool) throws -> NGramModel {
    try NGramModel(arpa: source) { if !isQuiet { Terminal.note($0) } }
  }
}

/// The settings of `lmctl convert`.
struct ConvertSettings: SettingValues {
  var format: ConvertCommand.Format?
  var tensors = TensorFormat.base64
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("output") {
        Setting(
          "to", \.format, .choice("FORMAT"), "the format of the output",
          default: .rule("what its name says") { $0.format }
        ).typed("format", "output-format")
        Setting("tensors", \.tensors, .choice("HOW"), "how a checkpoint's numbers are written")
      },
      SettingGroup("other") { CommonSettings.quiet.lifted(\.common) },
    ])
  }
}
