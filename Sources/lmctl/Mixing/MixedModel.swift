import LanguageModels
import NeuralModels

/// A model that is mixed with others.
struct MixedModel {
  let path: String
  let model: any LanguageModel
  /// What the mixture holds of it.
  let checkpoint: Checkpoint

  /// The model stored at `path`.
  ///
  /// - Parameter keepsTensors: whether the checkpoint has its tensors; else there are none.
  init(_ path: String, _ text: TextSettings, _ given: Arguments, keepsTensors: Bool = false) throws {
    var (model, checkpoint) = try ModelKind.load(path: path, text, given, keepsTensors: keepsTensors)
    // What training needs to go on is no part of a mixture.
    checkpoint.tensors.removeAll { $0.name.hasPrefix(TrainingState.prefix) }
    if let members = checkpoint.training.members {
      checkpoint.training = .object(members.filter { $0.name != "resume" })
    }
    (self.path, self.model, self.checkpoint) = (path, model, checkpoint)
  }

  /// An error if some models have no probabilities to mix, or other tokens than the first.
  static func requireMixable(_ models: [MixedModel]) throws {
    for mixed in models {
      guard mixed.model.isNormalized else {
        throw FileError(
          path: mixed.path,
          reason: "its numbers are scores that do not sum to one (stupid back-off), so they cannot be mixed")
      }
      guard mixed.checkpoint.tokenizer.comparable == models[0].checkpoint.tokenizer.comparable else {
        throw FileError(
          path: mixed.path,
          reason:
            "reads text by other rules than \(models[0].path) (lmctl inspect shows them), so its tokens are others; "
            + "only models of the same unit and rules can be mixed")
      }
    }
  }
}
