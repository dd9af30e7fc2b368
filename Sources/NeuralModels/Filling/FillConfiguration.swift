import LanguageModels

/// The shape of a network that fills gaps.
public struct FillConfiguration: Sendable, Equatable {
  /// Embeddings, the layers of each direction, and the output layer. What it says of the context does not matter here.
  public var encoder: NeuralConfiguration

  /// A filler whose directions have this shape.
  public init(encoder: NeuralConfiguration) { self.encoder = encoder }

  /// The kind of model in checkpoints.
  public static let kind = "filler"

  /// As a checkpoint stores it.
  public var json: JSONValue {
    .object([.init("encoder", .string(encoder.kind.rawValue))] + (encoder.json.members ?? []))
  }

  /// The configuration in a checkpoint.
  ///
  /// - Throws: `CheckpointError` when it is not one.
  public init(json: JSONValue) throws {
    guard let kind = json["encoder"]?.stringValue.flatMap(NeuralKind.init), kind.isRecurrent else {
      throw CheckpointError("damaged: 'configuration' is not that of a filler")
    }
    self.init(encoder: try NeuralConfiguration(kind: kind, json: json))
  }

  /// What training needs: the parameters of the network, and the bytes of its activations in training, or for measuring held-out text if
  /// that is more.
  ///
  /// - Returns: `nil` for the parameters if they cannot be counted in a machine word.
  public func needs(vocabularySize: Int, _ options: TrainingOptions, hasHeldOut: Bool, engine: Engine) -> (
    parameters: Int?, activationBytes: Double
  ) {
    let network = FillNetwork(self, vocabularySize: vocabularySize, engine: engine)
    let training = network.workspace.byteCount(steps: options.sequenceLength, rows: options.batchSize)
    let scoring = network.workspace.byteCount(steps: Filler.positions, rows: 1)
    return (network.arena.parameterCount, hasHeldOut ? max(training, scoring) : training)
  }

  /// Makes sure that the tensors of `checkpoint` are as many numbers as the sizes ask for, before memory is taken for a network.
  ///
  /// - Throws: `CheckpointError` when they are not.
  public func check(_ checkpoint: Checkpoint, engine: Engine) throws {
    try encoder.checkSoftmax(checkpoint)
    try FillNetwork(self, vocabularySize: checkpoint.vocabulary.count, engine: engine).arena
      .check(checkpoint)
  }
}
