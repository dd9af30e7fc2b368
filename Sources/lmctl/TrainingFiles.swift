import LanguageModels

/// What all trainings are told: the files that they read and write, and how they speak.
struct TrainingFiles {
  let texts: [String]
  let output: String
  let format: TensorFormat
  let validPath: String?
  /// The fraction of the text that is held out.
  let holdout: Double
  let isQuiet: Bool
  private let kind: ModelKind
  private let textSettings: [JSONValue.Member]

  /// Takes them from the command line; what cannot be read or written fails here, before the work.
  init(_ arguments: Arguments, kind: ModelKind, tokenizer: Tokenizer, predecessor: Predecessor? = nil) throws
  {
    self.kind = kind
    format = try arguments.choice("tensors", TensorFormat.self) ?? .base64
    output = arguments.string("output") ?? "model.json"
    validPath = arguments.string("valid")
    holdout = try arguments.number("holdout", "above 0 and below 1", { $0 > 0 && $0 < 1 }) ?? 0
    isQuiet = arguments.has("quiet")
    textSettings = try TextOptions.settings(arguments, tokenizer, isInherited: predecessor?.use == .weights)
    if validPath != nil, holdout > 0 { throw UsageError("--valid and --holdout exclude each other") }
    let countsPath = arguments.string("counts")
    if countsPath == nil, arguments.operands.isEmpty, try ByteSource(path: "-").isTerminal {
      throw UsageError("no training text; name a file, or - for standard input")
    }
    texts = arguments.operands.isEmpty && countsPath == nil ? ["-"] : arguments.operands
    // The vocabulary of a run that goes on is in its checkpoint.
    let vocabularyPath = predecessor == nil ? arguments.string("vocab") : nil
    let tuningPath = arguments.string("tune")
    try TextOptions.requireSingleStandardInput(
      countsPath.map { [$0] } ?? texts, validPath, vocabularyPath, tuningPath)
    for path in texts + [validPath].compactMap({ $0 }) where path != "-" { _ = try ByteSource(path: path) }
    if kind != .ngram, ConvertCommand.Format(path: output) == .arpa {
      throw UsageError("--output names an ARPA file, which is for n-grams; name one that ends in .json")
    }
    let inputs = texts + [countsPath, validPath, vocabularyPath, tuningPath].compactMap { $0 }
    try AtomicFile.check(path: output, inputs: inputs)
    if let log = arguments.string("log") { try AtomicFile.check(path: log, inputs: inputs + [output]) }
  }

  /// Every option with its value in effect, so that a run can be repeated from it.
  ///
  /// - Parameter settings: those that only some kinds of model take.
  func configuration(_ settings: [JSONValue.Member]) -> JSONValue {
    let common: [JSONValue.Member] = [
      .setting("model", kind), .setting("output", output), .setting("valid", validPath),
      .setting("holdout", holdout > 0 ? holdout : nil), .setting("tensors", format),
      .setting("quiet", isQuiet),
    ]
    return Configuration.object(
      common + textSettings + settings, TrainCommand.options.flatMap(\.options), operandsName: "texts",
      operands: texts)
  }

  /// Says how well a model predicts what was held out.
  func report(_ trained: TrainedModel, on heldOut: Corpus) {
    let result = EvaluationResult(of: trained, on: heldOut, isQuiet: isQuiet)
    let text = validPath ?? "the last \(Format.count(heldOut.sentences, "sentence")) of the text"
    let table = result.table(model: output, texts: [text])
    // Behind a checkpoint, standard output is no place for a table.
    if output == "-" { Terminal.error(table) } else { StandardOutput.shared.write(table) }
  }
}
