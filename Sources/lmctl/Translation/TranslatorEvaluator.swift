import LanguageModels
import NeuralModels

/// Measures translators on sentences and their translations.
struct TranslatorEvaluator {
  private let settings: EvalSettings
  private let input: TextInput

  /// The settings that go with translators.
  private static let allowed: Set = [
    "json", "perplexity", "cross-entropy", "per", "invalid", "beam", "length-penalty", "max-tokens",
    "allow-empty",
  ]

  init(_ settings: EvalSettings, _ input: TextInput, given: Arguments) throws {
    (self.settings, self.input) = (settings, input)
    try given.require(Self.allowed, for: "translators")
    if let detail = settings.detail, detail != .sentence {
      throw UsageError(
        "--per \(detail.rawValue) does not go with translators; --per sentence writes a line for each pair")
    }
    guard input.paths.count <= 2 else {
      throw UsageError(
        "'\(input.paths[2])' is one text too many; a translator is measured on sentences and their translations, or on one text with tabs"
      )
    }
  }

  private func reader(_ checkpoint: Checkpoint) -> PairReader {
    PairReader(input.paths, tokenizer: checkpoint.tokenizer, lengthLimit: Self.lengthLimit) {
      try input.open($0)
    }
  }

  private func read(_ translator: Translator, _ checkpoint: Checkpoint) throws -> PairCorpus {
    let reader = reader(checkpoint)
    Progress.begin("reading")
    defer { Progress.end() }
    let corpus = try PairCorpus(from: reader, (translator.source, translator.target), keepsTexts: true)
    try TextFiles.requireText(reader.statistics, input.paths)
    return corpus
  }

  /// The most tokens of a sentence.
  static let lengthLimit = 10_000

  /// Measures the translator stored at `path`.
  func evaluate(_ translator: Translator, _ checkpoint: Checkpoint, path: String) throws -> TranslationResult
  {
    let onlyMeasured = settings.onlyPerplexity || settings.onlyCrossEntropy
    return TranslationResult(
      translator, path: path, text: input.name, try read(translator, checkpoint),
      tokenizer: checkpoint.tokenizer, onlyMeasured ? nil : settings.translation)
  }

  /// Pairs that are scored at once, as far as they are there.
  private static let most = 1024

  /// One line for each pair: tokens, those that are unknown, ln p, and the perplexity; each is out before the reader waits for another.
  func writeLines(_ translator: Translator, _ checkpoint: Checkpoint) throws {
    let reader = reader(checkpoint)
    var pairs: [SentencePair] = []
    while true {
      if pairs.count == Self.most || reader.wouldBlock {
        try write(pairs, translator)
        try StandardOutput.shared.flush()
        pairs.removeAll(keepingCapacity: true)
      }
      guard try reader.next() else { break }
      var pair = SentencePair(source: [], target: [])
      translator.source.append(idsOf: reader.source, to: &pair.source)
      translator.target.append(idsOf: reader.target, to: &pair.target)
      pairs.append(pair)
    }
    try write(pairs, translator)
    try TextFiles.requireText(reader.statistics, input.paths)
  }

  private func write(_ pairs: [SentencePair], _ translator: Translator) throws {
    for (pair, loss) in zip(pairs, translator.losses(of: pairs)) {
      let one = TranslationLoss(pairs: [pair], losses: [loss])
      let unknown = pair.target.count { $0 == Vocabulary.unknown }
      let line: String
      if settings.asJSON {
        let object: JSONValue = [
          "tokens": .integer(one.tokens), "unknown": .integer(unknown), "log_probability": .number(-loss),
          "perplexity": .number(one.perplexity),
        ]
        line = object.text
      } else {
        line =
          "\(one.tokens)\t\(unknown)\t\(Format.significant(-loss, 9))\t\(Format.significant(one.perplexity, 7))"
      }
      try StandardOutput.shared.writeBytes((line + "\n").utf8)
    }
  }
}
