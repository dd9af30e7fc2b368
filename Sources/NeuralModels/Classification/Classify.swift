import Glibc
import LanguageModels
import Tensors
import Threads

/// Labelling texts.
///
/// A place of an epoch is a batch: the texts are shuffled, and those of like length among some hundreds that follow each other make a batch, so
/// that few steps are for nothing.
public final class Classify: Task {
  private let texts: [LabelledText]
  private let vocabulary: Vocabulary
  private let labels: [String]
  private let configuration: ClassifierConfiguration
  private let network: ClassifierNetwork
  private let batches: PooledBatches
  /// The texts of each batch of an epoch.
  private var order: (epoch: Int, texts: [Int]) = (-1, [])
  private let freezing: Freezing

  /// What stays as it is of embeddings and layers.
  public enum Freezing: Sendable, Equatable {
    /// Nothing.
    case never
    /// All of them.
    case always
    /// All of them at first; from the top down, one more learns after each so many epochs, embeddings last (Howard and Ruder 2018).
    case gradual(epochs: Int)
  }

  /// The task of a new network on labelled texts, each of which has a label.
  ///
  /// - Parameter labelWeights: how much each label counts; the same for all, if `nil`.
  public init(
    _ texts: [LabelledText], vocabulary: Vocabulary, labels: [String], configuration: ClassifierConfiguration,
    labelWeights: [Float]? = nil, freezing: Freezing = .never, options: TrainingOptions, engine: Engine
  ) {
    (self.vocabulary, self.labels, self.configuration) = (vocabulary, labels, configuration)
    self.freezing = freezing
    network = ClassifierNetwork(
      configuration, vocabularySize: vocabulary.count, labelCount: labels.count, engine: engine)
    network.arena.allocate()
    if let labelWeights { network.head.labelWeights = labelWeights }
    self.texts = texts
    batches = PooledBatches(
      size: max(1, min(options.batchSize, texts.count)), lengths: texts.map(\.tokens.count),
      seed: options.seed)
  }

  /// Whether a parameter is one of the embeddings and layers, which a language model has too.
  static func isOfEncoder(_ name: String) -> Bool {
    !["labels.", "pool.", "\(ClassifierNetwork.ngrams)."].contains { name.hasPrefix($0) }
  }

  /// How many layers from the top, embeddings being the lowest, learn in an epoch, counted from 0.
  private func learningLayers(_ epoch: Int) -> Int {
    switch freezing {
    case .never: .max
    case .always: 0
    case .gradual(let epochs): epoch / epochs
    }
  }

  /// Which layer from the top, from 1, a parameter of the encoder is of.
  private func depth(_ name: String) -> Int {
    let layers = configuration.isBag ? 0 : configuration.encoder.layers
    let layer = (1...max(1, layers)).first { name.hasPrefix("layer\($0).") }
    return layer.map { layers - $0 + 1 } ?? layers + 1
  }

  public var arena: ParameterArena { network.arena }
  public var engine: Engine { network.engine }
  public func initialize(using generator: inout SeededGenerator) { network.initialize(using: &generator) }

  /// Takes the parameters of a classifier, or what fits of a filler or a language model: embeddings and layers, of which a language model has none that
  /// read backward.
  ///
  /// - Throws: `CheckpointError` when the parameters of a classifier do not fit, or numbers are not finite.
  public func takeParameters(from checkpoint: Checkpoint) throws {
    if checkpoint.model == ClassifierCheckpoint.kind { return try arena.load(checkpoint) }
    let own = arena.parameters.filter { Self.isOfEncoder($0.name) }
    for parameter in own {
      if parameter.name == embeddingName {
        try takeEmbeddings(from: checkpoint, into: parameter)
      } else if let name = Self.name(of: parameter.name, in: checkpoint),
        checkpoint.tensors.contains(where: { $0.name == name && $0.shape == parameter.shape })
      {
        let values = try checkpoint.finiteFloats(name, shape: parameter.shape)
        parameter.value.pointer.update(from: values, count: parameter.count)
      } else {
        notTaken.append(parameter.name)
      }
    }
    arena.valuesChanged()
  }

  /// The parameters of embeddings and layers that the model from which this began did not have.
  public private(set) var notTaken: [String] = []

  private var embeddingName: String { network.readers[0].embedding.weights.name }

  /// What a filler, which has a stack for each direction, or a language model calls a parameter; `nil` if a language model has none.
  private static func name(of name: String, in checkpoint: Checkpoint) -> String? {
    let parts = name.split(separator: ".")
    let isBackward = parts.contains("backward")
    let inStack = parts.filter { $0 != "forward" && $0 != "backward" }.joined(separator: ".")
    if checkpoint.model == FillConfiguration.kind { return (isBackward ? "backward." : "forward.") + inStack }
    return isBackward ? nil : inStack
  }

  /// The rows of the tokens, behind which there may be others here, and before which there may be others there.
  private func takeEmbeddings(from checkpoint: Checkpoint, into parameter: Parameter) throws {
    let (rows, size) = (vocabulary.count, network.readers[0].embedding.size)
    guard let tensor = checkpoint.tensors.first(where: { $0.name == parameter.name }),
      tensor.shape.count == 2, tensor.shape[0] >= rows, tensor.shape[1] == size
    else { return notTaken.append(parameter.name) }
    let values = try checkpoint.finiteFloats(parameter.name, shape: tensor.shape)
    values[((tensor.shape[0] - rows) * size)...].withUnsafeBufferPointer { source in
      if let base = source.baseAddress { parameter.value.pointer.update(from: base, count: rows * size) }
    }
  }

  // MARK: Batches

  /// B.
  private var size: Int { batches.size }
  public var epochLength: Int { (texts.count + size - 1) / size }
  public var batchesPerEpoch: Int { epochLength }
  public var largestBatch: (places: Int, targets: Int) { (1, size) }
  public var hasEqualBatches: Bool { true }
  public func targetCount(_ places: Range<Int>) -> Int {
    min(places.upperBound * size, texts.count) - min(places.lowerBound * size, texts.count)
  }
  public func rateFactor(_ places: Range<Int>, batches: Int) -> Double { 1 }

  public func end(ofBatchAt place: Int, epoch: Int) -> Int {
    if order.epoch != epoch { order = (epoch, batches.order(epoch: epoch)) }
    return place + 1
  }

  public func lossAndGradients(_ training: TrainingBatch) -> Double {
    let first = training.places.lowerBound * size
    let rows = order.texts[first..<min(order.texts.count, first + training.places.count * size)]
    let learning = learningLayers(order.epoch)
    let loss = network.lossAndGradients(
      TextBatch(rows.map { texts[$0] }), scale: 1 / Float(max(1, training.targetsOfUpdate)),
      dropoutKey: training.dropoutKey, encoderLearns: learning > 0)
    if learning < .max {
      for parameter in arena.parameters
      where Self.isOfEncoder(parameter.name) && depth(parameter.name) > learning {
        parameter.clearGradient()
      }
    }
    return loss
  }

  public func forget() {}
  public var carried: Tensor? { nil }
  public func restoreCarried(from checkpoint: Checkpoint) throws {}

  // MARK: Measuring

  public func measure(_ heldOut: [LabelledText], watch: (_ done: Int, _ all: Int) throws -> Void) throws
    -> ClassificationReport
  {
    var done = 0
    let result = try network.evaluate(heldOut) { count in
      done += count
      try watch(done, heldOut.count)
    }
    return ClassificationReport(
      labels: labels, isMultiple: configuration.rules.isMultiple, texts: heldOut,
      probabilities: result.probabilities, losses: result.losses)
  }

  /// The share of texts whose likeliest label is wrong.
  public func loss(of measurement: ClassificationReport) -> Double { 1 - measurement.accuracy }

  public func secondsToMeasure(_ heldOut: [LabelledText]) -> Double {
    let some = Array(heldOut.prefix(Classifier.rows))
    _ = network.evaluate(some) { _ in }
    let watch = Stopwatch()
    _ = network.evaluate(some) { _ in }
    return watch.seconds / Double(max(1, some.count)) * Double(heldOut.count)
  }

  public func sampleLoss(targets: Int) -> (mean: Double, standardError: Double) {
    // From all parts of the text, which may be in the order of its labels.
    let count = min(targets, texts.count)
    let some = (0..<count).map { texts[$0 * texts.count / count] }
    let losses = network.evaluate(some, isWeighted: true) { _ in }.losses
    let mean = losses.reduce(0, +) / Double(max(1, losses.count))
    let variance = losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, losses.count))
    return (mean, (variance / Double(max(1, losses.count))).squareRoot())
  }

  public private(set) lazy var guessing: (loss: Double, name: String) = (
    network.head.lossOfGuessing(texts.lazy.map(\.labels)) / Double(max(1, texts.count)),
    "guessing \(configuration.rules.isMultiple ? "each of" : "among") \(labels.count) labels"
  )
  public var regularization: Regularization { configuration.encoder.regularization }
  public func usualRate(of optimizer: OptimizerKind) -> Double {
    optimizer.usualRate(for: configuration.encoder.kind)
  }

  public func makeModel() -> Classifier {
    Classifier(network, vocabulary: vocabulary, labels: labels, configuration: configuration)
  }
}
