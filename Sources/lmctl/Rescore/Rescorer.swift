import LanguageModels

/// Reads n-best lists, and gives each line the features of models, many lines at once.
final class Rescorer {
  /// A list with what the models say of it.
  struct ScoredList {
    let list: NBestList
    let format: NBestFormat
    /// The new features of each hypothesis, in the order of the models.
    let scores: [[Double]]
  }

  let models: [RescoringModel]
  private(set) var listCount = 0
  private(set) var hypothesisCount = 0
  private let layout: NBestLayout
  private let archives: [ScoreArchive]

  /// Bytes of text that are scored at once, but for the rest of the last list.
  private static let blockSize = 1 << 18

  init(_ models: [RescoringModel], _ settings: RescoreSettings) throws {
    self.models = models
    layout = settings.layout
    archives = try settings.scorePaths.map {
      try ScoreArchive(ByteSource(path: $0), name: FeatureName.of(file: $0))
    }
  }

  /// Calls `body` with each list of the texts, in their order, and `rest` with what stands behind the last of a text.
  func forEachList(
    _ input: TextInput, _ body: (ScoredList) throws -> Void, rest: ([UInt8]) throws -> Void
  ) throws {
    defer { Progress.end() }
    for path in input.paths {
      let reader = NBestReader(try input.open(path), layout, archives: archives)
      var block: [NBestList] = []
      var size = 0
      while let list = try reader.next() {
        block.append(list)
        size += list.hypotheses.reduce(0) { $0 + $1.text.count + 1 }
        guard size >= Self.blockSize || reader.wouldBlock else { continue }
        try score(block, reader.layout.format ?? .tsv, body)
        if reader.wouldBlock { try StandardOutput.shared.flush() }
        block.removeAll()
        size = 0
      }
      try score(block, reader.layout.format ?? .tsv, body)
      try rest(reader.rest)
    }
    if listCount == 0 { throw FileError(path: input.name, reason: "has no n-best list; it is empty") }
    Terminal.note("\(Format.count(hypothesisCount, "line")) in \(Format.count(listCount, "list"))")
    for model in models where model.unknown > 0 {
      Terminal.note(
        "\(model.path) does not know \(model.unknown) of \(model.tokens) tokens (\(Format.percent(model.unknown, of: model.tokens)))"
      )
    }
  }

  private func score(
    _ block: [NBestList], _ format: NBestFormat, _ body: (ScoredList) throws -> Void
  ) throws {
    if block.isEmpty { return }
    Progress.begin("scoring")
    let features = try models.map { model in
      try model.logProbabilities(of: block) { _ in Progress.show("\(hypothesisCount) hypotheses") }
    }
    var first = 0
    for list in block {
      let scores = list.hypotheses.indices.map { i in features.map { $0[first + i] } }
      first += list.hypotheses.count
      listCount += 1
      hypothesisCount += list.hypotheses.count
      try body(ScoredList(list: list, format: format, scores: scores))
    }
  }
}
