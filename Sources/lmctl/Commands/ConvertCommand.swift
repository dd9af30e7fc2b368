import Glibc
import LanguageModels
import NGramModels

/// `lmctl convert`.
enum ConvertCommand: Command {
  static let name = "convert"
  static let summary = "write a model in another format, or make it smaller"
  static let operands = "INPUT OUTPUT [OPTION…]"
  static let discussion = """
    Reads a model, a checkpoint or an ARPA file whatever its name, and writes it in the format that the name of the output
    says: .arpa or .json, compressed if .gz, .bz2, .xz or .zst follows. Where the name does not say, --to does; - is standard
    input and standard output. ARPA files are for n-gram models. lmctl writes its text rules into a comment before the
    n-grams; a file of another program has words for tokens, between white space of ASCII, unless --unit and its like say
    otherwise. N-gram models of any program can be cut to the words of a list, then pruned and quantized on the way, as lmctl
    train does it when it makes them; with --valid, lmctl says what that costs. A model whose numbers are rounded is rounded
    again when it is pruned.
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
    "lmctl convert kn5.json small.json --prune-entropy 1e-7 --quantize 8 --valid valid.txt",
  ]
  static let refused = Dictionary(
    uniqueKeysWithValues: ["prune", "cutoffs", "min-count"].map {
      (
        $0,
        "needs the counts of the n-grams, which a finished model does not hold; train with it, or use --prune-entropy or --prune-to"
      )
    })

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
    if settings.validPath != nil, settings.reduction.isEmpty {
      throw UsageError("--valid goes with --prune-entropy, --prune-to or --quantize, whose cost it measures")
    }
    try TextFiles.requireSingleStandardInput([paths[0]], settings.validPath, settings.text.vocabularyPath)
    if format == .arpa, given.has("tensors") { throw UsageError("--tensors goes with --to json") }
    let tensors = settings.tensors
    let output = try OutputFile(
      paths[1], .model, inputs: [paths[0]], isForced: settings.common.isForced)
    let lock = try RunLock(for: paths[1], isShared: true)
    defer { withExtendedLifetime(lock) {} }
    let source = try ByteSource(path: paths[0])
    let rules = settings.text.rules(given: given)
    var checkpoint: Checkpoint
    var stored: StoredModel
    if try NGramModel.isARPA(source) {
      let read = try ModelKind.loadARPA(source, textRules: rules)
      (stored, checkpoint) = (.language(read.model), read.checkpoint)
      if format == .json { checkpoint.tensors = read.model.tensors }
    } else {
      if let rules, !rules.areUsual {
        throw UsageError(
          "\(paths[0]) has text rules of its own; those of the command line are for ARPA files of others")
      }
      checkpoint = try ModelKind.checkpoint(source)
      stored = try ModelKind.load(checkpoint, of: source, threads: 1)
    }
    var steps: [ReductionStep] = []
    let isChanged = settings.text.vocabularyPath != nil || !settings.reduction.isEmpty
    if isChanged || format == .arpa {
      var model = try stored.languageModel(source.name)
      if let path = settings.text.vocabularyPath {
        model = try restrict(model, &checkpoint, to: path, name: source.name)
      }
      if !settings.reduction.isEmpty {
        (model, steps) = try reduce(model, checkpoint, settings, name: source.name)
      }
      stored = .language(model)
      // What did not change is written as it was read.
      if format == .json, isChanged, let ngrams = model as? NGramModel {
        (checkpoint.configuration, checkpoint.tensors) = (ngrams.configuration, ngrams.tensors)
      }
    }
    output.remark(onWriting: checkpoint.model)
    Progress.begin(Progress.writing(paths[1]))
    switch format {
    case .json: try checkpoint.write(to: paths[1], tensors: tensors)
    case .arpa:
      guard case .language(let model) = stored, let ngrams = model as? NGramModel else {
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
        json(paths, format, kind: checkpoint.model, size: stored.size, steps).text + "\n")
    }
  }

  /// What was done, for programs.
  private static func json(
    _ paths: [String], _ format: Format, kind: String, size: JSONValue.Member, _ steps: [ReductionStep]
  ) -> JSONValue {
    var status = stat()
    let isFile = OutputTarget.isFile(paths[1]) && paths[1].withSystemPath { stat($0, &status) } == 0
    return .object([
      .init("input", .string(paths[0])), .init("output", .string(paths[1])),
      .init("format", .string(format.rawValue)), .init("kind", .string(kind)), size,
      .init("bytes", isFile ? .integer(Int(status.st_size)) : .null),
      .init("steps", .array(steps.map(\.json))),
      .init("warnings", .array(Terminal.warnings.map { .string($0) })),
    ])
  }

  /// The model of the words that the list at `path` names; `checkpoint` takes over its vocabulary.
  private static func restrict(
    _ model: any LanguageModel, _ checkpoint: inout Checkpoint, to path: String, name: String
  ) throws -> NGramModel {
    guard let ngrams = model as? NGramModel, ngrams.isNormalized else {
      throw CheckpointError(
        "holds no n-gram model of probabilities, and --vocab takes the words out of those only", path: name)
    }
    try FileKind.require([.counts], path, "a list of tokens")
    let words = try Vocabulary(file: path, tokenizer: checkpoint.tokenizer)
    let restricted = ngrams.restricted(to: words)
    let kept = restricted.vocabulary.count
    guard kept > 2 else {
      throw FileError(path: path, reason: "names no token of \(name); is this the right list?")
    }
    checkpoint.vocabulary = restricted.vocabulary
    let missing = words.count - kept
    Terminal.note(
      "kept \(kept) of \(ngrams.vocabulary.count) tokens, \(restricted.levelCounts.reduce(0, +)) of "
        + "\(ngrams.levelCounts.reduce(0, +)) n-grams"
        + (missing > 0 ? "; \(missing) of the list are not in the model" : ""))
    return restricted
  }

  /// The model made smaller as the settings say, which remarks tell about.
  private static func reduce(
    _ model: any LanguageModel, _ checkpoint: Checkpoint, _ settings: ConvertSettings, name: String
  ) throws -> (any LanguageModel, [ReductionStep]) {
    guard let ngrams = model as? NGramModel else {
      throw CheckpointError(
        "holds a model of kind '\(checkpoint.model)'; n-gram models only are pruned and quantized", path: name
      )
    }
    let reduction = settings.reduction
    if !ngrams.isNormalized,
      reduction.pruningThreshold != nil || reduction.pruningSize != nil || settings.validPath != nil
    {
      throw CheckpointError(
        "holds scores of stupid back-off, which have neither entropy nor perplexity; they can be rounded only: --quantize 8",
        path: name)
    }
    let heldOut = try settings.validPath.map {
      try TextFiles.tokens(of: $0, tokenizer: checkpoint.tokenizer, vocabulary: checkpoint.vocabulary)
    }
    // Without remarks and JSON, nobody hears what reductions cost.
    let isHeard = settings.asJSON || !Terminal.isQuiet
    let (reduced, steps) = try reduction.apply(to: ngrams, heldOut: isHeard ? heldOut : nil) {
      Progress.begin($0)
    }
    for step in steps { Terminal.note(step.text) }
    return (try reduced.inMemory(), steps)
  }
}

/// The settings of `lmctl convert`.
struct ConvertSettings: CommandValues {
  var format: ConvertCommand.Format?
  var tensors = TensorFormat.base64
  var asJSON = false
  var reduction = Reduction()
  var validPath: String?
  var text = TextSettings()
  var common = CommonSettings()

  private static var vocabulary: Setting<Self> {
    var setting = TextSettings.vocabulary.lifted(\Self.text)
    setting.option.help = "keep only n-grams of the tokens in FILE, one a line; the others become <unk>"
    return setting
  }

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
          "when done, one JSON object on standard output: files, format, kind, sizes, what each reduction did, warnings"
        ).rule { _, given in
          guard given.operands.count == 2, OutputTarget.isStandardOutput(given.operands[1]) else {
            return nil
          }
          return "does not go with the output \(given.operands[1]): both would write to standard output"
        }
      },
      SettingGroup("size of n-gram models") {
        vocabulary
        ReductionSettings.all.map { $0.lifted(\.reduction) }
        Setting("valid", \.validPath, .file, "held-out text to say what that costs on").typed(
          "validation", "dev", "val", "eval")
      },
      SettingGroup("text") { TextSettings.foreignRules.map { $0.lifted(\.text) } },
      CommonSettings.group(\.common),
    ])
  }
}
