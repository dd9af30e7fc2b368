import LanguageModels

/// The files that a training reads and writes, checked before the work.
struct TrainingFiles {
  let texts: [String]
  /// Takes them from the command line; what cannot be read or written fails here.
  init(_ settings: TrainSettings, texts operands: [String], hasPredecessor: Bool) throws {
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
    if let countsPath { try FileKind.require([.counts], countsPath, "a file of counts") }
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
}
