import Glibc
import LanguageModels
import NeuralModels

/// One run of a network's training: it shows, logs and saves what the trainer does, and stops when asked to.
final class TrainingRun<Learned: Task> {
  private let job: TrainingJob
  private let heldOut: Learned.HeldOut?
  private let configuration: JSONValue
  private let options: TrainingOptions
  private let run: RunSettings
  private let record: [JSONValue.Member]
  private let engine: Engine
  private let trainer: Trainer<Learned>
  private var display: TrainingDisplay
  private var meter: TrainingMeter
  private let log: RunLog?
  private var running: RunningCheckpoint?
  private let memory: Int
  private let figures: TaskFigures
  /// What a checkpoint holds of a finished model besides its parameters.
  private let moreTensors: (Learned.Model) -> [Tensor]
  /// When the best epoch of this run ended; `nil` if it was before the run went on.
  private var elapsedAtBest: Double?

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - makeTask: makes what is learnt.
  ///   - heldOut: what it is measured on.
  ///   - record: what a checkpoint records of the options.
  ///   - memory: the bytes that it will need, about.
  ///   - moreTensors: what a checkpoint holds of a finished model besides its parameters.
  init(
    _ job: TrainingJob, task makeTask: (TrainingOptions) throws -> Learned, heldOut: Learned.HeldOut?,
    figures: TaskFigures = .language, configuration: JSONValue, options: TrainingOptions, run: RunSettings,
    record: [JSONValue.Member], engine: Engine, memory: Int,
    moreTensors: @escaping (Learned.Model) -> [Tensor] = { _ in [] }
  ) throws {
    (self.job, self.configuration, self.run) = (job, configuration, run)
    (self.heldOut, self.moreTensors, self.figures) = (heldOut, moreTensors, figures)
    (self.record, self.engine, self.memory) = (record, engine, memory)
    var options = options
    // A disk that few machines do not reach.
    let task = try makeTask(options)
    options.secondsToWrite = 0.2 + Double(task.arena.parameterCount ?? 0) * 5.4 / 200e6
    self.options = options
    trainer = Trainer(task, options: options, started: job.watch)
    let predecessor = job.predecessor
    if let predecessor { try Self.start(trainer, with: predecessor) }
    let isResumed = predecessor?.use == .resume
    log = try run.log.map { try RunLog(path: $0) }
    running = RunningCheckpoint(
      beside: job.output, interval: run.checkpointInterval, resumedFrom: isResumed ? predecessor?.path : nil)
    display = TrainingDisplay(options: options, figures: figures)
    meter = TrainingMeter(
      stepsPerEpoch: trainer.updatesPerEpoch, elapsed: trainer.elapsed, figures: figures)
  }

  private static func start(_ trainer: Trainer<Learned>, with predecessor: Predecessor) throws {
    do {
      switch predecessor.use {
      case .resume: try trainer.resume(from: predecessor.checkpoint, numbers: predecessor.numbers)
      case .newData: try trainer.begin(with: predecessor.checkpoint, optimizer: predecessor.numbers)
      case .weights: try trainer.begin(with: predecessor.checkpoint, optimizer: nil)
      }
    } catch var error as CheckpointError {
      error.path = predecessor.path
      throw error
    }
  }

  /// Trains, writes the model, and takes the running checkpoint away.
  ///
  /// - Throws: `Interrupted` when a signal came, after saving.
  ///
  /// - Returns: the model, its parameters, and what it came to on what was held out with the seconds that the measure took, if there was any.
  func train() throws -> (
    model: Learned.Model, parameters: Int, measurement: (result: Learned.Measurement, seconds: Double)?
  ) {
    announce()
    return try Interrupts.deferred {
      do {
        let end = try trainer.train(heldOut: heldOut, event: handle)
        Progress.end()
        logEnd(end.rawValue)
        display.show(end, step: trainer.position.updates)
      } catch let stop as StopRequest {
        Progress.end()
        logEnd("interrupted")
        throw Interrupted(signal: stop.signal, message: try saveInterrupted())
      } catch let error as DivergenceError {
        Progress.end()
        logEnd("diverged")
        throw FileError(
          path: job.output, reason: "\(error)\(error.leavesGoodModel ? try saveDiverged() : "")")
      }
      showBest()
      var checkpoint = checkpoint(isRunning: run.keepsOptimizer)
      let model = trainer.finish()
      checkpoint.tensors += moreTensors(model)
      try advising { try job.write(checkpoint) }
      running?.remove()
      if let signal = Interrupts.pending {
        throw Interrupted(signal: signal, message: "interrupted when \(job.output) was complete")
      }
      let evaluation = trainer.bestMeasurement.map { ($0, trainer.evaluationSeconds) }
      return (model, trainer.parameterCount, evaluation)
    }
  }

  // MARK: Events

  /// Training is asked to stop.
  private struct StopRequest: Error {
    let signal: Int32
  }

  private func handle(_ event: TrainingEvent) throws {
    switch event {
    case .update(let step):
      meter.add(step, elapsed: trainer.elapsed)
      display.show(step, elapsed: trainer.elapsed)
      if let log {
        if let explosion = meter.explosion(step) { log.write("explosion", explosion) }
        if let members = meter.interval(step) { log.write("step", members) }
      }
      if let running, running.isDue(afterStep: step.number) { try save() }
    case .evaluating(let scored, let count): display.showEvaluation(scored, of: count)
    case .epoch(let epoch):
      let members = meter.epoch(epoch, elapsed: trainer.elapsed)
      log?.write("epoch", members)
      display.show(epoch, elapsed: trainer.elapsed, tokensPerSecond: meter.epochSpeed)
      if epoch.isBest { elapsedAtBest = trainer.elapsed }
      if running?.isDueAfterEpoch() == true { try save() }
    case .rollback(let rollback):
      log?.write("divergence", meter.divergence(rollback, elapsed: trainer.elapsed))
      display.show(rollback)
    }
    if let signal = Interrupts.pending { throw StopRequest(signal: signal) }
  }

  // MARK: Saving

  private func save() throws {
    try Progress.during(running.flatMap { Progress.writing($0.path) }) {
      try advising { try running?.write(checkpoint(isRunning: true)) }
    }
  }

  /// Adds to an error of writing how the run can go on from what was saved before.
  private func advising(_ write: () throws -> Void) throws {
    do {
      try write()
    } catch let error as FileError where running?.exists == true {
      throw FileError(path: error.path, reason: "\(error.reason); then go on with: \(resumption)")
    }
  }

  /// The command line that goes on with this run.
  private var resumption: String {
    let arguments = [RawArgument.all.first ?? "lmctl", "train", "--resume", job.output]
    let text = job.texts.contains { $0["name"] == "standard input" } ? " - < TEXT" : ""
    return arguments.map(Shell.quoted).joined(separator: " ") + text
  }

  private func saveInterrupted() throws -> String {
    let position = "interrupted in epoch \(trainer.position.epoch) after step \(trainer.position.updates)"
    guard running != nil else { return "\(position); nothing is saved, because the model goes to no file" }
    try save()
    return "\(position); go on with: \(resumption)"
  }

  private func saveDiverged() throws -> String {
    guard let running else { return "" }
    try save()
    return
      "; the last good model is \(running.path), which lmctl train --init-from \(Shell.quoted(running.path)) begins with"
  }

  /// The model so far; a running one with all that its training needs to go on.
  private func checkpoint(isRunning: Bool) -> Checkpoint {
    let state = isRunning ? trainer.state : nil
    let resume = state.map { state -> JSONValue in
      .object(
        [
          .init("kernels", .string(engine.kernelName)), .init("options", job.settings),
          .init("state", state.numbers),
        ] + (job.heldOutText.map { [.init("held_out", $0)] } ?? []))
    }
    var members = record + [.init("parameters", .integer(trainer.parameterCount))]
    if let best = trainer.bestEpoch {
      members += [
        .init("best_epoch", .integer(best)), figures.heldOutMembers(trainer.position.bestLoss)[0],
      ]
    }
    return job.checkpoint(
      configuration: configuration, options: members, tensors: trainer.tensors + (state?.tensors ?? []),
      resume: resume)
  }

  // MARK: What is said before and after

  /// Says which epoch the model is of, and what stopping there would have saved.
  private func showBest() {
    guard let best = trainer.bestEpoch else { return }
    let position = trainer.position
    let loss = position.bestLoss
    var line = "the model is that of epoch \(best): held out \(figures.heldOut(loss))"
    let epochs = trainer.epochsSinceBest
    if epochs > 0 {
      line += "; stopping there would have saved \(Format.count(epochs, "epoch"))"
      if let elapsedAtBest { line += " and \(Format.duration(trainer.elapsed - elapsedAtBest))" }
    }
    Terminal.note(line)
  }

  private func announce() {
    let position = trainer.position
    let isResumed = job.predecessor?.use == .resume
    if !isResumed || log?.isEmpty == true { log?.write("start", startMembers) }
    if isResumed {
      log?.write(
        "resume",
        [
          .init("time", .string(UTCTime.text)), .init("epoch", .integer(position.epoch)),
          .init("step", .integer(position.updates)), .init(figures.unit, .integer(position.tokens)),
          .init("threads", .integer(engine.threadCount)), .init("kernels", .string(engine.kernelName)),
          .init("elapsed", .number(trainer.elapsed)),
        ])
    }
    display.announce(
      "\(job.task == .language ? "" : "\(job.task.noun), ")\(job.kind.rawValue) with \(trainer.parameterCount) parameters, about \(Format.bytes(memory)) of memory",
      stepsPerEpoch: trainer.updatesPerEpoch,
      engine: "\(Format.count(engine.threadCount, "thread")), \(engine.kernelName)")
    if let total = trainer.totalUpdates, options.warmUpUpdates >= total {
      Terminal.warn(
        "--warm-up \(options.warmUpUpdates) is as long as the whole run, of \(Format.count(total, "step")): the rate never gets to --lr"
      )
    }
    if isResumed {
      Terminal.note("going on in epoch \(position.epoch) after step \(position.updates)")
      if let kernels = job.predecessor?.kernels, kernels != engine.kernelName {
        Terminal.note(
          "the run began with the kernels \(kernels) and goes on with \(engine.kernelName): its model will be as good, but "
            + "not the same to the last bit")
      }
    }
  }

  private var startMembers: [JSONValue.Member] {
    [
      .init("time", .string(UTCTime.text)), .init("version", .string(programVersion)),
      .init("model", .string(job.task.checkpointKind ?? job.kind.rawValue)),
      .init("kernels", .string(engine.kernelName)),
      .init("threads", .integer(engine.threadCount)), .init("seed", .integer(Int(options.seed))),
      .init("parameters", .integer(trainer.parameterCount)), .init("options", job.settings),
      .init("texts", .array(job.texts)), .init("held_out", job.heldOutText ?? .null),
      .init("sentences", .integer(job.text.sizes.sentences)),
      .init("tokens", .integer(job.text.sizes.tokens)),
      .init("unknown", .integer(job.text.sizes.unknownTokens)),
      .init("vocabulary", .integer(job.vocabulary.count)),
      .init("steps_per_epoch", .integer(trainer.updatesPerEpoch)),
      .init("steps", trainer.totalUpdates.map { .integer($0) } ?? .null),
    ]
  }

  private func logEnd(_ reason: String) {
    let position = trainer.position
    log?.write(
      "end",
      [
        .init("reason", .string(reason)), .init("time", .string(UTCTime.text)),
        .init("epoch", .integer(position.epoch)), .init("step", .integer(position.updates)),
        .init("tokens", .integer(position.tokens)),
        .init("best_held_out_loss", trainer.bestEpoch == nil ? .null : .number(position.bestLoss)),
        .init("elapsed", .number(trainer.elapsed)),
      ])
  }
}
