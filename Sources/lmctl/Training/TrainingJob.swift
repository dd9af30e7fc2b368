import LanguageModels
import Threads

/// What a training is given, and where its model goes.
struct TrainingJob {
  let kind: ModelKind
  let tokenizer: Tokenizer
  let text: TrainingText
  let heldOut: Corpus?
  /// Where the model goes, and how.
  let output: String
  let format: TensorFormat
  /// Every option with its value in effect.
  let settings: JSONValue
  let heldOutText: JSONValue?
  let holdout: Holdout?
  /// What it begins with, if not with nothing.
  let predecessor: Predecessor?
  /// When the program began to work on it.
  let watch: Stopwatch

  var vocabulary: Vocabulary { text.vocabulary }

  /// The texts as they are recorded: name, size, digest. A run that goes on keeps the names that it began with.
  var texts: [JSONValue] {
    predecessor?.use == .resume ? predecessor?.texts ?? [] : text.sources.files.map(\.json)
  }

  /// A checkpoint of the model so far.
  ///
  /// - Parameters:
  ///   - options: what it records of the training's options.
  ///   - resume: what the training needs to go on, if it should be able to.
  func checkpoint(
    configuration: JSONValue, options: [JSONValue.Member], tensors: [Tensor], resume: JSONValue? = nil
  ) -> Checkpoint {
    var members = text.record(files: texts, holdout: holdout)
    members += options
    if let previous { members.append(.init("previous", previous)) }
    if let resume { members.append(.init("resume", resume)) }
    return Checkpoint(
      model: kind.rawValue, programVersion: programVersion, tokenizer: tokenizer, vocabulary: vocabulary,
      configuration: configuration, training: .object(members), tensors: tensors)
  }

  /// Writes a finished model and says so.
  func write(_ checkpoint: Checkpoint) throws {
    let start = watch.seconds
    try Progress.during(Progress.writing(output)) { try checkpoint.write(to: output, tensors: format) }
    let name = output == "-" ? "the model to standard output" : output
    Terminal.note(
      "wrote \(name) in \(Format.fixed(watch.seconds, 2)) s, of which \(Format.fixed(watch.seconds - start, 2)) s to write"
    )
  }

  /// How the weights that this training began with were trained.
  private var previous: JSONValue? {
    guard let predecessor else { return nil }
    let training = predecessor.checkpoint.training
    if predecessor.use == .resume { return training["previous"] }
    return .object((training.members ?? []).filter { $0.name != "resume" })
  }
}

/// What comes of a training.
struct TrainedModel {
  /// How large it is, for programs: `parameters`, or `ngrams` by order.
  let size: JSONValue.Member
  /// The model, if there is held-out text to measure it on.
  let model: (any LanguageModel)?
  /// What it came to on the held-out text, and the seconds that the measure took, if it was made on the way.
  var evaluation: (result: Evaluation, seconds: Double)?

  /// The evaluation of the model, in its own context, on text that has been read; made now if its training has not made it.
  func evaluated(on corpus: Corpus, as identity: EvaluatedModel, text: String) -> EvaluationResult? {
    guard let model else { return nil }
    let watch = Stopwatch()
    Progress.begin("scoring")
    var scored = 0
    var result =
      evaluation?.result
      ?? model.evaluate(corpus.tokens, context: model.defaultContext) { count in
        scored += count
        Progress.show("\(scored) of \(corpus.tokens.count) tokens")
      }
    Progress.end()
    result.take(sizesOf: corpus.statistics)
    return EvaluationResult(
      evaluation: result, model: identity, statistics: corpus.statistics, text: text,
      context: model.defaultContext, seconds: evaluation?.seconds ?? watch.seconds)
  }
}

extension TextStatistics.Text {
  /// As a checkpoint records it.
  var json: JSONValue {
    ["name": .string(name), "bytes": .integer(bytes), "sha256": sha256.map { .string($0) } ?? .null]
  }
}
