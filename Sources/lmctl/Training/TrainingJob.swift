import LanguageModels
import NeuralModels
import Threads

/// What a training is given, and where its model goes.
struct TrainingJob {
  let kind: ModelKind
  let task: TaskKind
  let tokenizer: Tokenizer
  let text: TrainingText
  let heldOut: Corpus?
  /// The texts of a classifier.
  let labelled: LabelledTexts?
  /// What a translator is trained and measured on.
  let pairs: TrainingPairs?
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
    var others: [(name: String, vocabulary: Vocabulary)] = []
    if let labelled {
      others.append(
        (ClassifierCheckpoint.labelVocabulary, Vocabulary(unit: .word, tokens: labelled.names)))
    }
    if let pairs, !pairs.isShared { others.append((Translator.sourceVocabulary, pairs.source)) }
    return Checkpoint(
      model: task.checkpointKind ?? kind.rawValue, programVersion: programVersion, tokenizer: tokenizer,
      vocabulary: vocabulary,
      otherVocabularies: others,
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
  /// What it comes to on the held-out text, if there is any, under the names of the model and of the text.
  let result: ((_ model: EvaluatedModel, _ text: String) -> any ShownResult)?
}

extension TrainedModel {
  /// A language model, and what it came to in its own context on the held-out text, if that was measured on the way.
  init(
    size: JSONValue.Member, model: any LanguageModel, heldOut: Corpus?,
    evaluation: (result: Evaluation, seconds: Double)? = nil
  ) {
    self.size = size
    result = heldOut.map { corpus in
      { identity, text in
        let watch = Stopwatch()
        var result = evaluation?.result ?? Self.evaluate(model, on: corpus)
        result.take(sizesOf: corpus.statistics)
        return EvaluationResult(
          evaluation: result, model: identity, statistics: corpus.statistics, text: text,
          context: model.defaultContext, seconds: evaluation?.seconds ?? watch.seconds)
      }
    }
  }

  private static func evaluate(_ model: any LanguageModel, on corpus: Corpus) -> Evaluation {
    Progress.begin("scoring")
    defer { Progress.end() }
    var scored = 0
    return model.evaluate(corpus.tokens, context: model.defaultContext) { count in
      scored += count
      Progress.show("\(scored) of \(corpus.tokens.count) tokens")
    }
  }
}

extension TextStatistics.Text {
  /// As a checkpoint records it.
  var json: JSONValue {
    ["name": .string(name), "bytes": .integer(bytes), "sha256": sha256.map { .string($0) } ?? .null]
  }
}
