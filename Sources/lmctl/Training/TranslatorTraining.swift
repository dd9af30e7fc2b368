import LanguageModels
import NeuralModels
import Threads

/// How `lmctl train --task translate` trains.
struct TranslatorTraining {
  private let settings: TrainSettings

  init(_ settings: TrainSettings) { self.settings = settings }

  func train(_ job: TrainingJob) throws -> TrainedModel {
    guard let pairs = job.pairs else { preconditionFailure("translators are trained on pairs") }
    let (options, run) = (settings.trainingInEffect, settings.run)
    let configuration = settings.translatorConfiguration
    let engine = try Engine()
    let memory = try settings.requireMemory(
      configuration.needs(
        sourceSize: pairs.source.count, targetSize: job.vocabulary.count,
        steps: pairs.training.longestSide + 1, rows: options.batchSize, engine: engine),
      options, hasHeldOut: pairs.heldOut != nil)
    let trained = try TrainingRun(
      job,
      task: { options in
        Translate(
          pairs.training.pairs, source: pairs.source, target: job.vocabulary, configuration: configuration,
          ownTokens: settings.translator.ownTokens, options: options, engine: engine)
      }, heldOut: pairs.heldOut?.pairs, configuration: configuration.json, options: options, run: run,
      record: TrainCommand.settings.record(settings), engine: engine, memory: memory
    ).train()
    return TrainedModel(
      size: .init("parameters", .integer(trained.parameters)),
      result: pairs.heldOut.map { heldOut in
        { model, text in
          TranslationResult(
            trained.model, path: model.path, text: text, heldOut, tokenizer: job.tokenizer,
            TranslationSearch())
        }
      })
  }
}
