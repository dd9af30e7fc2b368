import LanguageModels

/// Writes the likeliest labels of each line of a text, one line for each.
struct LabelWriter {
  private let settings: PredictSettings
  private let classifier: any TextClassifier

  /// The settings that go with classifiers.
  private static let allowed: Set = ["top", "threshold", "json", "invalid"]
  /// Lines that are labelled side by side, as far as they are there.
  private static let most = 256

  init(_ settings: PredictSettings, _ classifier: any TextClassifier, given: Arguments) throws {
    (self.settings, self.classifier) = (settings, classifier)
    try given.require(Self.allowed, for: "classifiers")
  }

  /// Labels lines to the end of the text; each answer is out before the reader waits for another.
  func write(_ reader: SentenceReader) throws {
    // Whoever checks predictions by labels may leave these where they are.
    let labels = LabelReader(classifier.rules, areOptional: true)
    reader.textOfLine = labels.text
    var texts: [LabelledText] = []
    while true {
      if texts.count == Self.most || reader.wouldBlock { try answer(&texts) }
      guard try reader.next() != nil else { return try answer(&texts) }
      var tokens: [TokenID] = []
      classifier.vocabulary.append(idsOf: reader.tokens, to: &tokens)
      texts.append(LabelledText(tokens: Array(tokens.prefix(classifier.lengthLimit)), labels: []))
    }
  }

  private func answer(_ texts: inout [LabelledText]) throws {
    let (_, probabilities) = classifier.evaluate(texts) { _ in }
    for (text, p) in zip(texts, probabilities) {
      // Of equal ones, the first.
      let best = p.indices.sorted { (p[$1], $0) < (p[$0], $1) }.prefix(settings.count)
        .filter { Double(p[$0]) >= settings.threshold }
      try StandardOutput.shared.writeBytes((line(best, p, text.tokens) + "\n").utf8)
    }
    texts.removeAll(keepingCapacity: true)
    try StandardOutput.shared.flush()
  }

  private func line(_ best: [Int], _ p: [Float], _ tokens: [TokenID]) -> String {
    guard settings.asJSON else {
      return best.map { "\(classifier.labels[$0])\t\(Format.significant(Double(p[$0]), 7))" }
        .joined(separator: "\t")
    }
    let unknown = tokens.reduce(0) { $0 + ($1 == Vocabulary.unknown ? 1 : 0) }
    let object: JSONValue = [
      "tokens": .integer(tokens.count), "unknown": .integer(unknown),
      "predictions": .array(
        best.map { ["label": .string(classifier.labels[$0]), "probability": .number(Double(p[$0]))] }),
    ]
    return object.text
  }
}
