import LanguageModels

/// What the texts of a classifier are labelled with, and the texts themselves.
struct LabelledTexts {
  /// The names of the labels.
  let names: [String]
  let training: [LabelledText]
  let heldOut: [LabelledText]?

  /// The texts to train on, and those that are held out.
  ///
  /// - Parameters:
  ///   - known: the labels of the model that training begins with, if it has any.
  ///   - texts: how the texts are called.
  /// - Throws: `FileError` if there is only one label, or one that the model does not have.
  init(
    _ corpus: Corpus, _ labels: SentenceLabels, heldOut: (Corpus, labels: [[String]])?, known: [String]?,
    lengthLimit: Int, texts: String
  ) throws {
    let found = labels.names
    names = known ?? found
    if let known, let new = found.first(where: { !known.contains($0) }) {
      throw FileError(
        path: texts,
        reason: "has the label '\(new)', which the model does not; its labels are \(Self.listed(known))")
    }
    guard names.count > 1 else {
      throw FileError(
        path: texts, reason: "has no label but '\(names.first ?? "")', so that there is nothing to tell apart"
      )
    }
    let names = names
    func labelled(_ corpus: Corpus, _ labels: [[String]]) -> [LabelledText] {
      [LabelledText](corpus, labels: labels, among: names, lengthLimit: lengthLimit)
    }
    training = labelled(corpus, labels.training)
    self.heldOut = heldOut.map { labelled($0, $1) }
    for warning in LabelWarnings.about(training, longest: corpus.longestSentence, lengthLimit: lengthLimit) {
      Terminal.warn(warning)
    }
    if let heldOut = self.heldOut {
      for warning in LabelWarnings.about(heldOut, longest: 0, lengthLimit: lengthLimit) {
        Terminal.warn("held-out text: \(warning)")
      }
    }
  }

  /// Some names, as a person reads them.
  static func listed(_ names: [String]) -> String {
    names.prefix(10).joined(separator: ", ") + (names.count > 10 ? " and \(names.count - 10) more" : "")
  }
}

extension Corpus {
  /// The tokens of its longest sentence, without the end.
  var longestSentence: Int {
    var (longest, start) = (0, 0)
    for (i, token) in tokens.enumerated() where token == Vocabulary.endOfSentence {
      longest = max(longest, i - start)
      start = i + 1
    }
    return longest
  }
}
