import Glibc
import LanguageModels
import Tensors

/// The policy that training which diverges goes back to the weights of its last good state, halves the rate, and goes on with the
/// examples that come next; three times at most.
struct Rollback {
  let task: any Task
  let memory: TrainingMemory
  let options: TrainingOptions

  /// Updates from one good state to the next.
  static let interval = 100
  /// After so many returns, the next divergence ends training.
  static let maximum = 3
  /// Updates whose mean loss is so many times that of guessing have diverged, though their numbers are finite.
  static let hopelessLoss = 3.0
  /// The fewest updates to take that mean over, at the end of an epoch.
  private static let fewestUpdates = 20

  // MARK: What can be wrong

  /// What is wrong with the gradients of the present update, some of whose numbers are not finite.
  func symptom(loss: Double) -> String {
    let guilty = task.arena.parameters.first { parameter in
      !task.engine.kernels.sumOfSquares(parameter.count, parameter.gradient.pointer).isFinite
    }
    guard loss.isFinite else {
      return "the loss is not a finite number"
        + (guilty.map { ", nor is the gradient of tensor '\($0.name)'" } ?? "")
    }
    return "the gradient of tensor '\(guilty?.name ?? "unknown")' is not finite"
  }

  /// What is wrong after an update whose numbers are finite, if anything is.
  ///
  /// Losses are not negative: once their sum is too large for a whole interval between good states, no further update of it can
  /// mend that. This look costs nothing; that at all weights is for good states.
  func symptomAfterUpdate() -> String? {
    memory.progress.updates % Self.interval == 0
      ? keepGoodState() : symptomOfLoss(updates: Self.interval)
  }

  /// What is wrong at the end of an epoch, if anything is.
  func symptomAfterEpoch() -> String? { symptomOfWeights() ?? symptomOfLoss(updates: Self.fewestUpdates) }

  private func symptomOfWeights() -> String? {
    memory.optimizer.bringUpToDate()
    return task.arena.parameters.first { parameter in
      !task.engine.kernels.sumOfSquares(parameter.count, parameter.value.pointer).isFinite
    }.map { "the weights of tensor '\($0.name)' are not finite" }
  }

  /// What is wrong with the sum of the losses since the last good state, taken as that of at least so many updates.
  private func symptomOfLoss(updates: Int) -> String? {
    let progress = memory.progress
    let updatesPerEpoch = options.updatesPerEpoch(batches: task.batchesPerEpoch)
    let targetsPerUpdate = Double(task.targetCount(0..<task.epochLength)) / Double(max(1, updatesPerEpoch))
    let targets = max(Double(progress.intervalTokens), Double(updates) * targetsPerUpdate)
    guard progress.intervalLoss > Self.hopelessLoss * task.guessing.loss * targets else { return nil }
    let largest = task.arena.parameters.max { meanSquare($0) < meanSquare($1) }
    let loss = progress.intervalLoss / Double(max(1, progress.intervalTokens))
    return "the loss, \(loss.brief), is more than \(Int(Self.hopelessLoss)) times that of guessing, and the "
      + "largest weights are those of tensor '\(largest?.name ?? "unknown")'"
  }

  private func meanSquare(_ parameter: Parameter) -> Double {
    task.engine.kernels.sumOfSquares(parameter.count, parameter.value.pointer) / Double(parameter.count)
  }

  /// Takes the weights as the last good state, unless something is wrong: then it says what.
  private func keepGoodState() -> String? {
    if let symptom = symptomOfWeights() ?? symptomOfLoss(updates: 0) { return symptom }
    memory.lastGood.take()
    memory.progress.takeGoodState()
    return nil
  }

  // MARK: Going back

  /// Goes back to the last good state and halves the rate.
  ///
  /// The weights are those of that state; the optimizer and the network forget everything; training goes on behind the update that
  /// went wrong.
  ///
  /// - Throws: `DivergenceError` after too many returns; the weights are then those of the last good state all the same.
  func goBack(because symptom: String, rate: Double) throws -> TrainingRollback {
    let progress = memory.progress
    guard progress.rollbacks < Self.maximum else {
      let returns = "after \(progress.rollbacks) returns to good weights"
      throw giveUp("at step \(progress.updates), \(returns): \(symptom)", rate: rate)
    }
    putBackGoodState()
    memory.progress.rollbacks += 1
    memory.progress.rateFactor /= 2
    return TrainingRollback(
      update: progress.updates, epoch: progress.epoch + 1, goodUpdate: progress.goodUpdates,
      symptom: symptom, rate: rate, newRate: rate / 2)
  }

  /// Goes back to the last good state for good, and says where and why training diverged, and what to do.
  ///
  /// `rate` is the last one, if it says more than the highest.
  func giveUp(_ place: String, rate: Double? = nil) -> DivergenceError {
    putBackGoodState()
    let advice = options.adviceAfterDivergence(
      usualRate: task.usualRate(of: options.optimizer),
      highestRate: options.rate * memory.progress.rateFactor, lastRate: rate,
      regularization: task.regularization)
    return DivergenceError(
      description: "training diverged \(place); \(advice)",
      leavesGoodModel: FinalJudgement(task: task, memory: memory).hasGoodModel)
  }

  private func putBackGoodState() {
    memory.lastGood.putBack()
    memory.optimizer.reset()
    memory.average?.restart()
    task.forget()
    memory.progress.putBackGoodState()
  }
}
