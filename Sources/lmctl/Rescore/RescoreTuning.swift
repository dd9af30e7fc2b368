import LanguageModels

/// The choice of the weights of features by references.
struct RescoreTuning {
  private let settings: RescoreSettings
  private let references: References
  private var words = VocabularyBuilder(unit: .word)

  /// - Parameter path: the references.
  init(references path: String, _ settings: RescoreSettings) throws {
    self.settings = settings
    references = try References(path)
  }

  /// Lines of words, one for each list, or behind the name of each list.
  private struct References {
    let file: String
    private(set) var lines: [[UInt8]] = []

    init(_ path: String) throws {
      let source = try ByteSource(path: path)
      Terminal.announce(source)
      try TextFiles.requireText(source)
      file = source.name
      let reader = LineReader(source)
      while let line = try reader.next() { lines.append(Array(line)) }
    }

    /// The lines by their first words, which may be the names of lists.
    var byName: [String: [UInt8]] {
      var named: [String: [UInt8]] = [:]
      for line in lines {
        let name = line.prefix { $0 > 0x20 }
        named[String(systemBytes: name)] = Array(line[name.endIndex...])
      }
      return named
    }
  }

  /// What is kept of a list.
  private struct Collected {
    let file: String
    let line: Int
    let id: [UInt8]
    let features: [[Double]]
    let sentences: [[TokenID]]
    let best: Int
  }

  /// Reads all lists, and chooses the weights.
  mutating func run(_ rescorer: Rescorer, _ input: TextInput) throws -> RescoreTuningResult {
    var names: [String] = []
    var collected: [Collected] = []
    var isNamed = false
    let added = rescorer.models.map(\.name)
    try rescorer.forEachList(input) { scored in
      let first = scored.list.hypotheses[0]
      if names.isEmpty {
        try RescoringTotal(nil, added: added).check(first, file: scored.list.file)
        names = first.features.map(\.name) + added + [FeatureName.words]
        isNamed = scored.format == .kaldi || scored.format == .tsv
      }
      collected.append(try collect(scored, names))
    } rest: { _ in
    }
    let lists = try candidates(collected, featureCount: names.count, isNamed: isNamed)
    // From what the lists have as their best where they say so by a score: nothing worse is chosen than that.
    let first = names.contains(NBestLine.scoreName) ? [NBestLine.scoreName] : added
    let start = names.map { first.contains($0) ? 1.0 : 0 }
    Progress.begin("tuning")
    defer { Progress.end() }
    let restarts = settings.restarts
    let weights = lists.tunedWeights(from: start, restarts: restarts, seed: settings.seed) { number in
      Progress.show("\(number) of \(restarts) restarts")
    }
    return RescoreTuningResult(
      // What is printed is what is measured.
      weights: zip(names, weights).map {
        FeatureWeight(name: $0, value: Double(Format.significant($1, 6)) ?? $1)
      },
      lists: lists, own: collected.map(\.best), hypotheses: rescorer.hypothesisCount, seed: settings.seed,
      references: references.file)
  }

  private mutating func collect(_ scored: Rescorer.ScoredList, _ names: [String]) throws -> Collected {
    let (list, file) = (scored.list, scored.list.file)
    let ownCount = names.count - (scored.scores.first?.count ?? 0) - 1
    var features: [[Double]] = []
    var sentences: [[TokenID]] = []
    for (hypothesis, scores) in zip(list.hypotheses, scored.scores) {
      let sentence = numbers(hypothesis.text)
      let own = try names[..<ownCount].map { name in
        guard let value = hypothesis[name] else {
          throw TextError(
            file: file, line: hypothesis.line, reason: "has no feature '\(name)', which the first line has")
        }
        return value
      }
      features.append(own + scores + [Double(sentence.count)])
      sentences.append(sentence)
    }
    return Collected(
      file: file, line: list.hypotheses[0].line, id: list.id, features: features, sentences: sentences,
      best: list.best)
  }

  /// Its words as numbers, the same for the same word.
  private mutating func numbers(_ text: [UInt8]) -> [TokenID] {
    var numbers: [TokenID] = []
    // What is not UTF-8 is replaced, so nothing is thrown.
    _ = try? Tokenizer(invalid: .replace).forEachToken(of: text) { numbers.append(words.number(of: $0)) }
    return numbers
  }

  private mutating func candidates(
    _ collected: [Collected], featureCount: Int, isNamed: Bool
  ) throws -> CandidateLists {
    let texts = try references(of: collected, areNamed: isNamed)
    var lists = CandidateLists(metric: settings.metric, featureCount: featureCount)
    for (list, text) in zip(collected, texts) {
      lists.add(features: list.features, sentences: list.sentences, reference: numbers(text))
    }
    return lists
  }

  /// The reference of each list: that behind its name, if all lists are named there, or else the one at its place.
  private func references(of lists: [Collected], areNamed: Bool) throws -> [[UInt8]] {
    let named = areNamed ? references.byName : [:]
    let found = lists.map { named[String(systemBytes: $0.id)] }
    let complete = found.compactMap { $0 }
    if complete.count == lists.count { return complete }
    // Where most are, those of the others are missing.
    if 2 * complete.count > lists.count, let i = found.firstIndex(where: { $0 == nil }) {
      throw TextError(
        file: lists[i].file, line: lists[i].line,
        reason: "'\(String(systemBytes: lists[i].id))' has no reference in \(references.file)")
    }
    if references.lines.count == lists.count { return references.lines }
    throw FileError(
      path: references.file,
      reason:
        "has \(Format.count(references.lines.count, "line")) for \(Format.count(lists.count, "list")); "
        + "there is one reference for each list")
  }
}
