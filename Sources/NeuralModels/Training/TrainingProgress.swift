import LanguageModels

/// How far training has come: every number that the next step depends on, besides the tensors, the text and the options.
///
/// Whatever is random in a step (dropout, forgotten states) follows from the seed and the number of the step, so no generator has
/// a state to keep.
struct TrainingProgress: Sendable, Equatable {
  /// Steps taken.
  var step = 0
  /// Targets predicted.
  var tokens = 0
  /// Epochs ended.
  var epoch = 0
  /// Where the present epoch stands in its streams.
  var offset = 0
  /// Sums over the present epoch: −ln p, targets, gradient norms, steps.
  var epochLoss = 0.0
  var epochTokens = 0
  var epochNorm = 0.0
  var epochSteps = 0
  /// The step after which the held-out text was last measured, or could have been.
  var evaluatedStep = 0
  /// The best held-out loss; infinite before the first.
  var bestLoss = Double.infinity
  /// Epochs since then.
  var epochsSinceBest = 0
  /// The decisions of the newbob schedule.
  var newbob: Newbob
  /// The step at which the schedule began: a finished run that is extended begins another.
  var cycleStart = 0
  /// How often training diverged and went back.
  var rollbacks = 0
  /// What the rate is multiplied by, because of that.
  var rateFactor = 1.0
  /// Sums since the last good state: −ln p, targets.
  var intervalLoss = 0.0
  var intervalTokens = 0
  /// The last good state's step, and the sums over the epoch at it.
  var goodStep = 0
  var goodEpochLoss = 0.0
  var goodEpochTokens = 0
  /// Mean −ln p of the last epoch, or of the part of one that ended the run; 0 if no step of it counts.
  var lastEpochLoss = 0.0
  /// Mean −ln p of some of the text with the weights of another training, if it began with those; else 0.
  var startLoss = 0.0
  /// Whether the run came to its end.
  var isFinished = false

  init(newbob: Newbob) { self.newbob = newbob }

  /// Starts the next epoch.
  mutating func endEpoch() {
    epoch += 1
    offset = 0
    (epochLoss, epochTokens, epochNorm, epochSteps) = (0, 0, 0, 0)
    (goodEpochLoss, goodEpochTokens) = (0, 0)
  }

  // MARK: As a checkpoint holds it

  private static let integers: [(String, WritableKeyPath<Self, Int> & Sendable)] = [
    ("step", \.step), ("tokens", \.tokens), ("epoch", \.epoch), ("offset", \.offset),
    ("epoch_tokens", \.epochTokens), ("epoch_steps", \.epochSteps), ("evaluated_step", \.evaluatedStep),
    ("epochs_since_best", \.epochsSinceBest), ("newbob_failures", \.newbob.failures),
    ("cycle_start", \.cycleStart), ("rollbacks", \.rollbacks), ("interval_tokens", \.intervalTokens),
    ("good_step", \.goodStep), ("good_epoch_tokens", \.goodEpochTokens),
  ]
  /// JSON has no infinity; `null` stands for it.
  private static let numbers: [(String, WritableKeyPath<Self, Double> & Sendable)] = [
    ("epoch_loss", \.epochLoss), ("epoch_norm", \.epochNorm), ("best_loss", \.bestLoss),
    ("newbob_factor", \.newbob.factor), ("newbob_last_loss", \.newbob.lastLoss),
    ("rate_factor", \.rateFactor), ("interval_loss", \.intervalLoss), ("good_epoch_loss", \.goodEpochLoss),
  ]
  private static let flags: [(String, WritableKeyPath<Self, Bool> & Sendable)] = [
    ("newbob_halving", \.newbob.isHalving), ("finished", \.isFinished),
  ]

  /// Only in the checkpoint of a run that goes on, and 0 in those that lack them.
  private static let passingNumbers: [(String, WritableKeyPath<Self, Double> & Sendable)] = [
    ("last_epoch_loss", \.lastEpochLoss), ("start_loss", \.startLoss),
  ]

  var members: [JSONValue.Member] {
    Self.integers.map { .init($0, .integer(self[keyPath: $1])) }
      + Self.numbers.map { .init($0, .number(self[keyPath: $1])) }
      + Self.flags.map { .init($0, .bool(self[keyPath: $1])) }
      + (isFinished ? [] : Self.passingNumbers.map { .init($0, .number(self[keyPath: $1])) })
  }

  /// Takes everything from `json`; whether the numbers are possible is for `StateCheck` to say.
  ///
  /// - Throws: `CheckpointError` when something is missing, or of another type.
  init(json: JSONValue, newbob: Newbob) throws {
    self.newbob = newbob
    func damaged(_ name: String) -> CheckpointError {
      guard let value = json[name] else {
        return CheckpointError("damaged: the state of its training lacks '\(name)'")
      }
      return StateCheck.error(name, value.text, "not a number of the right kind")
    }
    for (name, path) in Self.integers {
      guard let value = json[name]?.integerValue, value >= 0 else { throw damaged(name) }
      self[keyPath: path] = value
    }
    for (name, path) in Self.numbers {
      guard let value = json[name], let number = value == .null ? .infinity : value.doubleValue else {
        throw damaged(name)
      }
      self[keyPath: path] = number
    }
    for (name, path) in Self.flags {
      guard let value = json[name]?.boolValue else { throw damaged(name) }
      self[keyPath: path] = value
    }
    for (name, path) in Self.passingNumbers {
      guard let value = json[name] else { continue }
      guard let number = value.doubleValue else { throw damaged(name) }
      self[keyPath: path] = number
    }
  }
}
