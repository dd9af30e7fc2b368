import Glibc
import Kernels
import LanguageModels
import Tensors
import Threads

/// Trains a task: its data, a forward and backward pass, clipping, an update, again and again.
///
/// Between two updates, `state` is everything that the rest of the training depends on; a trainer that resumes from it comes to the
/// same weights, bit for bit. To stop, throw from the event handler.
public final class Trainer<Learned: Task> {
  /// What is learnt.
  public let task: Learned
  private let options: TrainingOptions
  private let memory: TrainingMemory
  private let rollback: Rollback
  private let judgement: FinalJudgement
  private let budget: Budget
  /// Seconds of training before this trainer began, and when it did.
  private var secondsBefore = 0.0
  private let started: Stopwatch
  /// How long the held-out evaluation takes.
  public private(set) var evaluationSeconds = 0.0
  /// What the best epoch's evaluation came to, if this trainer made it.
  public private(set) var bestMeasurement: Learned.Measurement?

  /// A trainer of a task whose parameters are still to get their first values. Time limits count from `started`.
  public init(_ task: Learned, options: TrainingOptions, started: Stopwatch = Stopwatch()) {
    (self.task, self.options, self.started) = (task, options, started)
    memory = TrainingMemory(options, arena: task.arena, engine: task.engine)
    rollback = Rollback(task: task, memory: memory, options: options)
    judgement = FinalJudgement(task: task, memory: memory)
    budget = Budget(options: options, batchesPerEpoch: task.batchesPerEpoch)
    var generator = SeededGenerator(seed: options.seed)
    task.initialize(using: &generator)
  }

  // MARK: Training

  /// Trains until the epochs or a limit are used up, and returns why it ended.
  ///
  /// `heldOut` is measured after every epoch and at the end. `event` hears of every update and epoch; when it throws, training stops
  /// there, and may resume from `state`.
  ///
  /// - Throws: `DivergenceError` when training diverged too often, or guessing is better than what it came to; the parameters are then
  ///   back at their last good state. `NoTimeError` when the limit of time is shorter than what comes after training.
  public func train(heldOut: Learned.HeldOut?, event: (TrainingEvent) throws -> Void) throws -> TrainingEnd {
    if !memory.lastGood.isTaken { memory.lastGood.take() }
    if let heldOut, options.timeLimit != nil { evaluationSeconds = task.secondsToMeasure(heldOut) }
    if progress.updates == 0, budget.timeForUpdates(evaluationSeconds: evaluationSeconds) == 0 {
      throw NoTimeError(evaluationSeconds: evaluationSeconds, secondsToWrite: options.secondsToWrite)
    }
    while true {
      let end = budget.end(progress, elapsed: elapsed, evaluationSeconds: evaluationSeconds)
      if progress.updates > progress.evaluatedUpdates, isEpochOver || end != nil {
        try endEpoch(heldOut, event)
      } else if let end = end ?? budget.earlyEnd(progress) {
        if let failure = judgement.failure() { throw rollback.giveUp(failure) }
        progress.isFinished = true
        return end
      } else {
        try step(event)
      }
    }
  }

  /// One update: batches, gradients, clipping, the optimizer.
  private func step(_ event: (TrainingEvent) throws -> Void) throws {
    let batches = nextBatches()
    let places = progress.offset..<(batches.last?.places.upperBound ?? progress.offset)
    let rate = rate(afterUpdates: progress.updates) * task.rateFactor(places, batches: batches.count)
    task.arena.clearGradients()
    var loss = 0.0
    for batch in batches {
      loss += task.lossAndGradients(batch)
      progress.offset = batch.places.upperBound
    }
    progress.updates += 1
    let (norm, scale) = clip()
    guard loss.isFinite, norm.isFinite else {
      return try event(.rollback(rollback.goBack(because: rollback.symptom(loss: loss), rate: rate)))
    }
    memory.optimizer.update(rate: rate, gradientScale: scale)
    memory.takeUpdateIntoAverage()
    let targets = task.targetCount(places)
    progress.count(targets: targets, loss: loss, norm: norm)
    if let symptom = rollback.symptomAfterUpdate() {
      return try event(.rollback(rollback.goBack(because: symptom, rate: rate)))
    }
    try event(
      .update(
        TrainingUpdate(
          number: progress.updates, total: totalUpdates, epoch: progress.epoch + 1,
          loss: loss / Double(max(1, targets)), rate: rate, gradientNorm: norm, tokens: progress.tokens,
          targets: targets)))
  }

  /// The batches of the next update.
  private func nextBatches() -> [TrainingBatch] {
    var ends = [progress.offset]
    while ends.count <= options.accumulation, ends[ends.count - 1] < task.epochLength {
      ends.append(task.end(ofBatchAt: ends[ends.count - 1], epoch: progress.epoch))
    }
    let targets = task.targetCount(ends[0]..<ends[ends.count - 1])
    return zip(ends, ends.dropFirst()).enumerated().map { index, places in
      TrainingBatch(
        places: places.0..<places.1, targetsOfUpdate: targets, seed: options.seed, update: progress.updates,
        index: index)
    }
  }

  /// Cuts gradients that are too large.
  ///
  /// - Returns: their norm, and what the optimizer multiplies them by.
  private func clip() -> (norm: Double, scale: Float) {
    if options.clipValue > 0 { task.engine.clipGradients(task.arena, to: Float(options.clipValue)) }
    let norm = task.engine.gradientNorm(task.arena)
    return (norm, Float(options.clipNorm > 0 && norm > options.clipNorm ? options.clipNorm / norm : 1))
  }

  /// The learning rate of the update after so many.
  private func rate(afterUpdates updates: Int) -> Double {
    let time = budget.timeForUpdates(evaluationSeconds: evaluationSeconds)
    let factor = options.schedule.factor(
      updates: updates - progress.cycleStart, total: totalUpdates.map { $0 - progress.cycleStart },
      warmUp: options.warmUpUpdates, timeUsed: time.map { elapsed / $0 } ?? 0)
    return options.rate * progress.newbob.factor * progress.rateFactor * factor
  }

  // MARK: The end of an epoch

  private var isEpochOver: Bool { progress.offset >= task.epochLength }

  /// Measures what was held out, keeps the parameters if they are the best, and goes on to the next epoch if this one is over.
  ///
  /// When `event` throws during the measurement, nothing has changed.
  private func endEpoch(_ heldOut: Learned.HeldOut?, _ event: (TrainingEvent) throws -> Void) throws {
    if let symptom = rollback.symptomAfterEpoch() {
      let rate = rate(afterUpdates: progress.updates - 1)
      return try event(.rollback(rollback.goBack(because: symptom, rate: rate)))
    }
    let measurement = try heldOut.map { try measure($0, event) }
    let heldOutLoss = measurement.map(task.loss)
    let isBest = heldOutLoss.map(isBetter) ?? true
    if let heldOutLoss {
      if isBest {
        (progress.bestLoss, progress.bestEpoch, bestMeasurement) = (
          heldOutLoss, progress.epoch + 1, measurement
        )
      }
      memory.average?.take(heldOutLoss: heldOutLoss)
      progress.epochsSinceBest = isBest ? 0 : progress.epochsSinceBest + 1
      if options.schedule == .newbob { progress.newbob.take(heldOutLoss) }
    }
    progress.evaluatedUpdates = progress.updates
    let epoch = TrainingEpoch(
      number: progress.epoch + 1, updates: progress.updates, tokens: progress.tokens,
      loss: progress.epochTokens > 0 ? progress.epochLoss / Double(progress.epochTokens) : .nan,
      heldOutLoss: heldOutLoss, isBest: isBest, rate: rate(afterUpdates: progress.updates - 1),
      gradientNorm: progress.epochNorm / Double(max(1, progress.epochUpdates)))
    progress.lastEpochLoss = epoch.loss.isNaN ? 0 : epoch.loss
    if isEpochOver {
      progress.endEpoch()
      task.forget()
    }
    try event(.epoch(epoch))
  }

  /// Measures with the average of the weights, if there is one, and keeps what it measured if it is the best.
  private func measure(_ heldOut: Learned.HeldOut, _ event: (TrainingEvent) throws -> Void) throws
    -> Learned.Measurement
  {
    memory.optimizer.bringUpToDate()
    memory.average?.exchange()
    defer { memory.average?.exchange() }
    let watch = Stopwatch()
    let measurement = try task.measure(heldOut) { try event(.evaluating($0, of: $1)) }
    evaluationSeconds = watch.seconds
    if isBetter(task.loss(of: measurement)) { memory.best.take() }
    return measurement
  }

  /// Whether a held-out loss is the best so far, and one of weights that were trained.
  private func isBetter(_ loss: Double) -> Bool { !progress.isBackAtStart && loss < progress.bestLoss }

  // MARK: Where training stands

  private var progress: TrainingProgress {
    get { memory.progress }
    set { memory.progress = newValue }
  }

  /// The number of parameters.
  public var parameterCount: Int { task.arena.parameterCount ?? 0 }
  /// Updates of an epoch.
  public var updatesPerEpoch: Int { options.updatesPerEpoch(batches: task.batchesPerEpoch) }
  /// Updates in all; `nil` if time alone decides.
  public var totalUpdates: Int? { budget.totalUpdates }
  /// The epoch, from 1, the updates made, the targets predicted, and the best held-out loss, which is infinite if there is none.
  public var position: (epoch: Int, updates: Int, tokens: Int, bestLoss: Double) {
    let isBetween = progress.offset == 0 && progress.epoch > 0
    return (progress.epoch + (isBetween ? 0 : 1), progress.updates, progress.tokens, progress.bestLoss)
  }
  /// The epoch whose weights the model has, if something held out chose one.
  public var bestEpoch: Int? { progress.bestLoss.isFinite ? progress.bestEpoch : nil }
  /// Epochs since the one with the best held-out loss.
  public var epochsSinceBest: Int { progress.epochsSinceBest }
  /// Seconds of training so far, those before a resumption among them.
  public var elapsed: Double { secondsBefore + started.seconds }

  // MARK: What is kept

  /// Everything that the next update depends on, besides the examples and the options.
  public var state: TrainingState { memory.state(of: task, elapsed: elapsed) }

  /// Goes on from `checkpoint`, whose training's numbers are `numbers`.
  ///
  /// A run that had come to its end begins another cycle of its schedule, if it has epochs left (Loshchilov and Hutter 2017).
  ///
  /// - Throws: `CheckpointError` when the checkpoint does not fit the task and the options.
  public func resume(from checkpoint: Checkpoint, numbers: JSONValue) throws {
    secondsBefore = try memory.restore(from: checkpoint, numbers: numbers, task: task, options: options)
    if progress.isFinished {
      progress.isFinished = false
      if options.schedule.dependsOnLength { progress.cycleStart = progress.updates }
    }
  }

  /// Begins a new training with the model of `checkpoint`, and with what its optimizer remembers, if `numbers` are given, those
  /// of its state.
  ///
  /// - Throws: `CheckpointError` when it does not fit the task or the optimizer.
  public func begin(with checkpoint: Checkpoint, optimizer numbers: JSONValue?) throws {
    try task.takeParameters(from: checkpoint)
    if let numbers { try memory.restoreOptimizer(from: checkpoint, numbers: numbers) }
    judgement.measureStart()
  }

  /// The tensors of the model so far: those of the best epoch, if something held out chose one, or else those of now.
  public var tensors: [Tensor] { memory.modelTensors }

  /// The trained model; the trainer must not be used afterwards.
  public func finish() -> Learned.Model {
    memory.optimizer.bringUpToDate()
    if memory.best.isTaken { memory.best.putBack() }
    return task.makeModel()
  }
}
