import LanguageModels
import Tensors

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
    try configuration.checkSoftmax(checkpoint)
    let network = NextTokenNetwork(
      configuration, vocabularySize: checkpoint.vocabulary.count, engine: engine)
    try network.load(checkpoint)
    self.init(
      network, vocabulary: checkpoint.vocabulary, configuration: configuration,
      statistics: try GradientStatistics(checkpoint))
  }
}

extension NeuralConfiguration {
  /// Makes sure that the tensors of `checkpoint` are as many numbers as the sizes ask for, before memory is taken for a network.
  ///
  /// - Throws: `CheckpointError` when they are not.
  public func check(_ checkpoint: Checkpoint, engine: Engine) throws {
    try checkSoftmax(checkpoint)
    try NextTokenNetwork(self, vocabularySize: checkpoint.vocabulary.count, engine: engine).arena
      .check(checkpoint)
  }

  /// Makes sure that the groups of a softmax are of the tokens that there are.
  func checkSoftmax(_ checkpoint: Checkpoint) throws {
    if let conflict = softmax.conflict(vocabularySize: checkpoint.vocabulary.count) {
      throw CheckpointError("damaged: 'configuration' has \(conflict)")
    }
  }
}

extension Checkpoint {
  /// The tensor called `name`, which must have this shape and hold finite numbers only.
  func finiteFloats(_ name: String, shape: [Int]) throws -> [Float] {
    let values = try floats(name, shape: shape)
    guard values.allSatisfy(\.isFinite) else {
      throw CheckpointError("damaged: tensor '\(name)' holds a number that is not finite")
    }
    return values
  }
}

extension ParameterArena {
  /// Makes sure that the tensors of `checkpoint` are as many numbers as the parameters, which need no memory for that.
  ///
  /// - Throws: `CheckpointError` when they are not.
  func check(_ checkpoint: Checkpoint) throws {
    let stored = checkpoint.tensors.reduce(0) {
      let isOther = [TrainingState.prefix, GradientStatistics.prefix].contains(where: $1.name.hasPrefix)
      return $0 + (isOther ? 0 : $1.elements.count)
    }
    guard parameterCount == stored else {
      throw CheckpointError("damaged: its tensors do not fit its configuration and vocabulary")
    }
  }

  /// Takes the parameters from `checkpoint`.
  ///
  /// - Throws: `CheckpointError` when one is missing, has another shape, or a number that is not finite.
  func load(_ checkpoint: Checkpoint) throws {
    for parameter in parameters {
      let values = try checkpoint.finiteFloats(parameter.name, shape: parameter.shape)
      parameter.value.pointer.update(from: values, count: parameter.count)
    }
    valuesChanged()
  }
}
