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
  /// Whether a text may have several labels.
  public var isMultiple = false
  /// With no layers, the longest n-grams of words that have vectors, too.
  public var wordOrder = 1
  /// How many vectors they share, by their hashes.
  public var buckets = 0

  /// A classifier with an encoder of this shape.
  public init(encoder: NeuralConfiguration) { self.encoder = encoder }

  /// The kind of model in checkpoints.
  public static let kind = "classifier"
  /// The name of an encoder without layers.
  public static let bag = "bag"

  /// As a checkpoint stores it.
  public var json: JSONValue {
    .object(
      [
        .init("encoder", .string(isBag ? Self.bag : encoder.kind.rawValue)),
        .init("pool", .string(pooling.rawValue)), .init("multiple_labels", .bool(isMultiple)),
      ]
        + (isBag
          ? [
            .init("embedding_size", .integer(encoder.embeddingSize)),
            .init("word_ngrams", .integer(wordOrder)), .init("buckets", .integer(buckets)),
          ] : [.init("bidirectional", .bool(isBidirectional))] + (encoder.json.members ?? [])))
  }

  /// The configuration in a checkpoint.
  ///
  /// - Throws: `CheckpointError` when it is not one.
  public init(json: JSONValue) throws {
    let damaged = CheckpointError("damaged: 'configuration' is not that of a classifier")
    guard let name = json["encoder"]?.stringValue,
      let pooling = json["pool"]?.stringValue.flatMap(PoolingKind.init),
      let isMultiple = json["multiple_labels"]?.boolValue
    else { throw damaged }
    if name == Self.bag {
      self.init(encoder: NeuralConfiguration(kind: .lstm))
      guard let size = json["embedding_size"]?.integerValue, (1..<1 << 40).contains(size),
        let order = json["word_ngrams"]?.integerValue, (1...100).contains(order),
        let buckets = json["buckets"]?.integerValue, (0..<1 << 40).contains(buckets)
      else { throw damaged }
      isBag = true
      (encoder.embeddingSize, wordOrder, self.buckets) = (size, order, buckets)
    } else {
      guard let kind = NeuralKind(rawValue: name), kind.isRecurrent,
        let isBidirectional = json["bidirectional"]?.boolValue
      else { throw damaged }
      self.init(encoder: try NeuralConfiguration(kind: kind, json: json))
      self.isBidirectional = isBidirectional
    }
    (self.pooling, self.isMultiple) = (pooling, isMultiple)
  }
}
