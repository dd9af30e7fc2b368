import LanguageModels
import NGramModels
import NeuralModels

/// What a translator is trained and measured on.
struct TrainingPairs {
  let training: PairCorpus
  var heldOut: PairCorpus?
  let vocabularies: PairCorpus.Vocabularies
  /// Whether both sides have one vocabulary.
  let isShared: Bool

  /// The tokens of the sources.
  var source: Vocabulary { vocabularies.source }

  /// A reader of one text or two, by the text rules and the limit of `settings`.
  static func reader(_ paths: [String], _ settings: TrainSettings) throws -> PairReader {
    PairReader(
      paths, tokenizer: settings.text.tokenizer, lengthLimit: settings.translator.lengthLimit, hashing: true
    ) { path in
      let source = try ByteSource(path: path)
      Terminal.announce(source)
      try TextFiles.requireText(source)
      return source
    }
  }

  /// Says what the sources are.
  func report() {
    let tokens = training.sourceTokens
    Terminal.note(
      "sources: \(Format.count(tokens.all, "token")), vocabulary of \(source.count)\(isShared ? ", that of both sides" : ""); "
        + "\(Format.percent(tokens.unknown, of: tokens.all)) of the tokens are unknown (\(tokens.unknown))")
  }
}

extension TrainingText {
  /// Reads sentences and their translations into memory.
  ///
  /// - Parameter fixed: the vocabularies of the model that training begins with, if there is one.
  static func pairs(
    of paths: [String], _ settings: TrainSettings, vocabularies fixed: PairCorpus.Vocabularies?,
    holdout: Holdout?
  ) throws -> TrainingText {
    let reader = try TrainingPairs.reader(paths, settings)
    Progress.begin("reading")
    let text = settings.text
    let read = try PairCorpus.build(
      from: reader, minimumCount: text.minimumCount ?? text.usualMinimumCount, maximumSize: text.maximumSize,
      isShared: settings.translator.sharesVocabulary, holdout: holdout, fixed: fixed
    ) { Progress.show($0.shown) }
    try TextFiles.requireText(reader.statistics, paths)
    let corpus = Corpus(tokens: read.training.targetTokens, statistics: read.training.statistics)
    return TrainingText(
      content: .corpus(corpus), vocabulary: read.vocabularies.target,
      sizes: TextSizes(
        sentences: corpus.sentences, tokens: corpus.tokens.count, unknownTokens: corpus.unknownTokens),
      sources: ("texts", reader.statistics.texts), statistics: reader.statistics,
      heldOut: read.heldOut.map { Corpus(tokens: $0.targetTokens, statistics: $0.statistics) },
      pairs: TrainingPairs(
        training: read.training, heldOut: read.heldOut, vocabularies: read.vocabularies,
        isShared: settings.translator.sharesVocabulary))
  }
}

extension Predecessor {
  /// The vocabularies of a translator.
  var vocabularies: PairCorpus.Vocabularies {
    get throws {
      let configuration = try TranslatorConfiguration(json: checkpoint.configuration)
      return (try Translator.sourceVocabulary(of: checkpoint, configuration), checkpoint.vocabulary)
    }
  }
}

extension [TextStatistics.Text] {
  /// Several texts as one, whose digest is that of their digests.
  var joined: TextStatistics.Text? {
    guard count > 1 else { return first }
    var digest = SHA256()
    for text in self { [UInt8]((text.sha256 ?? "").utf8).withUnsafeBytes { digest.update($0) } }
    return TextStatistics.Text(
      name: map(\.name).joined(separator: ","), bytes: reduce(0) { $0 + $1.bytes },
      sha256: digest.hexadecimal)
  }
}
