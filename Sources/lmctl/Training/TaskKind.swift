import LanguageModels
import NeuralModels

/// What `lmctl train` can learn from text.
enum TaskKind: String, CaseIterable {
  /// To predict the next token.
  case language
  /// To fill gaps.
  case fill
  /// To label texts.
  case classify
  /// To translate sentences.
  case translate

  /// The task that the model of a checkpoint was made for.
  init(of checkpoint: Checkpoint) {
    self = Self.allCases.first { $0.checkpointKind == checkpoint.model } ?? .language
  }

  /// What checkpoints call its models; `nil` if they are called by their kind.
  var checkpointKind: String? {
    switch self {
    case .language: nil
    case .fill: FillConfiguration.kind
    case .classify: ClassifierCheckpoint.kind
    case .translate: TranslatorConfiguration.kind
    }
  }

  /// What its models are called, as in `a classifier`.
  var noun: String {
    switch self {
    case .language: "a language model"
    case .fill: "a filler"
    case .classify: "a classifier"
    case .translate: "a translator"
    }
  }

  /// The kinds of models that can.
  var models: [ModelKind] {
    switch self {
    case .language: ModelKind.allCases.filter { $0 != .bag }
    case .fill: ModelKind.recurrent
    case .classify: [.ngram, .bag] + ModelKind.recurrent
    case .translate: ModelKind.recurrent
    }
  }

  /// What networks are for.
  var purpose: Defaults.Purpose {
    switch self {
    case .language, .fill: .language
    case .classify: .classification
    case .translate: .translation
    }
  }
}
