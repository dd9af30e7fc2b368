import Kernels
import LanguageModels
import Tensors

/// Everything that the next update depends on, besides the parameters, the examples and the options; and how it is kept in a
/// checkpoint.
final class TrainingMemory {
  var progress: TrainingProgress
  let optimizer: Optimizer
  /// The parameters of the epoch that was best on what is held out.
  let best: ParameterCopy
  /// The parameters that training goes back to when it diverges.
  let lastGood: ParameterCopy
  /// The mean of the parameters over many updates, if that is asked for.
  let average: WeightAverage?
  private let arena: ParameterArena

  init(_ options: TrainingOptions, arena: ParameterArena, engine: Engine) {
    self.arena = arena
    progress = TrainingProgress(
      newbob: Newbob(ratio: options.newbobRatio, patience: options.newbobPatience))
    optimizer = Optimizer(
      options.optimizer, constants: options.optimizerConstants, weightDecay: options.weightDecay,
      arena: arena, engine: engine)
    best = ParameterCopy(of: arena, engine: engine)
    lastGood = ParameterCopy(of: arena, engine: engine)
    average = options.averageInterval.map { WeightAverage(interval: $0, arena: arena, engine: engine) }
  }

  /// Takes the parameters after an update into their average, if it has begun.
  func takeUpdateIntoAverage() {
    guard let average, average.isActive else { return }
    optimizer.bringUpToDate()
    average.takeUpdate()
  }

  /// The model's tensors: those of the best epoch, if there is one, or else those of now.
  var modelTensors: [Tensor] {
    optimizer.bringUpToDate()
    let values = best.isTaken ? best.buffer.pointer : arena.values
    return arena.parameters.map { parameter in
      Tensor(
        parameter.name, shape: parameter.shape,
        Array(UnsafeBufferPointer(start: values + parameter.offset, count: parameter.count)))
    }
  }

  // MARK: Writing

  func state(of task: any Task, elapsed: Double) -> TrainingState {
    optimizer.bringUpToDate()
    var tensors: [Tensor] = []
    func add(_ name: String, _ pointer: UnsafePointer<Float>) {
      tensors.append(
        Tensor(TrainingState.prefix + name, Array(UnsafeBufferPointer(start: pointer, count: arena.count))))
    }
    // The model's own tensors are the best epoch's, if there is one.
    if best.isTaken { add("values", arena.values) }
    for memory in optimizer.memory { add("optimizer.\(memory.name)", memory.buffer.pointer) }
    if let average, average.updates > 0 { add("average", average.buffer.pointer) }
    if !isAtGoodState { add("good", lastGood.buffer.pointer) }
    if let carried = task.carried { tensors.append(carried) }
    var members = progress.members
    members.append(.init("optimizer", .object(optimizer.numbers)))
    if let average { members.append(.init("average", .object(average.numbers))) }
    if !progress.isFinished { members.append(.init("elapsed", .number(elapsed))) }
    return TrainingState(numbers: .object(members), tensors: tensors)
  }

  /// Whether the weights are those of the last good state.
  private var isAtGoodState: Bool { progress.updates % Rollback.interval == 0 }

  // MARK: Reading

  /// Takes back a state, the parameters and what is carried.
  ///
  /// - Returns: the seconds of training before.
  /// - Throws: `CheckpointError` when the checkpoint does not fit the task and the options.
  func restore(
    from checkpoint: Checkpoint, numbers: JSONValue, task: any Task, options: TrainingOptions
  ) throws -> Double {
    func has(_ name: String) -> Bool {
      checkpoint.tensors.contains { $0.name == TrainingState.prefix + name }
    }
    progress = try TrainingProgress(
      json: numbers, newbob: Newbob(ratio: options.newbobRatio, patience: options.newbobPatience))
    try StateCheck(progress: progress, task: task, options: options).run()
    try arena.load(checkpoint)
    if has("values") {
      best.take()
      try take("values", of: checkpoint, into: arena.values)
      arena.valuesChanged()
    }
    try restoreOptimizer(from: checkpoint, numbers: numbers)
    if let average {
      try average.restore(numbers["average"] ?? .null, after: progress)
      if average.updates > 0 { try take("average", of: checkpoint, into: average.buffer.pointer) }
    }
    lastGood.take()
    if has("good") { try take("good", of: checkpoint, into: lastGood.buffer.pointer) }
    task.forget()
    try task.restoreCarried(from: checkpoint)
    return try Self.elapsed(numbers)
  }

  /// Takes back what the optimizer remembers.
  func restoreOptimizer(from checkpoint: Checkpoint, numbers: JSONValue) throws {
    try optimizer.restore(numbers["optimizer"] ?? .null)
    for memory in optimizer.memory {
      try take("optimizer.\(memory.name)", of: checkpoint, into: memory.buffer.pointer)
      let values = UnsafeBufferPointer(start: memory.buffer.pointer, count: arena.count)
      // They are under a square root.
      guard memory.name != "squares" || values.allSatisfy({ $0 >= 0 }) else {
        throw CheckpointError("damaged: its optimizer remembers squares below zero")
      }
    }
  }

  /// The seconds of training before, as a state records them.
  private static func elapsed(_ numbers: JSONValue) throws -> Double {
    guard let value = numbers["elapsed"] else { return 0 }
    guard let seconds = value.doubleValue, (0...StateCheck.mostSeconds).contains(seconds) else {
      throw StateCheck.error("elapsed", value.text, "not the seconds of a training")
    }
    return seconds
  }

  private func take(_ name: String, of checkpoint: Checkpoint, into pointer: UnsafeMutablePointer<Float>)
    throws
  {
    let values = try checkpoint.finiteFloats(TrainingState.prefix + name, shape: [arena.count])
    pointer.update(from: values, count: arena.count)
  }
}
