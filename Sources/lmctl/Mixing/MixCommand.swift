import LanguageModels
import NGramModels
import NeuralModels

/// `lmctl mix`.
enum MixCommand: Command {
  static let name = "mix"
  static let summary = "mix models: weights by held-out text, one model of several"
  static let operands = "MODEL… [OPTION…]"
  static let discussion = """
    Mixes models of any kinds, p(w) = Σ λᵢ pᵢ(w), with the weights λ that make a held-out text likeliest (--tune, by EM from
    equal weights), or with given ones (--weights), and prints them with each model's perplexity on that text, over the words of all. With -o, the mixture
    becomes a model like any other, which holds its members: eval, sample, inspect and the rest take it. Models must read text by
    the same rules. In a stream, n-gram models begin anew with each sentence while recurrent ones go on.

    Words are matched by their text. Where vocabularies differ, a model's probability of <unk> is shared between words that only
    others know, in equal parts, and those that nobody knows; how much each gets is counted in the held-out text.

    With --static, the n-grams of all models become one n-gram model, with new back-off weights, which is another model than the
    mixture: it backs off from all at once. It is what SRILM's ngram -mix-lm makes, and can be an ARPA file.
    """
  nonisolated(unsafe) static let settings = MixSettings.table
  static let typed = ["interpolate", "merge", "combine", "ensemble", "best-mix", "compute-best-mix"]
  static let configurationExample = (
    line: "lmctl mix kn5.json lstm.json --config run.json",
    file: #"{"tune": "valid.txt", "output": "mix.json"}"#
  )
  static let examples = [
    "lmctl mix kn5.json lstm.json --tune valid.txt",
    "lmctl mix kn5.json lstm.json --tune valid.txt --by-order -o mix.json",
    "lmctl mix a.arpa b.arpa --weights 0.7,0.3 --static -o ab.arpa.gz",
  ]

  static func run(_ settings: MixSettings, _ paths: [String], given: Arguments) throws {
    guard !paths.isEmpty else {
      throw UsageError("no model; give some: lmctl mix kn5.json lstm.json --tune valid.txt -o mix.json")
    }
    guard settings.tuningPath != nil || settings.weights != nil else {
      throw UsageError(
        "say how much each model counts: --tune valid.txt chooses weights, --weights gives them")
    }
    if let weights = settings.weights, weights.count != paths.count {
      throw UsageError("--weights has \(weights.count) for \(Format.count(paths.count, "model"))")
    }
    try TextFiles.requireSingleStandardInput(paths, settings.tuningPath)
    let output = try settings.outputPath.map {
      try OutputFile(
        $0, .model, inputs: paths + [settings.tuningPath].compactMap { $0 },
        isForced: settings.common.isForced)
    }
    let lock = try settings.outputPath.map { try RunLock(for: $0, isShared: true) }
    defer { withExtendedLifetime(lock) {} }
    let format = try settings.outputPath.map { try self.format(of: $0, settings) }
    let members = try paths.map { path in
      if path != "-", try FileKind(ByteSource(path: path)) == .text {
        throw FileError(path: path, reason: "is a text; give the text to choose weights by with --tune")
      }
      return try MixedModel(path, settings.text, given, keepsTensors: output != nil)
    }
    try MixedModel.requireMixable(members)
    if settings.isStatic { try requireNGrams(members) }
    let (mixture, tuning) = try mixture(of: members, settings)
    // One n-gram model is the mixture of itself alone.
    let made =
      settings.isStatic
      ? Mixture(
        [NGramModel(mixture: mixture)], tokens: mixture.tokens.alone, weights: MixtureWeights(equal: 1))
      : mixture
    if let output, let format {
      try write(made, mixture.weights, members, tuning, settings, to: output, as: format)
    }
    let result = MixResult(
      members: members, mixture: made, weights: mixture.weights, tuning: tuning, isStatic: settings.isStatic)
    StandardOutput.shared.write(settings.asJSON ? result.json.text + "\n" : result.table)
  }

  // MARK: Checks

  private static func requireNGrams(_ members: [MixedModel]) throws {
    for member in members where !(member.model is NGramModel) {
      throw FileError(
        path: member.path,
        reason: "holds a model of kind '\(member.checkpoint.model)', and --static mixes n-gram models only")
    }
    let contexts = members.map(\.model.defaultContext)
    if let other = contexts.firstIndex(where: { $0 != contexts[0] }) {
      throw FileError(
        path: members[other].path,
        reason:
          "has context \(contexts[other].rawValue), and \(members[0].path) \(contexts[0].rawValue); one n-gram model "
          + "has one, so --static mixes models of the same; leave --static out")
    }
  }

  // MARK: Weights

  /// A held-out text, and what was chosen by it.
  struct Tuning {
    let path: String
    let tokens: [TokenID]
    let evidence: MixtureEvidence
    let choice: MixtureEvidence.Choice
  }

  private static func mixture(of members: [MixedModel], _ settings: MixSettings) throws -> (Mixture, Tuning?)
  {
    let models = members.map(\.model)
    var tokens = SharedVocabulary(models.map(\.vocabulary))
    for (member, known) in zip(members, tokens.members) where known.missing > 0 {
      Terminal.note(
        "\(member.path) does not know \(known.missing) of all \(tokens.vocabulary.count) tokens; "
          + "they share its probability of <unk>")
    }
    guard let path = settings.tuningPath else {
      let weights = MixtureWeights(settings.weights ?? [1])
      return (Mixture(models, tokens: tokens, weights: weights), nil)
    }
    let text = try TextFiles.tokens(
      of: path, tokenizer: members[0].checkpoint.tokenizer, vocabulary: tokens.vocabulary)
    tokens.chooseShares(by: text)
    let mixture = Mixture(models, tokens: tokens, weights: MixtureWeights(equal: models.count))
    if settings.byOrder, !mixture.hasNGrams {
      throw UsageError("--by-order needs an n-gram model among the members: its contexts decide")
    }
    Progress.begin("scoring")
    var scored = 0
    let evidence = try mixture.evidence(of: text, context: mixture.defaultContext) { count in
      scored += count
      Progress.show("\(scored) tokens")
    }
    Progress.end()
    let choice = evidence.bestWeights(byOrder: settings.byOrder)
    if choice.impossible > 0 {
      Terminal.warn(
        "\(choice.impossible) tokens of \(path) have probability zero by all models, and were left out")
    }
    return (
      mixture.with(choice.weights), Tuning(path: path, tokens: text, evidence: evidence, choice: choice)
    )
  }

  // MARK: Output

  private static func format(of path: String, _ settings: MixSettings) throws -> ConvertCommand.Format {
    let format = ConvertCommand.Format(path: path) ?? .json
    if format == .arpa, !settings.isStatic {
      throw UsageError("an ARPA file holds one n-gram model; add --static to make one of the mixture")
    }
    return format
  }

  private static func write(
    _ mixture: Mixture, _ weights: MixtureWeights, _ members: [MixedModel], _ tuning: Tuning?,
    _ settings: MixSettings, to output: OutputFile, as format: ConvertCommand.Format
  ) throws {
    let training: JSONValue = .object(
      [
        .init("mixed", .array(members.map { .string($0.path) })),
        .init("weights", .array(weights.sets[0].map { .number($0) })),
      ] + (tuning.map { [.init("tuned_on", .string($0.path))] } ?? []))
    var checkpoint: Checkpoint
    if let model = mixture.models[0] as? NGramModel, settings.isStatic {
      let tokenizer = members[0].checkpoint.tokenizer
      output.remark(onWriting: NGramModel.kind)
      if format == .arpa {
        Progress.begin(Progress.writing(output.path))
        try model.writeARPA(to: output.path, tokenizer: tokenizer)
        return Progress.end()
      }
      checkpoint = Checkpoint(
        model: NGramModel.kind, programVersion: programVersion, tokenizer: tokenizer,
        vocabulary: model.vocabulary, configuration: model.configuration, training: training,
        tensors: model.tensors)
    } else {
      output.remark(onWriting: Mixture.kind)
      checkpoint = mixture.checkpoint(
        of: members.map(\.checkpoint), names: members.map(\.path), programVersion: programVersion,
        training: training)
    }
    Progress.begin(Progress.writing(output.path))
    try checkpoint.write(to: output.path, tensors: settings.tensors)
    Progress.end()
  }
}
