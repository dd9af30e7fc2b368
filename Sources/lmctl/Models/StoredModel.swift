import LanguageModels
import NGramModels
import NeuralModels

/// A model of any task, as a file holds it.
enum StoredModel {
  case language(any LanguageModel)
  case filler(Filler)
  case classifier(any TextClassifier)
  case translator(Translator)

  /// The model in `checkpoint`.
  ///
  /// - Parameter threads: of the engine of neural models; all cores if `nil`.
  init(_ checkpoint: Checkpoint, threads: Int?) throws {
    switch TaskKind(of: checkpoint) {
    case .language: self = .language(try ModelKind.load(checkpoint, threads: threads))
    case .fill: self = .filler(try Filler(checkpoint, engine: Engine(threads: threads)))
    case .classify:
      self = .classifier(
        ModelKind(of: checkpoint) == .ngram
          ? try NGramClassifier(checkpoint) : try Classifier(checkpoint, engine: Engine(threads: threads)))
    case .translate: self = .translator(try Translator(checkpoint, engine: Engine(threads: threads)))
    }
  }

  /// The language model.
  ///
  /// - Throws: `FileError` if it is another model, which stands at `path`.
  func languageModel(_ path: String) throws -> any LanguageModel {
    switch self {
    case .language(let model): return model
    case .filler:
      throw FileError(
        path: path,
        reason: "is a filler, which completes gaps (lmctl fill, lmctl eval); this takes a language model")
    case .classifier:
      throw FileError(
        path: path,
        reason: "is a classifier, which labels texts (lmctl predict, lmctl eval); this takes a language model"
      )
    case .translator:
      throw FileError(
        path: path,
        reason:
          "is a translator, which writes translations (lmctl translate, lmctl eval); this takes a language model"
      )
    }
  }

  /// The translator.
  ///
  /// - Throws: `FileError` if it is another model, which stands at `path`.
  func translator(_ path: String) throws -> Translator {
    if case .translator(let translator) = self { return translator }
    throw FileError(
      path: path,
      reason: "is no translator; lmctl train --task translate makes one")
  }

  /// How large it is, for programs: `parameters`, or `ngrams` by order.
  var size: JSONValue.Member {
    switch self {
    case .language(let model): ModelKind.size(of: model)
    case .filler(let filler): .init("parameters", filler.parameterCount.map { .integer($0) } ?? .null)
    case .classifier(let classifier): classifier.size
    case .translator(let translator):
      .init("parameters", translator.parameterCount.map { .integer($0) } ?? .null)
    }
  }
}
