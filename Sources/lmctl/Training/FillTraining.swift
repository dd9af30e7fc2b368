import LanguageModels
import NeuralModels
import Threads

/// How `lmctl train --task fill` trains.
struct FillTraining {
  private let settings: TrainSettings

  init(_ settings: TrainSettings) { self.settings = settings }

  func train(_ job: TrainingJob) throws -> TrainedModel {
    guard case .corpus(let corpus) = job.text.content else {
      preconditionFailure("networks are trained on texts in memory")
    }
    try requireTokens(corpus, job.text.sources.files.map(\.name))
    if let heldOut = job.heldOut { try requireTokens(heldOut, [settings.validPath ?? "--holdout"]) }
    let options = settings.trainingInEffect
    var configuration = FillConfiguration(encoder: settings.network)
    configuration.encoder.context = .sentence
    let engine = try Engine()
    let memory = try settings.requireMemory(
      configuration.needs(
        vocabularySize: job.vocabulary.count, options, hasHeldOut: job.heldOut != nil, engine: engine),
      options, hasHeldOut: job.heldOut != nil)
    let trained = try TrainingRun(
      job,
      task: { options in
        Fill(
          text: corpus.tokens, vocabulary: job.vocabulary, configuration: configuration, options: options,
          engine: engine)
      }, heldOut: job.heldOut.map(\.tokens), figures: .filling, configuration: configuration.json,
      options: options, run: settings.run, record: TrainCommand.settings.record(settings), engine: engine,
      memory: memory
    ).train()
    return TrainedModel(
      size: .init("parameters", .integer(trained.parameters)),
      result: job.heldOut.map { heldOut in
        { model, text in
          let watch = Stopwatch()
          let evaluation = trained.measurement?.result ?? trained.model.evaluate(heldOut.tokens) { _ in }
          return FillResult(
            evaluation, model, heldOut.statistics, text: text,
            seconds: trained.measurement?.seconds ?? watch.seconds)
        }
      })
  }

  /// An error if a text has ends of sentences only, which are not predicted.
  private func requireTokens(_ corpus: Corpus, _ names: [String]) throws {
    guard corpus.tokens.count == corpus.sentences else { return }
    throw FileError(
      path: names.joined(separator: ", "),
      reason: "has empty sentences only, in which there is nothing to fill")
  }
}
