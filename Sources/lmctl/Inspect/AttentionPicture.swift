import Charts
import LanguageModels
import NeuralModels

/// `lmctl inspect --attention`: which words of a sentence each word of its translation attends to.
struct AttentionPicture {
  private let settings: InspectSettings
  private let path: String
  private let sentence: String
  /// `nil` for what the model itself writes.
  private let translation: String?

  init(_ settings: InspectSettings, _ operands: [String]) throws {
    let example = "lmctl inspect --attention model.json 'the sentence' 'its translation'"
    guard let path = operands.first else {
      throw UsageError("no model; give it, then a sentence: \(example)")
    }
    guard operands.count >= 2 else {
      throw UsageError("no sentence to translate; give it behind the model: \(example)")
    }
    if operands.count > 3 {
      throw UsageError("'\(operands[3])' is one argument too many; put sentences in quotation marks")
    }
    (self.settings, self.path, sentence) = (settings, path, operands[1])
    translation = operands.count == 3 ? operands[2] : nil
    if let output = settings.output {
      try PictureFile.check(output, inputs: [path], isForced: settings.common.isForced)
    }
  }

  /// Translates the sentence, if need be, and shows what was attended to.
  func show() throws {
    let (stored, checkpoint) = try ModelKind.loadAny(path: path)
    let translator = try stored.translator(path)
    guard translator.configuration.attention != .none else {
      throw FileError(path: path, reason: "has no attention (it was trained with --attention none)")
    }
    var (source, sourceLabels) = try tokens(sentence, translator.source, checkpoint.tokenizer)
    if source.isEmpty { throw UsageError("the sentence is empty; give the network something to translate") }
    sourceLabels.append(translator.source.displayName(of: Vocabulary.endOfSentence))
    var (target, labels): ([TokenID], [String]) = ([], [])
    if let translation {
      (target, labels) = try tokens(translation, translator.target, checkpoint.tokenizer)
    } else {
      target = TranslationSearch().run(translator, [source])[0][0].tokens.filter {
        $0 != Vocabulary.endOfSentence
      }
      labels = target.map { translator.target.displayName(of: $0) }
    }
    labels.append(translator.target.displayName(of: Vocabulary.endOfSentence))
    let shares = translator.attention(of: [SentencePair(source: source, target: target)])[0]
    let output = StandardOutput.shared
    let maps = HeatMaps(
      title: ChartText.names(ofFiles: [path])[0], columnLabels: sourceLabels, rowTitle: "translation",
      groups: [
        [
          HeatMap(
            name: "attention", rowLabels: labels, rows: shares.map { $0.map(Double.init) },
            scale: .sequential)
        ]
      ])
    if let path = settings.output {
      try PictureFile.write(SVGHeatMap(maps), to: path)
      if OutputTarget.isStandardOutput(path) || !settings.asJSON { return }
    }
    if settings.asJSON {
      let object: JSONValue = [
        "source": .array(sourceLabels.map { .string($0) }), "target": .array(labels.map { .string($0) }),
        "attention": .array(shares.map { .array($0.map { .number(Double($0)) }) }),
      ]
      return output.write(object.text + "\n")
    }
    output.write(
      TextHeatMap(maps, width: max(40, Terminal.columns), isColoured: Terminal.isColoured).text)
  }

  /// The tokens of a sentence, and how they are shown.
  private func tokens(_ sentence: String, _ vocabulary: Vocabulary, _ tokenizer: Tokenizer) throws -> (
    [TokenID], [String]
  ) {
    var (tokens, labels): ([TokenID], [String]) = ([], [])
    try tokenizer.forEachToken(of: sentence.systemBytes) { token in
      tokens.append(vocabulary.id(of: token))
      labels.append(String(decoding: token, as: UTF8.self))
    }
    for i in tokens.indices where labels[i].allSatisfy(\.isWhitespace) {
      labels[i] = vocabulary.displayName(of: tokens[i])
    }
    return (tokens, labels)
  }
}
