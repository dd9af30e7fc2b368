import Glibc
import LanguageModels
import Tensors

/// Training that diverges goes back to the weights of its last good state, halves the rate, and goes on with the text that comes next.
extension Trainer {
  /// Steps from one good state to the next.
  static let goodStateInterval = 100
  /// After so many returns, the next divergence ends training.
  static let maximumRollbacks = 3
  /// An interval whose mean loss is so many times that of guessing, ln V, has diverged, though its numbers are finite.
  static let hopelessLoss = 3.0

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

  /// What is wrong with the weights, if anything is.
  func symptomOfWeights() -> String? {
    network.arena.parameters.first { parameter in
      !engine.kernels.sumOfSquares(parameter.count, parameter.value.pointer).isFinite
    }.map { "tensor '\($0.name)' is not finite" }
  }

  /// Takes the weights as the last good state, unless something is wrong: then it says what.
  func keepGoodState() -> String? {
    if let symptom = symptomOfWeights() { return symptom }
    let loss = progress.intervalLoss / Double(max(1, progress.intervalTokens))
    let guess = log(Double(vocabulary.count))
    if loss > Self.hopelessLoss * guess {
      let largest = network.arena.parameters.max {
        meanSquare($0.value.pointer, $0.count) < meanSquare($1.value.pointer, $1.count)
      }
      return
        "the loss, \(Float(loss)), is more than \(Int(Self.hopelessLoss)) times that of guessing, and the weights of tensor "
        + "'\(largest?.name ?? "unknown")' have grown most"
    }
    lastGood.take()
    progress.goodStep = progress.step
    (progress.goodEpochLoss, progress.goodEpochTokens) = (progress.epochLoss, progress.epochTokens)
    (progress.intervalLoss, progress.intervalTokens) = (0, 0)
    return nil
  }

  private func meanSquare(_ values: UnsafePointer<Float>, _ count: Int) -> Double {
    engine.kernels.sumOfSquares(count, values) / Double(count)
  }

  /// Goes back to the last good state and halves the rate.
  ///
  /// The weights are those of that state; the optimizer and the network forget everything; the text goes on behind the step that
  /// went wrong.
  ///
  /// - Throws: `DivergenceError` after too many returns; the weights are then those of the last good state all the same.
  func goBack(because symptom: String, rate: Double, _ event: (Event) throws -> Void) throws {
    lastGood.putBack()
    optimizer.reset()
    average?.restart()
    network.resetState(rows: options.rows)
    (progress.epochLoss, progress.epochTokens) = (progress.goodEpochLoss, progress.goodEpochTokens)
    (progress.intervalLoss, progress.intervalTokens) = (0, 0)
    guard progress.rollbacks < Self.maximumRollbacks else {
      throw DivergenceError(
        description:
          "training diverged at step \(progress.step), after \(progress.rollbacks) returns to good weights: \(symptom); "
          + "try a lower --lr (it was \(Float(rate)) at last, of \(Float(options.rate)) at first) or a lower --clip"
      )
    }
    progress.rollbacks += 1
    progress.rateFactor /= 2
    try event(
      .rollback(
        Rollback(
          step: progress.step, epoch: progress.epoch + 1, goodStep: progress.goodStep, symptom: symptom,
          rate: rate, newRate: rate / 2)))
  }
}
