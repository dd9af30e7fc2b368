import Kernels
import LanguageModels
import Tensors

/// Averaged stochastic gradient descent with the non-monotonic trigger, NT-ASGD (Merity et al. 2018, algorithm 1; the average is
/// Polyak and Juditsky's, 1992).
///
/// Steps of a constant rate end up wandering around a minimum, and their average is nearer to it than any of them. It begins
/// when wandering begins: after the first epoch whose held-out loss is above the least of all epochs but the n previous ones before
/// it. From then on w̄ is the mean of the parameters w after each step, and it is w̄ that is measured on held-out text, and kept.
final class WeightAverage {
  /// n.
  let interval: Int
  /// The held-out losses of all epochs until the average began.
  private(set) var losses: [Double] = []
  /// Whether it has begun.
  private(set) var isActive = false
  /// How many updates w̄ is the mean of.
  private(set) var updates = 0
  /// w̄, if that is of any update.
  let buffer = AlignedBuffer()

  private let arena: ParameterArena
  private let engine: Engine

  init(interval: Int, arena: ParameterArena, engine: Engine) {
    self.interval = interval
    self.arena = arena
    self.engine = engine
  }

  /// Takes the held-out loss of an epoch, and begins if it is time.
  func take(heldOutLoss loss: Double) {
    guard !isActive else { return }
    if let least = losses.dropLast(interval).min(), loss > least { isActive = true }
    losses.append(loss)
  }

  /// Takes the parameters after an update: w̄ += (w − w̄) / k at the k-th.
  func takeUpdate() {
    guard isActive else { return }
    buffer.reserve(arena.count)
    updates += 1
    let share = 1 / Float(updates)
    nonisolated(unsafe) let (average, values) = (buffer.pointer, arena.values)
    let kernels = engine.kernels
    engine.split(arena.count / 16) { part in
      let (first, count) = (part.lowerBound * 16, part.count * 16)
      if share == 1 {
        (average + first).update(from: values + first, count: count)
      } else {
        kernels.scale(count, 1 - share, average + first, average + first)
        kernels.addScaled(count, share, values + first, average + first)
      }
    }
  }

  /// What a checkpoint of the training must hold, together with w̄.
  var numbers: [JSONValue.Member] {
    [
      .init("losses", .array(losses.map { .number($0) })), .init("active", .bool(isActive)),
      .init("steps", .integer(updates)),
    ]
  }

  /// Takes back `numbers`, as they were after `progress`; the caller fills the buffer.
  ///
  /// - Throws: `CheckpointError` when something is missing or impossible.
  func restore(_ numbers: JSONValue, after progress: TrainingProgress) throws {
    guard let losses = numbers["losses"]?.elements, let isActive = numbers["active"]?.boolValue,
      let steps = numbers["steps"]?.integerValue
    else { throw CheckpointError("damaged: the state of its training lacks 'average'") }
    // JSON has no infinity; null stands for it.
    let numbers = losses.compactMap { $0 == .null ? .infinity : $0.doubleValue }
    guard numbers.count == losses.count, numbers.count <= progress.evaluatedUpdates,
      numbers.allSatisfy({ $0 > -1 }), (0...(isActive ? progress.updates : 0)).contains(steps),
      !isActive || numbers.count > interval
    else {
      throw CheckpointError(
        "damaged: the 'average' of its training cannot come from so many steps and epochs")
    }
    (self.losses, self.isActive, updates) = (numbers, isActive, steps)
    if steps > 0 { buffer.reserve(arena.count) }
  }

  /// Forgets the updates so far, because they went astray.
  func restart() { updates = 0 }

  /// Exchanges w and w̄, if there is one.
  func exchange() {
    if updates > 0 { engine.exchange(arena, with: buffer) }
  }
}
