import LanguageModels

/// How a decoder finds what it needs of a source.
public enum AttentionKind: String, CaseIterable, Sendable {
  /// It has what the encoder's last state says, and no more (Sutskever, Vinyals and Le 2014).
  case none
  /// s = h · e (Luong, Pham and Manning 2015, equation 8).
  case dot
  /// s = h · (e W) (there, too).
  case general
  /// s = v · tanh(h W + e U + b) (Bahdanau, Cho and Bengio 2015).
  case additive

  /// In a few words, for help.
  public var summary: String {
    switch self {
    case .none: "no attention: all of the source is in the state that the decoder begins with"
    case .dot: "the product of what decoder and encoder give, which must be of one size"
    case .general: "the same with weights between them"
    case .additive: "a hidden layer of both, and a product"
    }
  }
}

/// The shape of a network that translates.
public struct TranslatorConfiguration: Sendable, Equatable {
  /// Embeddings and layers of the encoder and of the decoder, and the output layer. Tied embeddings are those of the target. What it says of the
  /// context does not matter here.
  public var network: NeuralConfiguration
  /// Whether each layer of the encoder reads in both directions.
  public var isBidirectional = false
  /// How the decoder finds what it needs.
  public var attention = AttentionKind.general
  /// Whether each step of the decoder is given what came of the step before, too (Luong, Pham and Manning 2015, section 3.3). It is then
  /// trained step by step, which takes longer.
  public var feedsInput = false
  /// Whether source and target have one vocabulary, and one embedding.
  public var sharesVocabulary = false

  /// A translator whose encoder and decoder are of this shape.
  public init(network: NeuralConfiguration) { self.network = network }

  /// The kind of model in checkpoints.
  public static let kind = "translator"

  /// What does not go together, with the remedy; `nil` if all does.
  public var conflict: String? {
    if attention == .dot, isBidirectional {
      return
        "dot attention needs an encoder that gives as many numbers as the decoder, which one of two directions does not; "
        + "use general attention"
    }
    return nil
  }

  /// The encoder.
  var encoder: NeuralConfiguration {
    var encoder = network
    (encoder.regularization.activationPenalty, encoder.regularization.temporalPenalty) = (0, 0)
    return encoder
  }

  /// The decoder.
  var decoder: NeuralConfiguration {
    var decoder = encoder
    if feedsInput { decoder.embeddingSize += network.outputSize }
    // What comes of attention is dropped instead.
    if attention != .none { decoder.regularization.outputDropout = 0 }
    return decoder
  }

  // MARK: In a checkpoint

  /// As a checkpoint stores it.
  public var json: JSONValue {
    .object(
      [
        .init("encoder", .string(network.kind.rawValue)), .init("bidirectional", .bool(isBidirectional)),
        .init("attention", .string(attention.rawValue)), .init("input_feeding", .bool(feedsInput)),
        .init("shared_vocabulary", .bool(sharesVocabulary)),
      ] + (network.json.members ?? []))
  }

  /// The configuration in a checkpoint.
  ///
  /// - Throws: `CheckpointError` when it is not one.
  public init(json: JSONValue) throws {
    guard let kind = json["encoder"]?.stringValue.flatMap(NeuralKind.init), kind.isRecurrent,
      let isBidirectional = json["bidirectional"]?.boolValue,
      let attention = json["attention"]?.stringValue.flatMap(AttentionKind.init),
      let feedsInput = json["input_feeding"]?.boolValue,
      let sharesVocabulary = json["shared_vocabulary"]?.boolValue
    else { throw CheckpointError("damaged: 'configuration' is not that of a translator") }
    self.init(network: try NeuralConfiguration(kind: kind, json: json))
    (self.isBidirectional, self.attention) = (isBidirectional, attention)
    (self.feedsInput, self.sharesVocabulary) = (feedsInput, sharesVocabulary)
    if let conflict { throw CheckpointError("damaged: \(conflict)") }
  }

  /// What training a network needs: its parameters, and the bytes of its activations for batches of B pairs whose longer side has T steps.
  ///
  /// - Returns: `nil` for the parameters if they cannot be counted in a machine word.
  public func needs(sourceSize: Int, targetSize: Int, steps: Int, rows: Int, engine: Engine) -> (
    parameters: Int?, activationBytes: Double
  ) {
    let network = TranslationNetwork(self, sourceSize: sourceSize, targetSize: targetSize, engine: engine)
    return (network.arena.parameterCount, network.workspace.byteCount(steps: steps, rows: rows))
  }
}
