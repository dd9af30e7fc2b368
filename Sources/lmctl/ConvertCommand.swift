import Glibc
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
    input and standard output. ARPA files are for n-gram models. lmctl writes its text rules into a comment before the
    n-grams; a file of another program has words for tokens, between white space of ASCII, unless --unit and its like say
    otherwise.
    """
  nonisolated(unsafe) static let settings = ConvertSettings.table
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
    let output = try OutputFile(
      paths[1], .model, inputs: [paths[0]], isForced: settings.common.isForced)
    let source = try ByteSource(path: paths[0])
    let rules = settings.text.rules(given: given)
    var checkpoint: Checkpoint
    var model: any LanguageModel
    if try NGramModel.isARPA(source) {
      let read = try ModelKind.loadARPA(source, textRules: rules)
      (model, checkpoint) = (read.model, read.checkpoint)
      if format == .json { checkpoint.tensors = read.model.tensors }
    } else {
      if rules != nil {
        throw UsageError(
          "\(paths[0]) has text rules of its own; those of the command line are for ARPA files of others")
      }
      checkpoint = try ModelKind.checkpoint(source)
      model = try ModelKind.load(checkpoint, of: source, threads: 1)
    }
    output.remark(onWriting: checkpoint.model)
    Progress.begin(Progress.writing(paths[1]))
    switch format {
    case .json: try checkpoint.write(to: paths[1], tensors: tensors)
    case .arpa:
      guard let ngrams = model as? NGramModel else {
        throw CheckpointError(
          "holds a model of kind '\(checkpoint.model)', and ARPA files are for n-grams", path: source.name)
      }
      if !ngrams.isNormalized {
        Terminal.warn(
          "the numbers of stupid back-off are scores that do not sum to one, which an ARPA file cannot say"
        )
      }
      try ngrams.writeARPA(to: paths[1], tokenizer: checkpoint.tokenizer)
    }
    Progress.end()
    if settings.asJSON {
      StandardOutput.shared.write(
        json(paths, format, kind: checkpoint.model, size: ModelKind.size(of: model)).text + "\n")
    }
  }

  /// What was done, for programs.
  private static func json(_ paths: [String], _ format: Format, kind: String, size: JSONValue.Member)
    -> JSONValue
  {
    var status = stat()
    let isFile = OutputTarget.isFile(paths[1]) && paths[1].withSystemPath { stat($0, &status) } == 0
    return .object([
      .init("input", .string(paths[0])), .init("output", .string(paths[1])),
      .init("format", .string(format.rawValue)), .init("kind", .string(kind)), size,
      .init("bytes", isFile ? .integer(Int(status.st_size)) : .null),
      .init("warnings", .array(Terminal.warnings.map { .string($0) })),
    ])
  }
}

/// The settings of `lmctl convert`.
struct ConvertSettings: CommandValues {
  var format: ConvertCommand.Format?
  var tensors = TensorFormat.base64
  var asJSON = false
  var text = TextSettings()
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("output") {
        Setting(
          "to", \.format, .choice("FORMAT"), "the format of the output",
          default: .rule("what its name says") { $0.format }
        ).typed("format", "output-format")
        Setting("tensors", \.tensors, .choice("HOW"), "how a checkpoint's numbers are written")
        CommonSettings.force.lifted(\.common)
        Setting(
          flag: "json", \.asJSON,
          "when done, one JSON object on standard output: files, format, kind, sizes, warnings"
        ).rule { _, given in
          guard given.operands.count == 2, OutputTarget.isStandardOutput(given.operands[1]) else {
            return nil
          }
          return "does not go with the output \(given.operands[1]): both would write to standard output"
        }
      },
      SettingGroup("text") { TextSettings.foreignRules.map { $0.lifted(\.text) } },
      CommonSettings.group(\.common),
    ])
  }
}
