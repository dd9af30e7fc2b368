import LanguageModels

/// A model that gives hypotheses a feature: ln p of the sentence by itself, its end included.
final class RescoringModel {
  /// What the feature is called.
  let name: String
  let path: String
  private let model: any LanguageModel
  private let tokenizer: Tokenizer
  /// Tokens of all hypotheses so far, ends aside, and those of them that the model does not know.
  private(set) var tokens = 0
  private(set) var unknown = 0

  init(name: String, path: String, _ model: any LanguageModel, _ tokenizer: Tokenizer) {
    (self.name, self.path, self.model, self.tokenizer) = (name, path, model, tokenizer)
  }

  /// The feature of each hypothesis of some lists; those that are the same to the model are scored once.
  func logProbabilities(of lists: [NBestList], watch: (Int) -> Void) throws -> [Double] {
    var sentences: [[TokenID]] = []
    var places: [[TokenID]: Int] = [:]
    var order: [Int] = []
    for list in lists {
      for hypothesis in list.hypotheses {
        let sentence = try sentence(hypothesis, file: list.file)
        let place = places[sentence] ?? sentences.count
        if place == sentences.count {
          places[sentence] = place
          sentences.append(sentence)
        }
        order.append(place)
      }
    }
    let scores = model.logProbabilities(ofSentences: sentences, watch: watch)
    return order.map { scores[$0] }
  }

  private func sentence(_ hypothesis: NBestLine, file: String) throws -> [TokenID] {
    var sentence: [TokenID] = []
    do {
      try tokenizer.forEachToken(of: hypothesis.text) { sentence.append(model.vocabulary.id(of: $0)) }
    } catch let error as TextError {
      throw TextError(file: file, line: hypothesis.line, reason: error.reason)
    }
    tokens += sentence.count
    for token in sentence where token == Vocabulary.unknown { unknown += 1 }
    return sentence
  }

  // MARK: As the command line names them

  /// The models at `paths`, or their mixture.
  static func load(
    _ paths: [String], _ settings: RescoreSettings, _ given: Arguments
  ) throws -> [RescoringModel] {
    let isMixed = settings.combination == .linear && paths.count > 1
    let count = isMixed ? 1 : paths.count
    let names = settings.names ?? (isMixed ? ["mixture"] : paths.map { FeatureName.of(file: $0) })
    guard names.count == count else {
      throw UsageError(
        "--name has \(Format.count(names.count, "name")) for \(Format.count(count, "new feature"))")
    }
    if let twice = names.indices.first(where: { names[..<$0].contains(names[$0]) }) {
      throw UsageError("two features would be called '\(names[twice])'; give them names with --name")
    }
    if let weights = settings.modelWeights, weights.count != paths.count {
      throw UsageError("--lambda has \(weights.count) for \(Format.count(paths.count, "model"))")
    }
    let members = try paths.map { try MixedModel($0, settings.text, given) }
    guard isMixed else {
      return zip(names, members).map { name, member in
        RescoringModel(name: name, path: member.path, member.model, member.checkpoint.tokenizer)
      }
    }
    try MixedModel.requireMixable(members)
    let models = members.map(\.model)
    let mixture = Mixture(
      models, tokens: SharedVocabulary(models.map(\.vocabulary)),
      weights: settings.modelWeights.map { MixtureWeights($0) } ?? MixtureWeights(equal: models.count))
    return [
      RescoringModel(name: names[0], path: "the mixture", mixture, members[0].checkpoint.tokenizer)
    ]
  }
}
