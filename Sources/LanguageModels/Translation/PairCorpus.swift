/// Sentences and their translations as token numbers: what translators are trained and measured on.
public struct PairCorpus: Sendable {
  /// The pairs.
  public private(set) var pairs: [SentencePair] = []
  /// The translations as text; empty if nobody asked for it.
  public private(set) var texts: [[UInt8]] = []
  /// What was read: see `PairReader`.
  public private(set) var statistics = TextStatistics()

  /// The vocabularies of both sides.
  public typealias Vocabularies = (source: Vocabulary, target: Vocabulary)

  /// Reads pairs in the numbers of vocabularies, and their translations as text if it `keepsTexts`.
  public init(
    from reader: PairReader, _ vocabularies: Vocabularies, keepsTexts: Bool,
    progress: (TextStatistics) -> Void = { _ in }
  ) throws {
    try read(reader, keepsTexts: keepsTexts, progress) {
      vocabularies.source.append(idsOf: $0, to: &$1)
    } target: {
      vocabularies.target.append(idsOf: $0, to: &$1)
    }
    statistics = reader.statistics
  }

  private init(_ pairs: [SentencePair], texts: [[UInt8]] = [], _ statistics: TextStatistics) {
    (self.pairs, self.texts, self.statistics) = (pairs, texts, statistics)
  }

  private mutating func read(
    _ reader: PairReader, keepsTexts: Bool, _ progress: (TextStatistics) -> Void,
    source: (TokenSpans, inout [TokenID]) -> Void, target: (TokenSpans, inout [TokenID]) -> Void,
    pair isRead: () -> Void = {}
  ) throws {
    while try reader.next() {
      var pair = SentencePair(source: [], target: [])
      source(reader.source, &pair.source)
      target(reader.target, &pair.target)
      pairs.append(pair)
      isRead()
      if keepsTexts { texts.append(reader.text(of: reader.target)) }
      if pairs.count % 16_384 == 0 { progress(reader.statistics) }
    }
  }

  /// Reads pairs and settles their vocabularies, from what is seen at least `minimumCount` times in what is left to train on; one for both
  /// sides if it `isShared`; or takes those that are `fixed`.
  ///
  /// - Returns: what is left, and the part that a `holdout` asks for.
  public static func build(
    from reader: PairReader, minimumCount: Int, maximumSize: Int?, isShared: Bool, holdout: Holdout?,
    fixed: Vocabularies? = nil, progress: (TextStatistics) -> Void
  ) throws -> (training: PairCorpus, heldOut: PairCorpus?, vocabularies: Vocabularies) {
    var choice = holdout.map { HeldOutSentences($0) }
    var sources = VocabularyBuilder(unit: reader.tokenizer.unit)
    var targets = VocabularyBuilder(unit: reader.tokenizer.unit)
    var all = PairCorpus([], TextStatistics())
    try all.read(reader, keepsTexts: holdout != nil, progress) {
      if let fixed { fixed.source.append(idsOf: $0, to: &$1) } else { sources.add($0, to: &$1) }
    } target: {
      if let fixed {
        fixed.target.append(idsOf: $0, to: &$1)
      } else if isShared {
        sources.add($0, to: &$1)
      } else {
        targets.add($0, to: &$1)
      }
    } pair: {
      choice?.add(reader.statistics)
    }
    let parts = try choice?.parts(of: reader.statistics)
    let isHeldOut = Set(parts?.sentences ?? [])
    let vocabularies =
      fixed
      ?? all.settle(
        &sources, &targets, without: isHeldOut, minimumCount, maximumSize, isShared: isShared)
    guard let parts else {
      return (PairCorpus(all.pairs, reader.statistics), nil, vocabularies)
    }
    let training = all.pairs.indices.filter { !isHeldOut.contains($0) }.map { all.pairs[$0] }
    return (
      PairCorpus(training, parts.training),
      PairCorpus(
        parts.sentences.map { all.pairs[$0] }, texts: parts.sentences.map { all.texts[$0] }, parts.heldOut),
      vocabularies
    )
  }

  /// Settles the vocabularies, and takes their numbers; what is held out has no part in them.
  private mutating func settle(
    _ sources: inout VocabularyBuilder, _ targets: inout VocabularyBuilder, without heldOut: Set<Int>,
    _ minimumCount: Int, _ maximumSize: Int?, isShared: Bool
  ) -> Vocabularies {
    for i in heldOut {
      for token in pairs[i].source { sources.remove(token) }
      for token in pairs[i].target { if isShared { sources.remove(token) } else { targets.remove(token) } }
    }
    targets.add(count: pairs.count - heldOut.count, to: Vocabulary.endOfSentence)
    sources.add(count: pairs.count - heldOut.count, to: Vocabulary.endOfSentence)
    let source = sources.settle(minimumCount: minimumCount, maximumSize: maximumSize)
    let target = isShared ? source : targets.settle(minimumCount: minimumCount, maximumSize: maximumSize)
    for i in pairs.indices {
      pairs[i].source = pairs[i].source.map { source.renumbering[Int($0)] }
      pairs[i].target = pairs[i].target.map { target.renumbering[Int($0)] }
    }
    return (source.0, target.0)
  }

  /// The translations, each with its end, one behind the other.
  public var targetTokens: [TokenID] { pairs.flatMap { $0.target + [Vocabulary.endOfSentence] } }

  /// Tokens of the sources, and those that are UNK.
  public var sourceTokens: (all: Int, unknown: Int) {
    pairs.reduce(into: (0, 0)) { sum, pair in
      sum.0 += pair.source.count
      for token in pair.source where token == Vocabulary.unknown { sum.1 += 1 }
    }
  }

  /// The tokens of the longest side.
  public var longestSide: Int { pairs.reduce(0) { max($0, $1.source.count, $1.target.count) } }
}
