import LanguageModels

/// What a checkpoint holds of a training beyond the model, so that it goes on as if it had never stopped.
public struct TrainingState: Sendable {
  /// Numbers: position, sums, schedule, optimizer.
  public let numbers: JSONValue
  /// Tensors: the weights if they are not those of the model, the optimizer's memory, the carried state. Their names begin with
  /// `training.`.
  public let tensors: [Tensor]

  /// What the names of its tensors begin with.
  public static let prefix = "training."
}
