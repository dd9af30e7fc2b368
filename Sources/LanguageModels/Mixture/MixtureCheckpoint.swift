extension Mixture {
  /// The kind's name in checkpoints.
  public static let kind = "mixture"

  /// A checkpoint of the mixture, which holds those of its members: their tensors under `member.i/…`, their vocabularies, where they are not
  /// the mixture's own, under `member.i`.
  ///
  /// - Parameters:
  ///   - members: the checkpoint of each member, with its tensors.
  ///   - names: what the members are called.
  public func checkpoint(
    of members: [Checkpoint], names: [String], programVersion: String, training: JSONValue
  ) -> Checkpoint {
    var vocabularies: [(name: String, vocabulary: Vocabulary)] = []
    var tensors: [Tensor] = []
    var descriptions: [JSONValue] = []
    for (i, member) in members.enumerated() {
      let prefix = Self.prefix(i)
      if tokens.members[i].own != nil { vocabularies.append((prefix, member.vocabulary)) }
      vocabularies += member.otherVocabularies.map { ("\(prefix)/\($0.name)", $0.vocabulary) }
      tensors += member.tensors.map { $0.ofMember(prefix) }
      descriptions.append([
        "name": .string(names[i]), "model": .string(member.model), "configuration": member.configuration,
        "training": member.training,
      ])
    }
    return Checkpoint(
      model: Self.kind, programVersion: programVersion, tokenizer: members[0].tokenizer,
      vocabulary: vocabulary, otherVocabularies: vocabularies,
      configuration: [
        "weights": .array(weights.sets.map { .array($0.map { .number($0) }) }),
        "unknown_shares": .array(tokens.members.map { .number($0.share) }),
        "members": .array(descriptions),
      ], training: training, tensors: tensors)
  }

  private static func prefix(_ i: Int) -> String { "member.\(i)" }

  /// The mixture in `checkpoint`.
  ///
  /// - Parameter load: makes a member of its checkpoint.
  /// - Throws: `CheckpointError` when its parts do not fit together, and what `load` throws.
  public init(_ checkpoint: Checkpoint, load: (Checkpoint) throws -> any LanguageModel) throws {
    let damaged = CheckpointError("damaged: 'configuration' is not that of a mixture")
    let configuration = checkpoint.configuration
    guard let members = configuration["members"]?.elements, !members.isEmpty,
      let shares = configuration["unknown_shares"]?.elements?.compactMap(\.doubleValue),
      shares.count == members.count, shares.allSatisfy({ 0 <= $0 && $0 < 1 }),
      let sets = configuration["weights"]?.elements?.map({ $0.elements?.compactMap(\.doubleValue) ?? [] }),
      !sets.isEmpty,
      sets.allSatisfy({
        $0.count == members.count && $0.allSatisfy { 0 <= $0 && $0 <= 1 } && $0.reduce(0, +) > 0.5
      })
    else { throw damaged }
    let models = try members.indices.map { try load(checkpoint.member(Self.prefix($0), members[$0])) }
    let tokens = SharedVocabulary(models.map(\.vocabulary), shares: shares)
    guard tokens.vocabulary.tokens == checkpoint.vocabulary.tokens else {
      throw CheckpointError("damaged: 'vocabulary' is not that of the members together")
    }
    self.init(models, tokens: tokens, weights: MixtureWeights(sets: sets))
  }
}
