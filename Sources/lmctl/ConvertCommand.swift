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
  static let options: [(heading: String, options: [Option])] = [
    (
      "output",
      [
        Option("to", Format.self, "the format of the output (default: what its name says)"),
        Option("tensors", TensorFormat.self, "how a checkpoint's numbers are written (default: base64)"),
      ]
    ),
    ("other", [TextOptions.quiet]),
  ]
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

  static func run(_ arguments: Arguments) throws {
    let paths = arguments.operands
    guard paths.count == 2 else {
      throw paths.count < 2
        ? UsageError("convert takes two files: lmctl convert model.json model.arpa")
        : UsageError("'\(paths[2])' is one argument too many")
    }
    guard let format = try arguments.choice("to", Format.self) ?? Format(path: paths[1]) else {
      throw UsageError("'\(paths[1])' does not say which format to write; add --to arpa or --to json")
    }
    if format == .arpa, arguments.has("tensors") { throw UsageError("--tensors goes with --to json") }
    let tensors = try arguments.choice("tensors", TensorFormat.self) ?? .base64
    let isQuiet = arguments.has("quiet")
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
