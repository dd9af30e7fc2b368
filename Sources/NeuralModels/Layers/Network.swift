import LanguageModels
import Tensors

/// A network as a whole: what its layers declared, in one place.
protocol Network: AnyObject {
  /// All parameters and buffers.
  var declarations: Declarations { get }
}

extension Network {
  /// The parameters.
  var arena: ParameterArena { declarations.arena }
  /// The buffers of the activations.
  var workspace: Workspace { declarations.workspace }
  /// What does the work.
  var engine: Engine { declarations.engine }

  /// Takes memory, and the parameters from `checkpoint`, of which it has made sure that there are as many as it needs.
  ///
  /// - Throws: `CheckpointError` when they do not fit, `FileError` when there is too little memory.
  func load(_ checkpoint: Checkpoint) throws {
    try arena.check(checkpoint)
    // Values and gradients.
    try MemoryBudget.require(
      8 * arena.count, for: "the network", "raise the limit, free some, or load a smaller model")
    arena.allocate()
    try arena.load(checkpoint)
  }
}
