import Glibc
import LanguageModels
import Tensors

/// Training that diverges goes back to the weights of its last good state, halves the rate, and goes on with the text that comes next.
extension Trainer {
  /// Steps from one good state to the next.
  static let goodStateInterval = 100
  /// After so many returns, the next divergence ends training.
  static let maximumRollbacks = 3
  /// Steps whose mean loss is so many times that of guessing, ln V, have diverged, though their numbers are finite.
  static let hopelessLoss = 3.0
  /// The fewest steps to take that mean over, at the end of an epoch.
  private static let fewestSteps = 20

  /// ln V, the loss of guessing.
  var guessingLoss: Double { log(Double(vocabulary.count)) }

  // MARK: What can be wrong

  /// What is wrong with the numbers of the present step.
  func symptom(loss: Double) -> String {
    let guilty = network.arena.parameters.first { parameter in
      !engine.kernels.sumOfSquares(parameter.count, parameter.gradient.pointer).isFinite
    }
    guard loss.isFinite else {
      return "the loss is not a finite number"
        + (guilty.map { ", nor is the gradient of tensor '\($0.name)'" } ?? "")
    }
    return "the gradient of tensor '\(guilty?.name ?? "unknown")' is not finite"
  }

  /// What is wrong after a step whose numbers are finite, if anything is.
  ///
  /// Losses are not negative: once their sum is too large for a whole interval between good states, no further step of it can
  /// mend that. This look costs nothing; that at all weights is for good states.
  func symptomAfterStep() -> String? {
    progress.step % Self.goodStateInterval == 0
      ? keepGoodState() : symptomOfLoss(steps: Self.goodStateInterval)
  }

  /// What is wrong at the end of an epoch, if anything is.
  func symptomAfterEpoch() -> String? { symptomOfWeights() ?? symptomOfLoss(steps: Self.fewestSteps) }

  private func symptomOfWeights() -> String? {
    network.arena.parameters.first { parameter in
      !engine.kernels.sumOfSquares(parameter.count, parameter.value.pointer).isFinite
    }.map { "the weights of tensor '\($0.name)' are not finite" }
  }

  /// What is wrong with the sum of the losses since the last good state, taken as that of at least so many steps.
  private func symptomOfLoss(steps: Int) -> String? {
    let targetsPerStep = Double(batches.tokens.count) / Double(max(1, stepsPerEpoch))
    let targets = max(Double(progress.intervalTokens), Double(steps) * targetsPerStep)
    guard progress.intervalLoss > Self.hopelessLoss * guessingLoss * targets else { return nil }
    let largest = network.arena.parameters.max { meanSquare($0) < meanSquare($1) }
    let loss = progress.intervalLoss / Double(max(1, progress.intervalTokens))
    return "the loss, \(loss.brief), is more than \(Int(Self.hopelessLoss)) times that of guessing, and the "
      + "largest weights are those of tensor '\(largest?.name ?? "unknown")'"
  }

  private func meanSquare(_ parameter: Parameter) -> Double {
    engine.kernels.sumOfSquares(parameter.count, parameter.value.pointer) / Double(parameter.count)
  }

  /// Takes the weights as the last good state, unless something is wrong: then it says what.
  private func keepGoodState() -> String? {
    if let symptom = symptomOfWeights() ?? symptomOfLoss(steps: 0) { return symptom }
    lastGood.take()
    progress.goodStep = progress.step
    (progress.goodEpochLoss, progress.goodEpochTokens) = (progress.epochLoss, progress.epochTokens)
    (progress.intervalLoss, progress.intervalTokens) = (0, 0)
    return nil
  }

  // MARK: Going back

  /// Goes back to the last good state and halves the rate.
  ///
  /// The weights are those of that state; the optimizer and the network forget everything; the text goes on behind the step that
  /// went wrong.
  ///
  /// - Throws: `DivergenceError` after too many returns; the weights are then those of the last good state all the same.
  func goBack(because symptom: String, rate: Double, _ event: (Event) throws -> Void) throws {
    guard progress.rollbacks < Self.maximumRollbacks else {
      let returns = "after \(progress.rollbacks) returns to good weights"
      throw giveUp("at step \(progress.step), \(returns): \(symptom)", rate: rate)
    }
    putBackGoodState()
    progress.rollbacks += 1
    progress.rateFactor /= 2
    try event(
      .rollback(
        Rollback(
          step: progress.step, epoch: progress.epoch + 1, goodStep: progress.goodStep, symptom: symptom,
          rate: rate, newRate: rate / 2)))
  }

  /// Goes back to the last good state for good, and says where and why training diverged, and what to do.
  ///
  /// `rate` is the last one, if it says more than the highest.
  func giveUp(_ place: String, rate: Double? = nil) -> DivergenceError {
    putBackGoodState()
    let advice = options.adviceAfterDivergence(
      kind: configuration.kind, highestRate: options.rate * progress.rateFactor, lastRate: rate,
      regularization: configuration.regularization)
    return DivergenceError(
      description: "training diverged \(place); \(advice)", leavesGoodModel: hasGoodModel)
  }

  private func putBackGoodState() {
    lastGood.putBack()
    optimizer.reset()
    average?.restart()
    network.resetState(rows: options.rows)
    (progress.epochLoss, progress.epochTokens) = (progress.goodEpochLoss, progress.goodEpochTokens)
    (progress.intervalLoss, progress.intervalTokens) = (0, 0)
  }

  /// Whether the weights are those from before the first step, because training went back to them and took no step since.
  var isBackAtStart: Bool {
    progress.step > 0 && progress.goodStep == 0 && progress.intervalTokens == 0
  }
}
