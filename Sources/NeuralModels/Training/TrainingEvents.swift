import LanguageModels

extension Trainer {
  /// What happened, for progress and logs.
  public enum Event: Sendable {
    /// A step was taken.
    case step(Step)
    /// The held-out text is being measured: tokens scored, and tokens in all.
    case evaluating(Int, of: Int)
    /// An epoch ended, or training within one.
    case epoch(Epoch)
    /// Training diverged and went back.
    case rollback(Rollback)
  }

  /// One training step.
  public struct Step: Sendable {
    /// From 1.
    public let number: Int
    /// Steps in all; `nil` if time alone decides.
    public let total: Int?
    /// From 1.
    public let epoch: Int
    /// Mean −ln p of the step's targets.
    public let loss: Double
    /// The learning rate.
    public let rate: Double
    /// The norm of all gradients, before clipping.
    public let gradientNorm: Double
    /// Targets so far.
    public let tokens: Int
    /// Targets of this step.
    public let targets: Int
  }

  /// One epoch.
  public struct Epoch: Sendable {
    /// From 1.
    public let number: Int
    /// Steps so far.
    public let step: Int
    /// Targets so far.
    public let tokens: Int
    /// Mean −ln p of its targets, each predicted with the weights of its step.
    public let loss: Double
    /// Mean −ln p of the held-out text with the weights of its end.
    public let heldOutLoss: Double?
    /// Whether no epoch before predicted the held-out text better.
    public let isBest: Bool
    /// The learning rate of its last step.
    public let rate: Double
    /// The mean norm of the gradients, before clipping.
    public let gradientNorm: Double
  }

  /// A return to the last good state.
  public struct Rollback: Sendable {
    /// The step that went wrong.
    public let step: Int
    /// Its epoch, from 1.
    public let epoch: Int
    /// The step whose weights are used again.
    public let goodStep: Int
    /// What was wrong.
    public let symptom: String
    /// The learning rate of the step, and what it would have been after the return.
    public let rate: Double
    public let newRate: Double
  }
}

/// Why training ended.
public enum TrainingEnd: String, Sendable {
  case epochs
  case maximumSteps = "max-steps"
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
