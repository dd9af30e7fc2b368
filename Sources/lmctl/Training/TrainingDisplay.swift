import Glibc
import LanguageModels
import NeuralModels

/// What a person sees of a training: how far it has come, and a line for each epoch.
struct TrainingDisplay {
  private let options: TrainingOptions
  private let figures: TaskFigures
  /// The seconds of training at the first step that was seen, and the number of that step.
  private var first: (elapsed: Double, step: Int, tokens: Int)?
  /// Means over the last steps.
  private var loss = 0.0
  private var tokensPerSecond = 0.0
  private var secondsPerStep = 0.0
  private var last = (elapsed: 0.0, tokens: 0)
  private var hasEstimated = false

  init(options: TrainingOptions, figures: TaskFigures) {
    (self.options, self.figures) = (options, figures)
  }

  /// Says what will be done.
  func announce(_ model: String, stepsPerEpoch: Int, engine: String) {
    let steps = Format.count(stepsPerEpoch, "step")
    var plan =
      options.epochs < .max ? "\(Format.count(options.epochs, "epoch")) of \(steps)" : "epochs of \(steps)"
    if let steps = options.maximumUpdates { plan += ", at most \(Format.count(steps, "step"))" }
    if let seconds = options.timeLimit { plan += ", for \(Format.duration(seconds))" }
    Terminal.note("\(model); \(plan); \(engine)")
    Progress.begin("training", speaksForItself: true)
  }

  mutating func show(_ step: TrainingUpdate, elapsed: Double) {
    guard let first else {
      first = (elapsed, step.number, step.tokens)
      (loss, last) = (step.loss, (elapsed, step.tokens))
      return
    }
    // Means that forget a step after some dozens.
    let weight = max(0.03, 1 / Double(step.number - first.step))
    let seconds = elapsed - last.elapsed
    loss += weight * (step.loss - loss)
    // A step in which the program was suspended says nothing about the others.
    let usual = secondsPerStep > 0 ? min(seconds, 10 * secondsPerStep) : seconds
    secondsPerStep += weight * (usual - secondsPerStep)
    tokensPerSecond += weight * (Double(step.tokens - last.tokens) / seconds - tokensPerSecond)
    last = (elapsed, step.tokens)
    if !hasEstimated, elapsed - first.elapsed > 5 { estimate(step, elapsed) }
    Progress.show(line(step, elapsed))
  }

  /// After the first seconds, how long it will take.
  private mutating func estimate(_ step: TrainingUpdate, _ elapsed: Double) {
    hasEstimated = true
    guard let left = secondsLeft(step, elapsed), left > 20 else { return }
    Terminal.note(
      "\(Format.fixed(tokensPerSecond, 0)) \(figures.unit)/s; about \(Format.duration(left)) to go, without the time for held-out text"
    )
  }

  private func secondsLeft(_ step: TrainingUpdate, _ elapsed: Double) -> Double? {
    let bySteps = step.total.map { Double($0 - step.number) * secondsPerStep }
    let byTime = options.timeLimit.map { $0 - elapsed }
    guard let bySteps, let byTime else { return bySteps ?? byTime }
    return min(bySteps, byTime)
  }

  /// As much as fits, the most important first.
  private func line(_ step: TrainingUpdate, _ elapsed: Double) -> String {
    let epochs = options.epochs < .max ? "/\(options.epochs)" : ""
    let steps = step.total.map { "/\($0)" } ?? ""
    var parts =
      [
        "epoch \(step.epoch)\(epochs)", "step \(step.number)\(steps)", "loss \(Format.fixed(loss, 4))",
      ] + figures.running(loss)
    if let left = secondsLeft(step, elapsed) { parts.append("\(Format.duration(left)) left") }
    parts += [
      "\(Format.fixed(tokensPerSecond, 0)) \(figures.unit)/s", "rate \(Format.significant(step.rate, 3))",
      "gradient norm \(Format.significant(step.gradientNorm, 3))",
    ]
    guard Terminal.isWatched else { return parts.joined(separator: ", ") }
    var text = parts[0]
    for part in parts.dropFirst() where text.count + 2 + part.count < Terminal.columns {
      text += "  " + part
    }
    return text
  }

  func showEvaluation(_ scored: Int, of count: Int) {
    Progress.show("held-out text: \(scored) of \(count) \(figures.unit)")
  }

  mutating func show(_ epoch: TrainingEpoch, elapsed: Double, tokensPerSecond: Double) {
    last.elapsed = elapsed
    let epochs = options.epochs < .max ? " of \(options.epochs)" : ""
    let heldOut =
      epoch.heldOutLoss.map { ", held out \(figures.heldOut($0))\(epoch.isBest ? " (best)" : "")" } ?? ""
    Terminal.note(
      "epoch \(epoch.number)\(epochs): \(figures.loss(epoch.loss))\(heldOut), \(Format.fixed(tokensPerSecond, 0)) \(figures.unit)/s, "
        + Format.duration(elapsed))
  }

  func show(_ rollback: TrainingRollback) {
    Terminal.warn(
      "training diverged at step \(rollback.update): \(rollback.symptom); it goes on with the weights of step "
        + "\(rollback.goodUpdate) and half the rate, \(Format.significant(rollback.newRate, 3))")
  }

  /// Why training ended, where that is not obvious.
  func show(_ end: TrainingEnd, step: Int) {
    let reason: String? =
      switch end {
      case .epochs: nil
      case .maximumUpdates: "--max-steps is reached"
      case .timeLimit: "--time-limit is reached"
      case .patience: "no better held-out loss in \(Format.count(options.patience ?? 0, "epoch"))"
      case .targetPerplexity: "--target-perplexity is reached"
      case .newbob: "the held-out loss no longer falls"
      }
    if let reason { Terminal.note("training ends after step \(step): \(reason)") }
  }
}
