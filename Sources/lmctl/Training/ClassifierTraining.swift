import LanguageModels
import NGramModels
import NeuralModels
import Threads

/// How `lmctl train --task classify` trains.
struct ClassifierTraining {
  private let settings: TrainSettings
  private var classifier: ClassifierSettings { settings.classifier }

  init(_ settings: TrainSettings) { self.settings = settings }

  func train(_ job: TrainingJob) throws -> TrainedModel {
    guard let texts = job.labelled else { preconditionFailure("classifiers are trained on labelled texts") }
    return settings.kind == .ngram ? try trainNGrams(job, texts) : try trainNetwork(job, texts)
  }

  private func trainNGrams(_ job: TrainingJob, _ texts: LabelledTexts) throws -> TrainedModel {
    let model = try NGramClassifier(
      training: texts.training, vocabulary: job.vocabulary, labels: texts.names, rules: classifier.rules,
      lengthLimit: classifier.lengthLimit, options: settings.ngram
    ) {
      Terminal.warn("label '\($0)': \($1)")
    } progress: {
      Progress.begin($0)
    }
    try job.write(job.checkpoint(configuration: model.configuration, options: [], tensors: model.tensors))
    return TrainedModel(size: model.size, result: result(of: texts) { model.report($0) { _ in } })
  }

  private func trainNetwork(_ job: TrainingJob, _ texts: LabelledTexts) throws -> TrainedModel {
    let (options, run) = (settings.trainingInEffect, settings.run)
    let configuration = settings.classifierConfiguration
    let engine = try Engine()
    let longest = texts.training.reduce(0) { max($0, $1.tokens.count) }
    let memory = try settings.requireMemory(
      configuration.needs(
        vocabularySize: job.vocabulary.count, labelCount: texts.names.count, steps: longest,
        rows: options.batchSize, engine: engine),
      options, hasHeldOut: texts.heldOut != nil)
    let weights = try classifier.weights(of: texts)
    var task: Classify?
    let training = try TrainingRun(
      job,
      task: { options in
        let learned = Classify(
          texts.training, vocabulary: job.vocabulary, labels: texts.names, configuration: configuration,
          labelWeights: weights, freezing: classifier.freezing, options: options, engine: engine)
        task = learned
        return learned
      }, heldOut: texts.heldOut, figures: .classification, configuration: configuration.json,
      options: options, run: run, record: TrainCommand.settings.record(settings), engine: engine,
      memory: memory)
    if let new = task?.notTaken, !new.isEmpty {
      Terminal.note(
        "begins anew, because the model that it begins with has none that fits: \(new.joined(separator: ", "))"
      )
    }
    let trained = try training.train()
    return TrainedModel(
      size: .init("parameters", .integer(trained.parameters)),
      result: result(of: texts, measured: trained.measurement) { trained.model.report($0) { _ in } })
  }

  /// The result on what is held out, if anything is; made by `report` unless it was measured on the way.
  private func result(
    of texts: LabelledTexts, measured: (result: ClassificationReport, seconds: Double)? = nil,
    report: @escaping ([LabelledText]) -> ClassificationReport
  ) -> ((EvaluatedModel, String) -> any ShownResult)? {
    texts.heldOut.map { heldOut in
      { model, text in
        let watch = Stopwatch()
        return ClassificationResult(
          path: model.path, text: text, texts: heldOut, report: measured?.result ?? report(heldOut),
          seconds: measured?.seconds ?? watch.seconds)
      }
    }
  }
}

extension TrainSettings {
  /// The shape of the network that is trained to label texts.
  var classifierConfiguration: ClassifierConfiguration {
    var configuration = ClassifierConfiguration(encoder: network)
    configuration.encoder.context = .sentence
    configuration.isBag = kind == .bag
    (configuration.isBidirectional, configuration.pooling) = (classifier.isBidirectional, classifier.pooling)
    (configuration.rules, configuration.lengthLimit) = (classifier.rules, classifier.lengthLimit)
    configuration.wordOrder = classifier.wordOrder
    configuration.buckets = classifier.wordOrder > 1 ? classifier.buckets : 0
    return configuration
  }
}

extension ClassifierSettings {
  /// How much each label of `texts` counts; `nil` if all count the same.
  ///
  /// - Throws: `UsageError` for a label that no text has.
  fileprivate func weights(of texts: LabelledTexts) throws -> [Float]? {
    switch weights {
    case .same: return nil
    case .balanced:
      var counts = texts.names.map { _ in 0 }
      for text in texts.training { for label in text.labels { counts[label] += 1 } }
      let all = Float(counts.reduce(0, +)) / Float(counts.count)
      return counts.map { all / Float(max(1, $0)) }
    case .given(let given):
      var weights = [Float](repeating: 1, count: texts.names.count)
      for (label, weight) in given.map({ ($0.label, $0.weight) }) {
        guard let number = texts.names.firstIndex(of: label) else {
          throw UsageError(
            "--label-weights names '\(label)', which no text has; the labels are \(LabelledTexts.listed(texts.names))"
          )
        }
        weights[number] = Float(weight)
      }
      return weights
    }
  }
}
