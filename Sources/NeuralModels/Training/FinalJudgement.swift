import LanguageModels

/// The policy that a run which comes to its end is judged before its model is written: if that is worse than guessing, the run has
/// diverged.
struct FinalJudgement {
  let task: any Task
  let memory: TrainingMemory

  /// Targets that are enough to measure the loss at the end: about the work of an update.
  private static let judgedTargets = 1000

  /// What is wrong with the model at the end of training, if anything is.
  ///
  /// Its loss must not be clearly above that of guessing, which is about that of a network before training, or above that of
  /// the model it began with, which may have been worse on these examples. There is more room
  /// for runs of few updates, whose first ones may overshoot, and for the error of measurement; there is none after a return to good
  /// weights, which would else pass for the success of updates that were never made.
  func failure() -> String? {
    let progress = memory.progress
    guard progress.updates > 0 else { return nil }
    if progress.isBackAtStart, !memory.best.isTaken {
      return "at step \(progress.updates): no step was left after its return to the weights before training"
    }
    if progress.bestLoss.isInfinite, progress.epochsSinceBest > 0 {
      return "by step \(progress.updates): the held-out loss is not a finite number"
    }
    let guessing = task.guessing
    let worst = max(guessing.loss, progress.startLoss)
    let room = progress.rollbacks > 0 ? 0 : worst * (0.05 + 0.5 / Double(progress.updates))
    if progress.bestLoss <= worst + room { return nil }
    let (loss, deviation) = lossOfModel()
    guard loss.isFinite else { return "by step \(progress.updates): the loss is not a finite number" }
    let standard =
      progress.startLoss > guessing.loss
      ? "\(worst.brief), that of the model it began with" : "\(worst.brief), that of \(guessing.name)"
    if progress.rollbacks > 0 ? loss >= worst : loss > worst + room + 3 * deviation {
      return "by step \(progress.updates): the loss at the end, \(loss.brief), is not below \(standard)"
    }
    // Its last updates may have been lucky; then they have to be more than a little better. With strong dropout, the loss of an epoch is
    // that of a crippled network, and says less.
    if !task.regularization.isStrong, progress.lastEpochLoss > worst + room, loss > 0.9 * worst {
      let last = progress.lastEpochLoss.brief
      return "by step \(progress.updates): the loss of its last epoch, \(last), is above \(standard)"
    }
    return nil
  }

  /// Whether the model, as it is now, comes of training and is better than guessing.
  var hasGoodModel: Bool {
    (memory.best.isTaken || !memory.progress.isBackAtStart) && lossOfModel().mean < task.guessing.loss
  }

  /// Takes the loss of a model that a new training begins with as what it must not get worse than.
  func measureStart() {
    let loss = lossOfModel().mean
    memory.progress.startLoss = loss.isFinite ? loss : 0
  }

  /// The mean loss of some of the examples, and its standard error, with the weights that the model would have now.
  private func lossOfModel() -> (mean: Double, standardError: Double) {
    if memory.best.isTaken { memory.best.exchange() }
    defer { if memory.best.isTaken { memory.best.exchange() } }
    return task.sampleLoss(targets: Self.judgedTargets)
  }
}
