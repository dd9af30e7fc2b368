import LanguageModels
import Threads

/// Measures classifiers on labelled texts.
struct ClassifierEvaluator {
  private let settings: EvalSettings
  private let input: TextInput

  /// The settings that go with classifiers.
  private static let allowed: Set = ["json", "cross-entropy", "per", "invalid", "allow-empty"]

  init(_ settings: EvalSettings, _ input: TextInput, given: Arguments) throws {
    (self.settings, self.input) = (settings, input)
    try given.require(Self.allowed, for: "classifiers")
    if let detail = settings.detail, detail != .sentence {
      throw UsageError(
        "--per \(detail.rawValue) does not go with classifiers; --per sentence writes a line for each text")
    }
  }

  /// Measures the classifier stored at `path`.
  func evaluate(_ classifier: any TextClassifier, _ checkpoint: Checkpoint, path: String) throws
    -> ClassificationResult
  {
    let stopwatch = Stopwatch()
    let texts = try read(classifier, checkpoint)
    Progress.begin("labelling")
    var done = 0
    let report = classifier.report(texts.texts) { count in
      done += count
      Progress.show("\(done) of \(texts.texts.count) texts")
    }
    Progress.end()
    return ClassificationResult(
      path: path, text: input.name, texts: texts.texts, longest: texts.longest,
      lengthLimit: classifier.lengthLimit, report: report, seconds: stopwatch.seconds)
  }

  private func read(_ classifier: any TextClassifier, _ checkpoint: Checkpoint) throws -> (
    texts: [LabelledText], longest: Int
  ) {
    let reader = input.reader(tokenizer: checkpoint.tokenizer)
    let labels = LabelReader(classifier.rules)
    reader.textOfLine = labels.text
    Progress.begin("reading")
    let corpus = try Corpus(from: reader, vocabulary: classifier.vocabulary) { Progress.show($0.shown) }
    Progress.end()
    try TextFiles.requireText(reader.statistics, input.paths)
    TextFiles.report(reader.statistics)
    return (
      [LabelledText](
        corpus, labels: labels.labels, among: classifier.labels, lengthLimit: classifier.lengthLimit),
      corpus.longestSentence
    )
  }

  /// Texts that are labelled side by side, as far as they are there.
  private static let most = 256

  /// One line for each text: its labels, the answer, p of it, and whether it is right; each is out before the reader waits for another.
  func writeLines(_ classifier: any TextClassifier, _ checkpoint: Checkpoint) throws {
    let reader = input.reader(tokenizer: checkpoint.tokenizer)
    let labels = LabelReader(classifier.rules)
    reader.textOfLine = labels.text
    var (tokens, count) = ([TokenID](), 0)
    func answer() throws {
      try write(
        [LabelledText](
          Corpus(tokens: tokens), labels: labels.labels.suffix(count), among: classifier.labels,
          lengthLimit: classifier.lengthLimit), classifier)
      (tokens, count) = ([], 0)
    }
    while true {
      if count == Self.most || reader.wouldBlock {
        try answer()
        try StandardOutput.shared.flush()
      }
      guard let line = try reader.next() else { break }
      guard line == .sentence else { continue }
      classifier.vocabulary.append(idsOf: reader.tokens, to: &tokens)
      tokens.append(Vocabulary.endOfSentence)
      count += 1
    }
    try answer()
    try TextFiles.requireText(reader.statistics, input.paths)
    TextFiles.report(reader.statistics)
  }

  private func write(_ texts: [LabelledText], _ classifier: any TextClassifier) throws {
    let (_, probabilities) = classifier.evaluate(texts) { _ in }
    for (text, p) in zip(texts, probabilities) {
      let answer = p.indices.reduce(0) { p[$1] > p[$0] ? $1 : $0 }
      let own = text.labels.map { classifier.labels[$0] }
      let isRight = text.labels.contains(answer)
      let line: String
      if settings.asJSON {
        let object: JSONValue = [
          "labels": .array(own.map { .string($0) }), "answer": .string(classifier.labels[answer]),
          "probability": .number(Double(p[answer])), "right": .bool(isRight),
        ]
        line = object.text
      } else {
        line =
          "\(own.joined(separator: ","))\t\(classifier.labels[answer])\t\(Format.significant(Double(p[answer]), 6))\t\(isRight ? 1 : 0)"
      }
      try StandardOutput.shared.writeBytes((line + "\n").utf8)
    }
  }
}

extension Arguments {
  /// An error if a setting of a command is given that is none of `allowed`, nor one that every command takes; those of the environment do not
  /// count.
  func require(_ allowed: Set<String>, for models: String) throws {
    let common = Set(CommonSettings.options.map(\.name))
    for name in names where !allowed.contains(name) && !common.contains(name) && !isFromEnvironment(name) {
      throw UsageError("--\(name) does not go with \(models)")
    }
  }
}
