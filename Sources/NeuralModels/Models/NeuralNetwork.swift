import LanguageModels
import Tensors

/// What the trainer and the evaluation know of a network.
protocol NeuralNetwork: AnyObject {
  /// The parameters.
  var arena: ParameterArena { get }
  /// The buffers of the activations.
  var workspace: Workspace { get }
  /// How many tokens before a target the network is given for it.
  var window: Int { get }
  /// How many numbers the network remembers of a row from one token to the next.
  var stateSize: Int { get }

  /// Gives every parameter its first value.
  func initialize(using generator: inout SeededGenerator)

  /// Forgets everything, and makes room for B rows.
  func resetState(rows: Int)

  /// What the network remembers of a row.
  func state(row: Int) -> [Float]

  /// The opposite of `state(row:)`.
  func setState(_ values: [Float], row: Int)

  /// The sum of −ln p(target) over the batch; adds the gradients of its mean to the arena's, with those of penalties on activations
  /// and all times the batch's weight.
  ///
  /// The state moves on, without gradients flowing back from the next batch. `dropoutKey` decides the masks; no
  /// dropout without it.
  func lossAndGradients(_ batch: Batch, dropoutKey: UInt64?) -> Double

  /// ln p(target) of each row of the batch, 0 where there is no target; the state moves on.
  func logProbabilities(_ batch: Batch) -> [Float]

  /// −ln p(target) of each row of the batch, 0 where there is no target; the state moves on.
  func losses(_ batch: Batch) -> [Double]

  /// Moves the state of a single row behind one more token, the last of the window.
  func advance(window: [TokenID])

  /// ln p of every token after what the single row's state and the window hold; `output` is overwritten.
  func distribution(window: [TokenID], into output: inout [Float])
}
