import LanguageModels
import NGramModels

/// The kinds of models: the one place that maps names to types.
enum ModelKind: String, CaseIterable {
  case ngram

  /// The model in `checkpoint`.
  static func load(_ checkpoint: Checkpoint) throws -> any LanguageModel {
    switch ModelKind(rawValue: checkpoint.model) {
    case .ngram: try NGramModel(checkpoint)
    case nil:
      throw CheckpointError("holds a model of kind '\(checkpoint.model)', which this lmctl does not know")
    }
  }

  /// The model stored at `path`, and its checkpoint without the tensors.
  static func load(path: String) throws -> (model: any LanguageModel, checkpoint: Checkpoint) {
    var checkpoint = try Checkpoint(path: path)
    do {
      let model = try load(checkpoint)
      checkpoint.tensors = []
      return (model, checkpoint)
    } catch var error as CheckpointError {
      error.path = path
      throw error
    }
  }
}
