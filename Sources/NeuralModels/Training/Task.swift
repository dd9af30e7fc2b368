import LanguageModels
import Tensors

/// What is learnt: what an update is made of, its loss, how what was held out is measured, and what comes of it.
///
/// A trainer knows nothing but this. It divides an epoch into batches, which follow each other from place 0 to the epoch's length; what
/// stands at a place is the task's. A new task is a file with a class that conforms to this.
public protocol Task: AnyObject {
  /// Examples that are kept apart to measure what was learnt.
  associatedtype HeldOut
  /// What measuring them comes to.
  associatedtype Measurement: Sendable
  /// What is trained, for use.
  associatedtype Model

  /// The parameters.
  var arena: ParameterArena { get }
  /// What does the work.
  var engine: Engine { get }

  /// Gives every parameter its first value.
  func initialize(using generator: inout SeededGenerator)
  /// Takes the parameters of a finished model, from which a new training begins.
  ///
  /// - Throws: `CheckpointError` when they do not fit.
  func takeParameters(from checkpoint: Checkpoint) throws

  // MARK: Batches

  /// The places of an epoch.
  var epochLength: Int { get }
  /// The batches of an epoch, those that are shorter than others among them.
  var batchesPerEpoch: Int { get }
  /// The most places, and targets, that a batch has.
  var largestBatch: (places: Int, targets: Int) { get }
  /// Whether every batch but an epoch's last has the most places.
  var hasEqualBatches: Bool { get }
  /// Where the batch ends that begins at a place of an epoch.
  func end(ofBatchAt place: Int, epoch: Int) -> Int
  /// How many targets some places have.
  func targetCount(_ places: Range<Int>) -> Int
  /// What the learning rate of an update of some batches is multiplied by.
  func rateFactor(_ places: Range<Int>, batches: Int) -> Double

  /// The sum of the losses of a batch's targets; adds the gradients of their mean, times the batch's share, to the arena's.
  func lossAndGradients(_ batch: TrainingBatch) -> Double

  /// Forgets what was carried from batch to batch, as before a new epoch.
  func forget()
  /// What is carried from batch to batch, for the checkpoint of a training, under a name that begins with `TrainingState.prefix`; `nil`
  /// if nothing is.
  var carried: Tensor? { get }
  /// Takes back from `checkpoint` what `carried` once put there.
  ///
  /// - Throws: `CheckpointError` when the checkpoint has none that fits.
  func restoreCarried(from checkpoint: Checkpoint) throws

  // MARK: Measuring

  /// Measures held-out examples with the parameters as they are; `watch` hears of how many of how many are done, and stops it by
  /// throwing. What is carried stays as it is.
  func measure(_ heldOut: HeldOut, watch: (_ done: Int, _ all: Int) throws -> Void) throws -> Measurement
  /// About how long `measure` takes.
  func secondsToMeasure(_ heldOut: HeldOut) -> Double
  /// What is to become small: the loss, or a metric's negative if more of it is better.
  func loss(of measurement: Measurement) -> Double
  /// The mean loss of some of the examples, about so many targets, and its standard error. What is carried stays as it is.
  func sampleLoss(targets: Int) -> (mean: Double, standardError: Double)

  /// The loss of guessing, and what that is called, as in `guessing among 100 tokens`.
  var guessing: (loss: Double, name: String) { get }
  /// What is done against learning the examples by heart.
  var regularization: Regularization { get }
  /// The learning rate that suits an optimizer.
  func usualRate(of optimizer: OptimizerKind) -> Double

  /// The model with the parameters as they are.
  func makeModel() -> Model
}

extension Task {
  public func takeParameters(from checkpoint: Checkpoint) throws { try arena.load(checkpoint) }
}

/// A batch of an update: its places, and what decides whatever is random in it.
public struct TrainingBatch {
  /// Where it begins and ends in its epoch.
  let places: Range<Int>
  /// The targets of all batches of the update, of which the batch's are a share.
  let targetsOfUpdate: Int
  /// The seed of the training, the updates before this one, and the batches of this update before this one.
  let seed: UInt64
  let update: Int
  let index: Int

  /// Decides what dropout drops.
  var dropoutKey: UInt64 {
    var generator = SeededGenerator(
      seed: seed ^ UInt64(update + 1) &* 0xD6E8_FEB8_6659_FD93 ^ UInt64(index) &* 0xC2B2_AE3D_27D4_EB4F)
    return generator.next()
  }

  /// Decides everything else.
  var generator: SeededGenerator {
    SeededGenerator(
      seed: seed &+ UInt64(update) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index) &* 0xC2B2_AE3D_27D4_EB4F)
  }
}
