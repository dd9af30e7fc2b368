import LanguageModels

/// The files that a training reads and writes, checked before the work.
struct TrainingFiles {
  let texts: [String]
  private let settings: TrainSettings

  /// Takes them from the command line; what cannot be read or written fails here.
  init(_ settings: TrainSettings, texts operands: [String], hasPredecessor: Bool) throws {
    self.settings = settings
    let countsPath = settings.countsPath
    if countsPath != nil, let text = operands.first {
      throw UsageError("'\(text)' and --counts exclude each other: counts take the place of texts")
    }
    if countsPath == nil, operands.isEmpty, try ByteSource(path: "-").isTerminal {
      throw UsageError("no training text; name a file, or - for standard input")
    }
    texts = operands.isEmpty && countsPath == nil ? ["-"] : operands
    // The vocabulary of a run that goes on is in its checkpoint.
    let vocabularyPath = hasPredecessor ? nil : settings.text.vocabularyPath
    let (validPath, tuningPath) = (settings.validPath, settings.tuningPath)
    try TextFiles.requireSingleStandardInput(
      countsPath.map { [$0] } ?? texts, validPath, vocabularyPath, tuningPath)
    for path in texts + [validPath, tuningPath].compactMap({ $0 }) where path != "-" {
      _ = try ByteSource(path: path)
    }
    if settings.kind != .ngram, settings.arpaPath != nil {
      throw UsageError("--output names an ARPA file, which is for n-grams; name one that ends in .json")
    }
    let inputs = texts + [countsPath, validPath, vocabularyPath, tuningPath].compactMap { $0 }
    try AtomicFile.check(path: settings.output, inputs: inputs)
    if let log = settings.run.log { try AtomicFile.check(path: log, inputs: inputs + [settings.output]) }
  }

  /// Says how well a model predicts what was held out.
  func report(_ trained: TrainedModel, on heldOut: Corpus) {
    let result = EvaluationResult(of: trained, on: heldOut, isQuiet: settings.common.isQuiet)
    let text = settings.validPath ?? "the last \(Format.count(heldOut.sentences, "sentence")) of the text"
    let table = result.table(model: settings.output, texts: [text])
    // Behind a checkpoint, standard output is no place for a table.
    if settings.output == "-" { Terminal.error(table) } else { StandardOutput.shared.write(table) }
  }
}
