import Glibc
import LanguageModels
import NeuralModels

/// How `lmctl train` trains a network.
struct NeuralTraining {
  private let settings: TrainSettings
  private var configuration: NeuralConfiguration { settings.network }

  init(_ settings: TrainSettings) { self.settings = settings }

  func train(_ job: TrainingJob) throws -> TrainedModel {
    guard case .corpus(let corpus) = job.text.content else {
      preconditionFailure("networks are trained on texts in memory")
    }
    let (options, run) = (settings.trainingInEffect, settings.run)
    let engine = try Engine()
    let memory = try checkMemory(job.vocabulary, options, hasHeldOut: job.heldOut != nil, engine)
    let trained = try TrainingRun(
      job,
      task: { options in
        NextToken(
          text: corpus.tokens, vocabulary: job.vocabulary, configuration: configuration, options: options,
          engine: engine)
      }, heldOut: job.heldOut.map(\.tokens), configuration: configuration.json, options: options, run: run,
      record: TrainCommand.settings.record(settings), engine: engine, memory: memory,
      moreTensors: { run.keepsStatistics ? statistics(of: $0, on: corpus.tokens) : [] }
    ).train()
    return TrainedModel(
      size: .init("parameters", .integer(trained.parameters)), model: trained.model, heldOut: job.heldOut,
      evaluation: trained.measurement)
  }

  /// The statistics of a model's gradients on the text that it was trained on, or the first part of it.
  private func statistics(of model: NeuralModel, on tokens: [TokenID]) -> [Tensor] {
    Progress.begin("measuring gradients")
    var done = 0
    let some = Array(tokens.prefix(AdaptationSettings.statisticsSize))
    model.measureStatistics(on: some, steps: DynamicEvaluation().segment) { count in
      done += count
      Progress.show("\(done) of \(some.count) tokens")
    }
    Progress.end()
    return model.statistics?.tensors ?? []
  }

  /// The bytes that training will need, about.
  ///
  /// - Throws: `FileError` if this machine's memory cannot hold them.
  func checkMemory(
    _ vocabulary: Vocabulary, _ options: TrainingOptions, hasHeldOut: Bool, _ engine: Engine
  ) throws -> Int {
    let needs = configuration.needs(
      vocabularySize: vocabulary.count, options, hasHeldOut: hasHeldOut, engine: engine)
    return try settings.requireMemory(needs, options, hasHeldOut: hasHeldOut)
  }
}

extension TrainSettings {
  /// The bytes that the training of a network needs, about, given its parameters and the bytes of its activations.
  ///
  /// - Throws: `FileError` if this machine's memory cannot hold them.
  func requireMemory(
    _ needs: (parameters: Int?, activationBytes: Double), _ options: TrainingOptions, hasHeldOut: Bool
  ) throws -> Int {
    // Values, gradients, the optimizer's memory, the last good and the best values.
    let copies =
      2 + options.optimizer.momentNames.count + 1 + (hasHeldOut ? 1 : 0)
      + (options.averageInterval == nil ? 0 : 1)
    let remedy =
      kind == .bag
      ? "lower --embed, --buckets, --max-vocab or --batch"
      : "lower --hidden, --embed, --layers, \(classifier.wordOrder > 1 ? "--buckets, " : "")--max-vocab or --batch"
    MemoryRefusal.advise(remedy)
    let sizes =
      kind == .bag
      ? "--embed \(network.embeddingSize)"
      : "--hidden \(network.hiddenSizes.map(String.init).joined(separator: ","))"
    let memory = Machine.memory
    let parameters = needs.parameters.map(Double.init) ?? .infinity
    let needed = 4 * Double(copies) * parameters + needs.activationBytes
    guard needed < Double(memory) else {
      let amount = needed.isFinite ? Format.bytes(Int(min(needed, 1e18))) : "more than can be counted"
      throw FileError(
        path: sizes,
        reason:
          "training would need about \(amount) of memory, and this machine has \(Format.bytes(memory)); "
          + remedy)
    }
    try MemoryBudget.require(Int(needed), for: sizes, remedy)
    return Int(needed)
  }

  /// The options of training with what ends it.
  var trainingInEffect: TrainingOptions {
    var options = training
    (options.maximumUpdates, options.timeLimit) = (run.maximumSteps, run.timeLimit?.seconds)
    (options.patience, options.targetPerplexity) = (run.patience, run.targetPerplexity)
    options.weightDecay = weightDecay
    return options
  }
}

extension TrainSettings {
  /// Fits what nobody chose to the text.
  ///
  /// - Throws: `FileError` if a batch would be larger than the text.
  mutating func fit(to corpus: Corpus, _ vocabulary: Vocabulary) throws {
    switch learns {
    case .language, .fill: try fit(tokens: corpus.tokens.count)
    case .classify, .translate: fit(texts: corpus.sentences)
    }
    if learns != .classify { try fitSoftmax(to: corpus, vocabulary) }
  }

  private mutating func fit(tokens count: Int) throws {
    if !hasRows { training.batchSize = max(1, min(training.batchSize, count / training.sequenceLength)) }
    guard training.batchSize <= count else {
      throw FileError(
        path: "--batch \(training.batchSize)",
        reason: "larger than the text, which has \(count) tokens; lower it")
    }
    if !hasEpochs, !run.hasBudget {
      let updates =
        (count + training.batchSize * training.sequenceLength - 1)
        / (training.batchSize * training.sequenceLength)
      training.epochs = defaults.epochs(updatesPerEpoch: updates)
    }
  }

  private mutating func fit(texts: Int) {
    if !hasRows { training.batchSize = max(1, min(training.batchSize, texts)) }
    if !hasEpochs, !run.hasBudget {
      training.epochs = defaults.epochs(
        updatesPerEpoch: (texts + training.batchSize - 1) / training.batchSize)
    }
  }
}
