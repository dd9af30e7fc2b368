import Glibc

/// The policy of when training ends, and of how much of it is used up.
struct Budget {
  let options: TrainingOptions
  let batchesPerEpoch: Int

  /// Updates in all; `nil` if time alone decides.
  var totalUpdates: Int? {
    guard options.epochs < .max else { return options.maximumUpdates }
    return min(
      options.epochs * options.updatesPerEpoch(batches: batchesPerEpoch), options.maximumUpdates ?? .max)
  }

  /// Seconds until the last update must be made, so that evaluation and writing end in time.
  func timeForUpdates(evaluationSeconds: Double) -> Double? {
    options.timeLimit.map { max(0, $0 - 1.05 * evaluationSeconds - options.secondsToWrite) }
  }

  /// Why there are no more updates, if there are none.
  func end(_ progress: TrainingProgress, elapsed: Double, evaluationSeconds: Double) -> TrainingEnd? {
    if progress.epoch >= options.epochs { return .epochs }
    if let most = options.maximumUpdates, progress.updates >= most { return .maximumUpdates }
    if let time = timeForUpdates(evaluationSeconds: evaluationSeconds), elapsed >= time { return .timeLimit }
    return nil
  }

  /// Why training ends after what was just measured, though the budget is not used up; `nil` if it does not.
  func earlyEnd(_ progress: TrainingProgress) -> TrainingEnd? {
    guard progress.updates == progress.evaluatedUpdates, progress.updates > 0 else { return nil }
    if let target = options.targetPerplexity, exp(progress.bestLoss) <= target { return .targetPerplexity }
    if let patience = options.patience, progress.epochsSinceBest >= patience { return .patience }
    if options.schedule == .newbob, progress.newbob.isOver { return .newbob }
    return nil
  }
}

extension TrainingOptions {
  /// Updates of an epoch of so many batches.
  func updatesPerEpoch(batches: Int) -> Int { (batches + accumulation - 1) / accumulation }
}
