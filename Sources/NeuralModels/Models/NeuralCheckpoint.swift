import LanguageModels

extension NeuralModel {
  /// The network's parameters, for the checkpoint.
  public var tensors: [Tensor] {
    network.withLock { box in
      box.network.arena.parameters.map { parameter in
        Tensor(
          parameter.name, shape: parameter.shape,
          Array(UnsafeBufferPointer(start: parameter.value.pointer, count: parameter.count)))
      }
    }
  }

  /// The model in `checkpoint`.
  ///
  /// - Throws: `CheckpointError` when its parts do not fit together.
  public convenience init(_ checkpoint: Checkpoint, engine: Engine) throws {
    guard let kind = NeuralKind(rawValue: checkpoint.model) else {
      throw CheckpointError("holds a model of kind '\(checkpoint.model)', not a neural one")
    }
    let configuration = try NeuralConfiguration(kind: kind, json: checkpoint.configuration)
    // The sizes are believed only if the tensors have them, before memory is taken for the network.
    let stored = checkpoint.tensors.reduce(0) {
      $0 + ($1.name.hasPrefix(TrainingState.prefix) ? 0 : $1.elements.count)
    }
    guard configuration.parameterCount(vocabularySize: checkpoint.vocabulary.count) == stored else {
      throw CheckpointError("damaged: its tensors do not fit its configuration and vocabulary")
    }
    // Values and gradients.
    try MemoryBudget.require(
      8 * stored, for: "the network", "raise the limit, free some, or load a smaller model")
    let network = configuration.makeNetwork(vocabularySize: checkpoint.vocabulary.count, engine: engine)
    try network.load(checkpoint)
    self.init(network, vocabulary: checkpoint.vocabulary, configuration: configuration)
  }
}

extension NeuralNetwork {
  /// Takes the parameters from `checkpoint`.
  ///
  /// - Throws: `CheckpointError` when one is missing or has another shape.
  func load(_ checkpoint: Checkpoint) throws {
    for parameter in arena.parameters {
      let values = try checkpoint.floats(parameter.name, shape: parameter.shape)
      parameter.value.pointer.update(from: values, count: parameter.count)
    }
    arena.valuesChanged()
  }
}
