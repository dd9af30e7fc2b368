import LanguageModels

/// A run that comes to its end is judged before its model is written: if that is worse than guessing, the run has diverged.
extension Trainer {
  /// Targets that are enough to measure the loss at the end: about the work of a step.
  private static let judgedTargets = 1000

  /// What is wrong with the model at the end of training, if anything is.
  ///
  /// Its loss must not be clearly above ln V, the loss of guessing and about that of a network before training, or above that of
  /// the model it began with, which may have been worse on this text. There is more room
  /// for runs of few steps, whose first ones may overshoot, and for the error of measurement; there is none after a return to good
  /// weights, which would else pass for the success of steps that were never taken.
  func failureAtEnd() -> String? {
    guard progress.step > 0 else { return nil }
    if isBackAtStart, !best.isTaken {
      return "at step \(progress.step): no step was left after its return to the weights before training"
    }
    if progress.bestLoss.isInfinite, progress.epochsSinceBest > 0 {
      return "by step \(progress.step): the held-out loss is not a finite number"
    }
    let worst = max(guessingLoss, progress.startLoss)
    let room = progress.rollbacks > 0 ? 0 : worst * (0.05 + 0.5 / Double(progress.step))
    if progress.bestLoss <= worst + room { return nil }
    let (loss, deviation) = lossOfModel()
    guard loss.isFinite else { return "by step \(progress.step): the loss is not a finite number" }
    let standard =
      progress.startLoss > guessingLoss
      ? "\(worst.brief), that of the model it began with"
      : "\(worst.brief), that of guessing among \(vocabulary.count) tokens"
    if progress.rollbacks > 0 ? loss >= worst : loss > worst + room + 3 * deviation {
      return "by step \(progress.step): the loss at the end, \(loss.brief), is not below \(standard)"
    }
    // Its last steps may have been lucky; then they have to be more than a little better. With strong dropout, the loss of an epoch is that
    // of a crippled network, and says less.
    if !configuration.regularization.isStrong, progress.lastEpochLoss > worst + room, loss > 0.9 * worst {
      let last = progress.lastEpochLoss.brief
      return "by step \(progress.step): the loss of its last epoch, \(last), is above \(standard)"
    }
    return nil
  }

  /// Whether the model, as it is now, comes of training and predicts its text better than guessing.
  var hasGoodModel: Bool { (best.isTaken || !isBackAtStart) && lossOfModel().mean < guessingLoss }

  /// Takes the loss of a model that a new training begins with as what it must not get worse than.
  func measureStart() {
    let loss = lossOfModel().mean
    progress.startLoss = loss.isFinite ? loss : 0
  }

  /// The mean −ln p of some of the training text, from the beginning of all streams, and its standard error, with the weights that
  /// the model would have now.
  private func lossOfModel() -> (mean: Double, standardError: Double) {
    if best.isTaken { best.exchange() }
    defer { if best.isTaken { best.exchange() } }
    return keepingStates {
      network.resetState(rows: options.rows)
      var batch = Batch()
      var (offset, count, sum, squares) = (0, 0.0, 0.0, 0.0)
      repeat {
        batches.fill(&batch, from: offset, steps: options.steps)
        for (loss, target) in zip(network.losses(batch), batch.targets) where target != Batch.ignored {
          count += 1
          sum += loss
          squares += loss * loss
        }
        offset += batch.steps
      } while offset < batches.streamLength && count < Double(Self.judgedTargets)
      let mean = sum / count
      let variance = max(0, squares / count - mean * mean)
      return (mean, (variance / max(1, count - 1)).squareRoot())
    }
  }
}
