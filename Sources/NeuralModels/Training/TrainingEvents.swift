import LanguageModels

/// What happened in a training, for progress and logs.
public enum TrainingEvent: Sendable {
  /// Parameters were updated.
  case update(TrainingUpdate)
  /// Held-out examples are being measured: how many are done, and all.
  case evaluating(Int, of: Int)
  /// An epoch ended, or training within one.
  case epoch(TrainingEpoch)
  /// Training diverged and went back.
  case rollback(TrainingRollback)
}

/// One update of the parameters.
public struct TrainingUpdate: Sendable {
  /// From 1.
  public let number: Int
  /// Updates in all; `nil` if time alone decides.
  public let total: Int?
  /// From 1.
  public let epoch: Int
  /// The mean loss of the update's targets.
  public let loss: Double
  /// The learning rate.
  public let rate: Double
  /// The norm of all gradients, before clipping.
  public let gradientNorm: Double
  /// Targets so far.
  public let tokens: Int
  /// Targets of this update.
  public let targets: Int
}

/// One epoch.
public struct TrainingEpoch: Sendable {
  /// From 1.
  public let number: Int
  /// Updates so far.
  public let updates: Int
  /// Targets so far.
  public let tokens: Int
  /// The mean loss of its targets, each with the weights of its update.
  public let loss: Double
  /// The loss of what was held out, with the weights of its end.
  public let heldOutLoss: Double?
  /// Whether no epoch before had a better one.
  public let isBest: Bool
  /// The learning rate of its last update.
  public let rate: Double
  /// The mean norm of the gradients, before clipping.
  public let gradientNorm: Double
}

/// A return to the last good state.
public struct TrainingRollback: Sendable {
  /// The update that went wrong.
  public let update: Int
  /// Its epoch, from 1.
  public let epoch: Int
  /// The update whose weights are used again.
  public let goodUpdate: Int
  /// What was wrong.
  public let symptom: String
  /// The learning rate of the update, and what it would have been after the return.
  public let rate: Double
  public let newRate: Double
}

/// Why training ended.
public enum TrainingEnd: String, Sendable {
  case epochs
  case maximumUpdates = "max-steps"
  case timeLimit = "time-limit"
  case patience
  case targetPerplexity = "target-perplexity"
  case newbob
}

/// Training went wrong more often than it can be mended, or came to an end where guessing is better than its model.
public struct DivergenceError: UserError {
  /// What to tell the user.
  public let description: String
  /// Whether the weights that remain, those of the best epoch or of the last good state, come of training and predict its text better
  /// than guessing.
  public let leavesGoodModel: Bool
}

/// A limit of time has room for nothing but the measurement and the writing at the end.
public struct NoTimeError: UserError {
  let evaluationSeconds: Double
  let secondsToWrite: Double

  /// What to tell the user.
  public var description: String {
    func text(_ seconds: Double) -> String { "\((seconds * 10).rounded(.up) / 10) s" }
    let measuring =
      evaluationSeconds > 0 ? "measuring the held-out text takes about \(text(evaluationSeconds)), and " : ""
    return
      "--time-limit leaves no time to train: \(measuring)writing the model may take \(text(secondsToWrite)); "
      + "give more" + (evaluationSeconds > secondsToWrite ? ", or less held-out text" : "")
  }
}
