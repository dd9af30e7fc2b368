import LanguageModels
import Synchronization
import Tensors

/// A trained network that labels texts.
public final class Classifier: TextClassifier {
  public let vocabulary: Vocabulary
  public let labels: [String]
  /// The shape of the network.
  public let configuration: ClassifierConfiguration
  let network: Mutex<Box>

  /// A network goes from thread to thread only behind a lock.
  struct Box: @unchecked Sendable {
    let network: ClassifierNetwork
  }

  /// Texts that are labelled at once.
  static let rows = 64

  init(
    _ network: ClassifierNetwork, vocabulary: Vocabulary, labels: [String],
    configuration: ClassifierConfiguration
  ) {
    (self.vocabulary, self.labels, self.configuration) = (vocabulary, labels, configuration)
    self.network = Mutex(Box(network: network))
  }

  public func evaluate(_ texts: [LabelledText], watch: (Int) throws -> Void) rethrows -> (
    losses: [Double], probabilities: [[Float]]
  ) {
    try network.withLock { box in
      try box.network.evaluate(texts, watch: watch)
    }
  }

  public var rules: LabelRules { configuration.rules }
  public var lengthLimit: Int { configuration.lengthLimit }
  public var size: JSONValue.Member {
    .init("parameters", .integer(network.withLock { $0.network.arena.parameterCount } ?? 0))
  }
}

extension ClassifierNetwork {
  /// p of each label for each text, and the loss of each, in which labels count as in training if it `isWeighted`; texts of like length
  /// side by side.
  func evaluate(_ texts: [LabelledText], isWeighted: Bool = false, watch: (Int) throws -> Void) rethrows -> (
    losses: [Double], probabilities: [[Float]]
  ) {
    var losses = [Double](repeating: 0, count: texts.count)
    var probabilities = [[Float]](repeating: [], count: texts.count)
    let order = texts.indices.sorted { (texts[$0].tokens.count, $0) < (texts[$1].tokens.count, $1) }
    for first in stride(from: 0, to: order.count, by: Classifier.rows) {
      let rows = order[first..<min(first + Classifier.rows, order.count)]
      let result = evaluate(TextBatch(rows.map { texts[$0] }), isWeighted: isWeighted)
      for (row, index) in rows.enumerated() {
        losses[index] = result.losses[row]
        probabilities[index] = result.probabilities[row]
      }
      try watch(rows.count)
    }
    return (losses, probabilities)
  }
}

extension Classifier {
  /// The classifier in `checkpoint`.
  ///
  /// - Throws: `CheckpointError` when its parts do not fit together.
  public convenience init(_ checkpoint: Checkpoint, engine: Engine) throws {
    let configuration = try ClassifierConfiguration(json: checkpoint.configuration)
    let labels = try ClassifierCheckpoint.labels(of: checkpoint)
    let network = ClassifierNetwork(
      configuration, vocabularySize: checkpoint.vocabulary.count, labelCount: labels.count, engine: engine)
    try network.load(checkpoint)
    self.init(
      network, vocabulary: checkpoint.vocabulary, labels: labels, configuration: configuration)
  }
}
