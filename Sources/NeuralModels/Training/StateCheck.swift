import Glibc
import LanguageModels

/// Whether the numbers of a state can be those of this training: they come from a file, which anybody may have written.
///
/// With an epoch of N targets at L places, e epochs ended and the present one at place o, the updates and the targets so far are known
/// within bounds; every other number is held against them.
struct StateCheck {
  let progress: TrainingProgress
  let task: any Task
  let options: TrainingOptions

  /// Numbers of epochs that no run reaches.
  private static let mostEpochs = 1_000_000_000
  /// The largest number of updates that an optimizer can have taken, in this run or those that it goes on from.
  static let mostUpdates = 1_000_000_000_000_000
  /// Seconds that no run lasts: three thousand years.
  static let mostSeconds = 1e11
  /// Mean losses that rounding may leave below zero.
  private static let leastLoss = -1e-3

  /// - Throws: `CheckpointError` that names the first number that is wrong.
  func run() throws {
    let p = progress
    try require("epoch", p.epoch, 0...Self.mostEpochs)
    try require("offset", p.offset, 0...task.epochLength)
    try require("step", p.updates, try updates())
    let inEpoch = task.targetCount(0..<p.offset)
    let tokens = p.epoch.multipliedReportingOverflow(by: task.targetCount(0..<task.epochLength))
    guard !tokens.overflow else { throw Self.error("epoch", "\(p.epoch)", "more than the text allows") }
    let targets = tokens.partialValue + inEpoch
    // Updates that went wrong are not counted.
    try require("tokens", p.tokens, (p.rollbacks == 0 ? targets : 0)...targets)
    try require("rollbacks", p.rollbacks, 0...Rollback.maximum)
    try require(
      "evaluated_step", p.evaluatedUpdates, p.offset == 0 ? p.updates...p.updates : p.epoch...p.updates)
    if p.offset > 0, p.offset == task.epochLength {
      try require("evaluated_step", p.evaluatedUpdates, 0...p.updates - 1)
    }
    try require("epoch_tokens", p.epochTokens, 0...min(inEpoch, p.tokens))
    try require("epoch_steps", p.epochUpdates, 0...min(p.offset, p.updates))
    try require("good_epoch_tokens", p.goodEpochTokens, 0...p.epochTokens)
    try require("interval_tokens", p.intervalTokens, 0...p.tokens)
    try require("good_step", p.goodUpdates, 0...p.updates)
    try require("cycle_start", p.cycleStart, 0...p.updates)
    try require("best_epoch", p.bestEpoch, 0...p.epoch + 1)
    try require("epochs_since_best", p.epochsSinceBest, 0...p.evaluatedUpdates)
    try require("newbob_failures", p.newbob.failures, 0...p.evaluatedUpdates)
    try checkNumbers()
  }

  /// The updates that can lead to this place.
  private func updates() throws -> ClosedRange<Int> {
    let p = progress
    let product = task.largestBatch.places.multipliedReportingOverflow(by: options.accumulation)
    let size = !task.hasEqualBatches ? 1 : product.overflow ? .max : product.partialValue
    let (perEpoch, inEpoch) = (updatesOver(task.epochLength, size), updatesOver(p.offset, size))
    let most = p.epoch.multipliedReportingOverflow(by: perEpoch)
    guard !most.overflow, most.partialValue <= Self.mostUpdates else {
      throw Self.error("epoch", "\(p.epoch)", "more than the text allows")
    }
    let total = most.partialValue + inEpoch
    return task.hasEqualBatches ? total...total : min(total, p.epoch + (p.offset > 0 ? 1 : 0))...total
  }

  private func updatesOver(_ length: Int, _ size: Int) -> Int { length / size + (length % size > 0 ? 1 : 0) }

  private func checkNumbers() throws {
    let p = progress
    try require("epoch_loss", p.epochLoss, sumOfLosses(p.epochTokens))
    try require("interval_loss", p.intervalLoss, sumOfLosses(p.intervalTokens))
    try require("good_epoch_loss", p.goodEpochLoss, sumOfLosses(p.goodEpochTokens))
    try require("epoch_norm", p.epochNorm, 0...Double.greatestFiniteMagnitude)
    try require("newbob_factor", p.newbob.factor, 0...1)
    try require("rate_factor", p.rateFactor, 0.5 / Double(1 << Rollback.maximum)...1)
    // Before the first measure, these are infinite.
    try require("best_loss", p.bestLoss, Self.leastLoss...Double.infinity)
    try require("newbob_last_loss", p.newbob.previousLoss, Self.leastLoss...Double.infinity)
    let mean = Self.leastLoss...Double.greatestFiniteMagnitude
    try require("last_epoch_loss", p.lastEpochLoss, mean)
    try require("start_loss", p.startLoss, mean)
  }

  /// What the losses of so many targets can sum to: training goes back before they are much worse than guessing for long.
  private func sumOfLosses(_ targets: Int) -> ClosedRange<Double> {
    let perUpdate = Double(task.largestBatch.targets) * Double(options.accumulation)
    let interval = 4 * Double(Rollback.interval) * max(perUpdate, 1)
    let most = 2 * Rollback.hopelessLoss * (task.guessing.loss + 1) * (Double(targets) + interval)
    return Self.leastLoss * (Double(targets) + 1)...most
  }

  // MARK: One number

  private func require(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
    guard range.contains(value) else {
      throw Self.error(
        name, "\(value)",
        range.lowerBound == range.upperBound
          ? "not \(range.lowerBound)" : "not from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  private func require(_ name: String, _ value: Double, _ range: ClosedRange<Double>) throws {
    guard range.contains(value) else {
      throw Self.error(name, "\(value)", "not from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  static func error(_ name: String, _ value: String, _ problem: String) -> CheckpointError {
    CheckpointError(
      "damaged: '\(name)' in the state of its training is \(value.prefix(40)), \(problem); --init-from begins a new run with its weights"
    )
  }
}
