import LanguageModels
import Synchronization
import Tensors

/// A trained network that labels texts.
public final class Classifier: Sendable {
  /// The tokens that it knows.
  public let vocabulary: Vocabulary
  /// The names of its labels.
  public let labels: [String]
  /// The shape of the network.
  public let configuration: ClassifierConfiguration
  private let network: Mutex<Box>

  /// A network goes from thread to thread only behind a lock.
  private struct Box: @unchecked Sendable {
    let network: ClassifierNetwork
  }

  /// Texts that are labelled at once.
  static let rows = 64
  /// The name of the labels among a checkpoint's vocabularies.
  public static let labelVocabulary = "labels"

  init(
    _ network: ClassifierNetwork, vocabulary: Vocabulary, labels: [String],
    configuration: ClassifierConfiguration
  ) {
    (self.vocabulary, self.labels, self.configuration) = (vocabulary, labels, configuration)
    self.network = Mutex(Box(network: network))
  }

  /// p of each label for each text; the loss of each is 0 where it has no label.
  ///
  /// Texts of like length are labelled side by side. `watch` hears how many more are done.
  public func evaluate(_ texts: [LabelledText], watch: (Int) throws -> Void = { _ in }) rethrows -> (
    losses: [Double], probabilities: [[Float]]
  ) {
    try network.withLock { box in
      try box.network.evaluate(texts, watch: watch)
    }
  }

  /// The number of parameters.
  public var parameterCount: Int? { network.withLock { $0.network.arena.parameterCount } }
}

extension ClassifierNetwork {
  /// p of each label for each text, and the loss of each; those of like length side by side.
  func evaluate(_ texts: [LabelledText], watch: (Int) throws -> Void) rethrows -> (
    losses: [Double], probabilities: [[Float]]
  ) {
    var losses = [Double](repeating: 0, count: texts.count)
    var probabilities = [[Float]](repeating: [], count: texts.count)
    let order = texts.indices.sorted { (texts[$0].tokens.count, $0) < (texts[$1].tokens.count, $1) }
    for first in stride(from: 0, to: order.count, by: Classifier.rows) {
      let rows = order[first..<min(first + Classifier.rows, order.count)]
      let batch = TextBatch(
        rows.map { LabelledText(tokens: wordFeatures(texts[$0].tokens), labels: texts[$0].labels) })
      let result = evaluate(batch)
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
    let labels = Array(try checkpoint.vocabulary(Self.labelVocabulary).tokens.dropFirst(2))
    guard labels.count > 1 else { throw CheckpointError("damaged: it has fewer than two labels") }
    let network = ClassifierNetwork(
      configuration, vocabularySize: checkpoint.vocabulary.count, labelCount: labels.count, engine: engine)
    let stored = checkpoint.tensors.reduce(0) {
      $0 + ($1.name.hasPrefix(TrainingState.prefix) ? 0 : $1.elements.count)
    }
    guard network.arena.parameterCount == stored else {
      throw CheckpointError("damaged: its tensors do not fit its configuration and vocabulary")
    }
    try MemoryBudget.require(
      8 * network.arena.count, for: "the network", "raise the limit, free some, or load a smaller model")
    network.arena.allocate()
    try network.arena.load(checkpoint)
    self.init(
      network, vocabulary: checkpoint.vocabulary, labels: labels, configuration: configuration)
  }
}
