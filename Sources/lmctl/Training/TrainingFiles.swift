import LanguageModels

/// The files that a training reads and writes, checked before the work.
struct TrainingFiles {
  let texts: [String]
  /// Keeps others from the output of one that takes its time.
  private let lock: RunLock?

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
    let (validPaths, tuningPath) = (settings.validPaths, settings.tuningPath)
    if settings.learns == .translate, texts.count > 2 {
      throw UsageError(
        "'\(texts[2])' is one text too many; --task translate takes the sentences and their translations, or one text with tabs; what is held out is one word, --valid SOURCE,TARGET"
      )
    }
    try TextFiles.requireSingleStandardInput(
      (countsPath.map { [$0] } ?? texts) + validPaths, vocabularyPath, tuningPath)
    if let countsPath { try FileKind.require([.counts], countsPath, "a file of counts") }
    for path in texts + validPaths + [tuningPath].compactMap({ $0 }) where path != "-" {
      _ = try ByteSource(path: path)
    }
    if settings.learns != .language, settings.arpaPath != nil {
      throw UsageError(
        "--output names an ARPA file, which is for n-grams, not for --task \(settings.learns.rawValue); name one that ends in .json"
      )
    }
    if let kind = settings.kind, kind != .ngram, settings.arpaPath != nil {
      throw UsageError(
        "--output names an ARPA file, which is for n-grams, not for --model \(kind.rawValue); name one that ends in .json"
      )
    }
    let inputs = texts + validPaths + [countsPath, vocabularyPath, tuningPath].compactMap { $0 }
    // What only prints its settings replaces nothing.
    let isDry = settings.printsConfiguration
    let output = try OutputFile(
      settings.output, .model, inputs: inputs, isForced: settings.common.isForced || isDry,
      resumed: settings.predecessor?.path)
    if let log = settings.run.log, !isDry { try Self.check(log: log, settings.output, inputs) }
    lock = isDry ? nil : try RunLock(for: settings.output, isShared: settings.kind == .ngram)
    if let kind = settings.kind {
      output.remark(onWriting: settings.learns.checkpointKind ?? kind.rawValue)
    }
  }

  private static func check(log: String, _ output: String, _ inputs: [String]) throws {
    if OutputTarget.isStandardOutput(log), OutputTarget.isStandardOutput(output) {
      throw UsageError("--output and --log cannot both be standard output")
    }
    try RunLog.check(log, inputs: inputs, output: output)
  }
}
