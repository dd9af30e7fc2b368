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
    }
  }

  /// What its models are called, as in `a classifier`.
  var noun: String {
    switch self {
    case .language: "a language model"
    case .fill: "a filler"
    case .classify: "a classifier"
    }
  }

  /// The kinds of models that can.
  var models: [ModelKind] {
    switch self {
    case .language: ModelKind.allCases.filter { $0 != .bag }
    case .fill: ModelKind.recurrent
    case .classify: [.ngram, .bag] + ModelKind.recurrent
    }
  }
}
