import Glibc
import LanguageModels
import NeuralModels

/// Sums up steps, and makes the records of a log from them.
struct TrainingMeter {
  private let figures: TaskFigures
  /// Steps of an interval: about twenty an epoch, or more.
  private let intervalLength: Int
  private var interval = Sums()
  private var epoch = Sums()
  private var lastTime: Double
  /// The mean gradient norm of the last hundred steps or so.
  private var usualNorm = 0.0
  private var steps = 0
  private var lastExplosion = 0
  /// Targets per second of the last epoch, as far as this run has seen it.
  private(set) var epochSpeed = 0.0

  private struct Sums {
    var (loss, norm, seconds) = (0.0, 0.0, 0.0)
    var (targets, steps) = (0, 0)

    mutating func add(_ step: TrainingUpdate, seconds: Double) {
      loss += step.loss * Double(step.targets)
      norm += step.gradientNorm
      self.seconds += seconds
      targets += step.targets
      steps += 1
    }

    var tokensPerSecond: Double { Double(targets) / seconds }
  }

  /// A meter of a training that has gone on for `elapsed` seconds.
  init(stepsPerEpoch: Int, elapsed: Double, figures: TaskFigures) {
    self.figures = figures
    intervalLength = max(1, min(50, stepsPerEpoch / 20))
    lastTime = elapsed
  }

  /// Counts a step, which ended after `elapsed` seconds of training.
  mutating func add(_ step: TrainingUpdate, elapsed: Double) {
    let seconds = elapsed - lastTime
    lastTime = elapsed
    interval.add(step, seconds: seconds)
    epoch.add(step, seconds: seconds)
  }

  /// The record of an explosion, if the gradient of `step` is a hundred times as large as usual; at most one in a hundred steps.
  mutating func explosion(_ step: TrainingUpdate) -> [JSONValue.Member]? {
    steps += 1
    let usual = usualNorm
    let isExplosion = steps > 20 && step.gradientNorm > 100 * usual
    if !isExplosion { usualNorm += (step.gradientNorm - usual) / Double(min(steps, 100)) }
    guard isExplosion, lastExplosion == 0 || steps - lastExplosion >= 100 else { return nil }
    lastExplosion = steps
    return [
      .init("epoch", .integer(step.epoch)), .init("step", .integer(step.number)),
      .init("gradient_norm", .number(step.gradientNorm)), .init("usual_gradient_norm", .number(usual)),
      .init("rate", .number(step.rate)),
    ]
  }

  /// The record of an interval, if `step` ends one.
  mutating func interval(_ step: TrainingUpdate) -> [JSONValue.Member]? {
    guard step.number % intervalLength == 0 else { return nil }
    defer { interval = Sums() }
    let loss = interval.loss / Double(max(1, interval.targets))
    return [
      .init("epoch", .integer(step.epoch)), .init("step", .integer(step.number)),
      .init(figures.unit, .integer(step.tokens)), .init("loss", .number(loss)),
    ] + figures.members(loss) + [
      .init("rate", .number(step.rate)),
      .init("gradient_norm", .number(interval.norm / Double(max(1, interval.steps)))),
      .init("\(figures.unit)_per_second", .number(interval.tokensPerSecond.rounded())),
      .init("elapsed", .number(Self.milliseconds(lastTime))),
    ]
  }

  /// The record of an epoch.
  mutating func epoch(_ epoch: TrainingEpoch, elapsed: Double) -> [JSONValue.Member] {
    epochSpeed = self.epoch.tokensPerSecond
    self.epoch = Sums()
    // The time of the held-out text is nobody's.
    lastTime = elapsed
    let heldOut = epoch.heldOutLoss
    return [
      .init("epoch", .integer(epoch.number)), .init("step", .integer(epoch.updates)),
      .init(figures.unit, .integer(epoch.tokens)), .init("loss", .number(epoch.loss)),
    ] + figures.members(epoch.loss) + figures.heldOutMembers(heldOut) + [
      .init("best", .bool(epoch.isBest)), .init("rate", .number(epoch.rate)),
      .init("gradient_norm", .number(epoch.gradientNorm)),
      .init("\(figures.unit)_per_second", .number(epochSpeed.rounded())),
      .init("elapsed", .number(Self.milliseconds(elapsed))),
    ]
  }

  /// The record of a divergence.
  func divergence(_ rollback: TrainingRollback, elapsed: Double) -> [JSONValue.Member] {
    [
      .init("epoch", .integer(rollback.epoch)), .init("step", .integer(rollback.update)),
      .init("good_step", .integer(rollback.goodUpdate)), .init("symptom", .string(rollback.symptom)),
      .init("rate", .number(rollback.rate)), .init("new_rate", .number(rollback.newRate)),
      .init("elapsed", .number(Self.milliseconds(elapsed))),
    ]
  }

  private static func milliseconds(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}
