import LanguageModels

/// How far training has come: every number that the next update depends on, besides the tensors, the text and the options.
///
/// Whatever is random in an update (dropout, forgotten states) follows from the seed and the number of the update, so no generator has
/// a state to keep.
struct TrainingProgress: Sendable, Equatable {
  /// Updates made.
  var updates = 0
  /// Targets predicted.
  var tokens = 0
  /// Epochs ended.
  var epoch = 0
  /// The place where the present epoch stands.
  var offset = 0
  /// Sums over the present epoch: losses, targets, gradient norms, updates.
  var epochLoss = 0.0
  var epochTokens = 0
  var epochNorm = 0.0
  var epochUpdates = 0
  /// The updates after which held-out examples were last measured, or could have been.
  var evaluatedUpdates = 0
  /// The best held-out loss; infinite before the first.
  var bestLoss = Double.infinity
  /// The epoch, from 1, at whose end or in which that was measured; 0 before the first.
  var bestEpoch = 0
  /// Measurements since then: one for each epoch, and one where a run ended within an epoch.
  var epochsSinceBest = 0
  /// The decisions of the newbob schedule.
  var newbob: Newbob
  /// The updates before the schedule began: a finished run that is extended begins another.
  var cycleStart = 0
  /// How often training diverged and went back.
  var rollbacks = 0
  /// What the rate is multiplied by, because of that.
  var rateFactor = 1.0
  /// Sums since the last good state: losses, targets.
  var intervalLoss = 0.0
  var intervalTokens = 0
  /// The last good state's updates, and the sums over the epoch at it.
  var goodUpdates = 0
  var goodEpochLoss = 0.0
  var goodEpochTokens = 0
  /// The mean loss of the last epoch, or of the part of one that ended the run; 0 if no update of it counts.
  var lastEpochLoss = 0.0
  /// The mean loss of some examples with the weights of another training, if it began with those; else 0.
  var startLoss = 0.0
  /// Whether the run came to its end.
  var isFinished = false

  init(newbob: Newbob) { self.newbob = newbob }

  /// Takes the losses of an update and the norm of its gradients.
  mutating func count(targets: Int, loss: Double, norm: Double) {
    tokens += targets
    epochLoss += loss
    epochTokens += targets
    epochNorm += norm
    epochUpdates += 1
    intervalLoss += loss
    intervalTokens += targets
  }

  /// The weights are good as they are.
  mutating func takeGoodState() {
    goodUpdates = updates
    (goodEpochLoss, goodEpochTokens) = (epochLoss, epochTokens)
    (intervalLoss, intervalTokens) = (0, 0)
  }

  /// The weights are those of the last good state again: what was summed up since does not count.
  mutating func putBackGoodState() {
    (epochLoss, epochTokens) = (goodEpochLoss, goodEpochTokens)
    (intervalLoss, intervalTokens) = (0, 0)
  }

  /// Whether the weights are those from before the first update, because training went back to them and made none since.
  var isBackAtStart: Bool { updates > 0 && goodUpdates == 0 && intervalTokens == 0 }

  /// Starts the next epoch.
  mutating func endEpoch() {
    epoch += 1
    offset = 0
    (epochLoss, epochTokens, epochNorm, epochUpdates) = (0, 0, 0, 0)
    (goodEpochLoss, goodEpochTokens) = (0, 0)
  }

  // MARK: As a checkpoint holds it

  private static let integers: [(String, WritableKeyPath<Self, Int> & Sendable)] = [
    ("step", \.updates), ("tokens", \.tokens), ("epoch", \.epoch), ("offset", \.offset),
    ("epoch_tokens", \.epochTokens), ("epoch_steps", \.epochUpdates), ("evaluated_step", \.evaluatedUpdates),
    ("epochs_since_best", \.epochsSinceBest), ("newbob_failures", \.newbob.failures),
    ("cycle_start", \.cycleStart), ("rollbacks", \.rollbacks), ("interval_tokens", \.intervalTokens),
    ("good_step", \.goodUpdates), ("good_epoch_tokens", \.goodEpochTokens),
  ]
  /// JSON has no infinity; `null` stands for it.
  private static let numbers: [(String, WritableKeyPath<Self, Double> & Sendable)] = [
    ("epoch_loss", \.epochLoss), ("epoch_norm", \.epochNorm), ("best_loss", \.bestLoss),
    ("newbob_factor", \.newbob.factor), ("newbob_last_loss", \.newbob.previousLoss),
    ("rate_factor", \.rateFactor), ("interval_loss", \.intervalLoss), ("good_epoch_loss", \.goodEpochLoss),
  ]
  private static let flags: [(String, WritableKeyPath<Self, Bool> & Sendable)] = [
    ("newbob_halving", \.newbob.isHalving), ("finished", \.isFinished),
  ]

  /// Only in the checkpoint of a run that goes on, and 0 in those that lack them, but for the best epoch, which follows from the others if runs ended
  /// with epochs.
  private static let passingIntegers: [(String, WritableKeyPath<Self, Int> & Sendable)] = [
    ("best_epoch", \.bestEpoch)
  ]
  private static let passingNumbers: [(String, WritableKeyPath<Self, Double> & Sendable)] = [
    ("last_epoch_loss", \.lastEpochLoss), ("start_loss", \.startLoss),
  ]

  var members: [JSONValue.Member] {
    Self.integers.map { .init($0, .integer(self[keyPath: $1])) }
      + Self.numbers.map { .init($0, .number(self[keyPath: $1])) }
      + Self.flags.map { .init($0, .bool(self[keyPath: $1])) }
      + (isFinished
        ? []
        : Self.passingIntegers.map { .init($0, .integer(self[keyPath: $1])) }
          + Self.passingNumbers.map { .init($0, .number(self[keyPath: $1])) })
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
    // Nothing has been checked yet, so that any of them may be too large for a sum.
    bestEpoch = bestLoss.isFinite ? max(0, epoch &+ (offset > 0 ? 1 : 0) &- epochsSinceBest) : 0
    for (name, path) in Self.passingIntegers {
      guard let value = json[name] else { continue }
      guard let number = value.integerValue, number >= 0 else { throw damaged(name) }
      self[keyPath: path] = number
    }
    for (name, path) in Self.passingNumbers {
      guard let value = json[name] else { continue }
      guard let number = value.doubleValue else { throw damaged(name) }
      self[keyPath: path] = number
    }
  }
}
