import LanguageModels
import Tensors

/// The shape of a network that classifies texts.
public struct ClassifierConfiguration: Sendable, Equatable {
  /// Embeddings and layers. What it says of the output, of tied embeddings and of the context does not matter here.
  public var encoder: NeuralConfiguration
  /// Whether there are no layers: a text is the mean of its embeddings, as in fastText (Joulin et al. 2017).
  public var isBag = false
  /// Whether each layer reads texts in both directions.
  public var isBidirectional = false
  /// How the steps of a text become one vector.
  public var pooling = PoolingKind.last
  /// How labels are written, and whether a text may have several.
  public var rules = LabelRules()
  /// The tokens of a text that it reads.
  public var lengthLimit = ClassifierCheckpoint.usualLengthLimit
  /// The longest n-grams of words that have vectors; with layers, 1 stands for none, and others are read beside them.
  public var wordOrder = 1
  /// How many vectors they share, by their hashes.
  public var buckets = 0

  /// A classifier with an encoder of this shape.
  public init(encoder: NeuralConfiguration) { self.encoder = encoder }

  /// The name of an encoder without layers.
  public static let bag = "bag"

  /// As a checkpoint stores it.
  public var json: JSONValue {
    .object(
      [
        .init("encoder", .string(isBag ? Self.bag : encoder.kind.rawValue)),
        .init("pool", .string(pooling.rawValue)),
      ] + ClassifierCheckpoint.members(rules, lengthLimit: lengthLimit)
        + (isBag ? [.init("embedding_size", .integer(encoder.embeddingSize))] : [])
        + (isBag || wordOrder > 1 ? [.init("word_ngrams", .integer(wordOrder))] : [])
        + (wordOrder > 1 ? [.init("buckets", .integer(buckets))] : [])
        + (isBag
          ? encoder.regularization.json
          : [.init("bidirectional", .bool(isBidirectional))] + (encoder.json.members ?? [])))
  }

  /// The configuration in a checkpoint.
  ///
  /// - Throws: `CheckpointError` when it is not one.
  public init(json: JSONValue) throws {
    let damaged = CheckpointError("damaged: 'configuration' is not that of a classifier")
    guard let name = json["encoder"]?.stringValue,
      let pooling = json["pool"]?.stringValue.flatMap(PoolingKind.init)
    else { throw damaged }
    if name == Self.bag {
      self.init(encoder: NeuralConfiguration(kind: .lstm))
      guard let size = json["embedding_size"]?.integerValue, (1..<1 << 40).contains(size) else {
        throw damaged
      }
      isBag = true
      encoder.embeddingSize = size
      encoder.regularization = try Regularization(json: json)
    } else {
      guard let kind = NeuralKind(rawValue: name), kind.isRecurrent,
        let isBidirectional = json["bidirectional"]?.boolValue
      else { throw damaged }
      self.init(encoder: try NeuralConfiguration(kind: kind, json: json))
      self.isBidirectional = isBidirectional
    }
    // Of layers without n-grams beside them, nothing is said.
    guard let order = json["word_ngrams"].map(\.integerValue) ?? (isBag ? nil : 1), (1...100).contains(order),
      case let buckets = order > 1 ? json["buckets"]?.integerValue ?? 0 : 1, (1..<1 << 40).contains(buckets)
    else { throw damaged }
    (wordOrder, self.buckets) = (order, order > 1 ? buckets : 0)
    self.pooling = pooling
    (rules, lengthLimit) = try ClassifierCheckpoint.rules(json)
  }

  // MARK: What it needs

  /// The parameters, and the bytes of the activations, of training with batches of B texts of T tokens and of labelling others.
  ///
  /// - Returns: `nil` for the parameters if they cannot be counted in a machine word.
  public func needs(
    vocabularySize: Int, labelCount: Int, steps: Int, rows: Int, engine: Engine
  ) -> (parameters: Int?, activationBytes: Double) {
    let network = ClassifierNetwork(
      self, vocabularySize: vocabularySize, labelCount: labelCount, engine: engine)
    // A text has a step more than tokens, and as many for each length of its n-grams.
    return (
      network.arena.parameterCount,
      network.workspace.byteCount(
        steps: steps * wordOrder + 1, rows: max(rows, Classifier.rows))
    )
  }

  /// Makes sure that the tensors of `checkpoint` are as many numbers as the sizes ask for, before memory is taken for a network.
  ///
  /// - Throws: `CheckpointError` when they are not.
  public func check(_ checkpoint: Checkpoint, engine: Engine) throws {
    let labels = try ClassifierCheckpoint.labels(of: checkpoint)
    try ClassifierNetwork(
      self, vocabularySize: checkpoint.vocabulary.count, labelCount: labels.count, engine: engine
    ).arena.check(checkpoint)
  }
}
