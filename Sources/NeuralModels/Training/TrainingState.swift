import Kernels
import LanguageModels
import Tensors

/// What a checkpoint holds of a training beyond the model, so that it goes on as if it had never stopped.
public struct TrainingState: Sendable {
  /// Numbers: position, sums, schedule, optimizer.
  public let numbers: JSONValue
  /// Tensors: the weights if they are not those of the model, the optimizer's memory, the carried state. Their names begin with
  /// `training.`.
  public let tensors: [Tensor]

  /// What the names of its tensors begin with.
  public static let prefix = "training."
}

extension Trainer {
  /// Everything that the next step depends on, besides the text and the options.
  public var state: TrainingState {
    let count = network.arena.count
    var tensors: [Tensor] = []
    func add(_ name: String, _ pointer: UnsafePointer<Float>) {
      tensors.append(
        Tensor(TrainingState.prefix + name, Array(UnsafeBufferPointer(start: pointer, count: count))))
    }
    // The model's own tensors are the best epoch's, if there is one.
    if best.isTaken { add("values", network.arena.values) }
    for memory in optimizer.memory { add("optimizer.\(memory.name)", memory.buffer.pointer) }
    if let average, average.steps > 0 { add("average", average.buffer.pointer) }
    if !isAtGoodState { add("good", lastGood.buffer.pointer) }
    if network.stateSize > 0 {
      let states = (0..<options.rows).flatMap { network.state(row: $0) }
      tensors.append(
        Tensor(TrainingState.prefix + "carried", shape: [options.rows, network.stateSize], states))
    }
    var members = progress.members
    members.append(.init("optimizer", .object(optimizer.numbers)))
    if let average { members.append(.init("average", .object(average.numbers))) }
    if !progress.isFinished { members.append(.init("elapsed", .number(elapsed))) }
    return TrainingState(numbers: .object(members), tensors: tensors)
  }

  /// Goes on from `checkpoint`, whose training's numbers are `numbers`.
  ///
  /// A run that had come to its end begins another cycle of its schedule, if it has epochs left (Loshchilov and Hutter 2017).
  ///
  /// - Throws: `CheckpointError` when the checkpoint does not fit the network and the options.
  public func resume(from checkpoint: Checkpoint, numbers: JSONValue) throws {
    func has(_ name: String) -> Bool {
      checkpoint.tensors.contains { $0.name == TrainingState.prefix + name }
    }
    progress = try TrainingProgress(
      json: numbers, newbob: Newbob(ratio: options.newbobRatio, patience: options.newbobPatience))
    try StateCheck(
      progress: progress, batches: batches, options: options, guessingLoss: guessingLoss
    ).run()
    try network.load(checkpoint)
    if has("values") {
      best.take()
      try take("values", of: checkpoint, into: network.arena.values)
      network.arena.valuesChanged()
    }
    try restoreOptimizer(from: checkpoint, numbers: numbers)
    if let average {
      try average.restore(numbers["average"] ?? .null, after: progress)
      if average.steps > 0 { try take("average", of: checkpoint, into: average.buffer.pointer) }
    }
    lastGood.take()
    if has("good") { try take("good", of: checkpoint, into: lastGood.buffer.pointer) }
    network.resetState(rows: options.rows)
    if network.stateSize > 0 {
      let size = network.stateSize
      let states = try checkpoint.finiteFloats(
        TrainingState.prefix + "carried", shape: [options.rows, size])
      for row in 0..<options.rows { network.setState(Array(states[row * size..<(row + 1) * size]), row: row) }
    }
    secondsBefore = try Self.elapsed(numbers)
    if progress.isFinished {
      progress.isFinished = false
      if options.schedule.dependsOnLength { progress.cycleStart = progress.step }
    }
  }

  /// Begins a new training with the model of `checkpoint`, and with what its optimizer remembers, if `numbers` are given, those
  /// of its state.
  ///
  /// - Throws: `CheckpointError` when it does not fit the network or the optimizer.
  public func begin(with checkpoint: Checkpoint, optimizer numbers: JSONValue?) throws {
    try network.load(checkpoint)
    if let numbers { try restoreOptimizer(from: checkpoint, numbers: numbers) }
    measureStart()
  }

  /// The seconds of training before, as a state records them.
  private static func elapsed(_ numbers: JSONValue) throws -> Double {
    guard let value = numbers["elapsed"] else { return 0 }
    guard let seconds = value.doubleValue, (0...StateCheck.mostSeconds).contains(seconds) else {
      throw StateCheck.error("elapsed", value.text, "not the seconds of a training")
    }
    return seconds
  }

  private func restoreOptimizer(from checkpoint: Checkpoint, numbers: JSONValue) throws {
    try optimizer.restore(numbers["optimizer"] ?? .null)
    for memory in optimizer.memory {
      try take("optimizer.\(memory.name)", of: checkpoint, into: memory.buffer.pointer)
      let values = UnsafeBufferPointer(start: memory.buffer.pointer, count: network.arena.count)
      // They are under a square root.
      guard memory.name != "squares" || values.allSatisfy({ $0 >= 0 }) else {
        throw CheckpointError("damaged: its optimizer remembers squares below zero")
      }
    }
  }

  private func take(_ name: String, of checkpoint: Checkpoint, into pointer: UnsafeMutablePointer<Float>)
    throws
  {
    let count = network.arena.count
    let values = try checkpoint.finiteFloats(TrainingState.prefix + name, shape: [count])
    pointer.update(from: values, count: count)
  }

  /// Whether the weights are those of the last good state.
  private var isAtGoodState: Bool { progress.step % Self.goodStateInterval == 0 }

  // MARK: Weights

  /// The tensors of the model so far: those of the best epoch, if the held-out text was measured, or else those of now.
  public var tensors: [Tensor] {
    let values = best.isTaken ? best.buffer.pointer : network.arena.values
    return network.arena.parameters.map { parameter in
      Tensor(
        parameter.name, shape: parameter.shape,
        Array(UnsafeBufferPointer(start: values + parameter.offset, count: parameter.count)))
    }
  }

  /// The trained model; the trainer must not be used afterwards.
  public func finish() -> NeuralModel {
    if best.isTaken { best.putBack() }
    return NeuralModel(network, vocabulary: vocabulary, configuration: configuration)
  }
}

/// A copy of all parameters of a network.
final class ParameterCopy {
  let buffer = AlignedBuffer()
  private(set) var isTaken = false
  private let arena: ParameterArena
  private let engine: Engine

  init(of arena: ParameterArena, engine: Engine) {
    self.arena = arena
    self.engine = engine
  }

  /// Copies the parameters as they are now.
  func take() {
    buffer.reserve(arena.count)
    copy(from: arena.values, to: buffer.pointer)
    isTaken = true
  }

  /// Makes the parameters what they were.
  func putBack() {
    copy(from: buffer.pointer, to: arena.values)
    arena.valuesChanged()
  }

  /// Exchanges the parameters as they are with the copy.
  func exchange() {
    nonisolated(unsafe) let (copy, values) = (buffer.pointer, arena.values)
    engine.split(arena.count) { part in
      for i in part { (copy[i], values[i]) = (values[i], copy[i]) }
    }
    arena.valuesChanged()
  }

  private func copy(from source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    nonisolated(unsafe) let (source, target) = (source, target)
    engine.split(arena.count) { part in
      (target + part.lowerBound).update(from: source + part.lowerBound, count: part.count)
    }
  }
}
