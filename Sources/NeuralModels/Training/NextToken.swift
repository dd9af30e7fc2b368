import Glibc
import LanguageModels
import Tensors
import Threads

/// Predicting the next token of a text: the task of language models.
///
/// The text runs through the network as parallel streams (`StreamBatches`), by truncated back-propagation through time. A place of an
/// epoch is a step of all streams.
public final class NextToken: Task {
  let vocabulary: Vocabulary
  let configuration: NeuralConfiguration
  let network: NextTokenNetwork
  let batches: StreamBatches
  private let options: TrainingOptions
  private var batch = Batch()
  /// Where the batches of an epoch begin, if their lengths are random.
  private var boundaries: (epoch: Int, places: [Int]) = (-1, [])

  /// The task of a new network on `text`, in which every sentence ends with its end.
  public init(
    text: [TokenID], vocabulary: Vocabulary, configuration: NeuralConfiguration, options: TrainingOptions,
    engine: Engine
  ) {
    (self.vocabulary, self.configuration, self.options) = (vocabulary, configuration, options)
    network = configuration.makeNetwork(vocabularySize: vocabulary.count, engine: engine)
    batches = StreamBatches(
      tokens: text, batchSize: options.batchSize, sequenceLength: options.sequenceLength,
      window: network.window, context: configuration.context)
    network.output.learn(counts: vocabulary.counts(of: text))
    forget()
  }

  public var arena: ParameterArena { network.arena }
  public var engine: Engine { network.engine }

  public func initialize(using generator: inout SeededGenerator) { network.initialize(using: &generator) }

  // MARK: Batches

  public var epochLength: Int { batches.streamLength }
  public var batchesPerEpoch: Int { batches.count }
  public var largestBatch: (places: Int, targets: Int) {
    (batches.sequenceLength, batches.batchSize * batches.sequenceLength)
  }
  public var hasEqualBatches: Bool { !options.hasRandomLengths }
  public func targetCount(_ places: Range<Int>) -> Int { batches.targetCount(places) }

  public func end(ofBatchAt place: Int, epoch: Int) -> Int {
    let regular = min(batches.streamLength, place + options.sequenceLength)
    guard options.hasRandomLengths else { return regular }
    if boundaries.epoch != epoch {
      let lengths = SequenceLengths(mean: options.sequenceLength, seed: options.seed)
      boundaries = (epoch, lengths.boundaries(epoch: epoch, length: batches.streamLength))
    }
    return boundaries.places.first { $0 > place } ?? regular
  }

  /// For sequences of random length, their mean length over T.
  public func rateFactor(_ places: Range<Int>, batches: Int) -> Double {
    options.hasRandomLengths ? Double(places.count) / Double(batches * options.sequenceLength) : 1
  }

  public func lossAndGradients(_ training: TrainingBatch) -> Double {
    batches.fill(&batch, from: training.places.lowerBound, steps: training.places.count)
    batch.weight = Double(batch.targetCount) / Double(max(1, training.targetsOfUpdate))
    forgetSomeStates(training)
    return network.lossAndGradients(batch, dropoutKey: training.dropoutKey)
  }

  /// Lets a few rows begin the batch with a state of zeros, as Melis et al. (2018) do: a network that carries its state through
  /// whole epochs would otherwise meet the beginning of a text only a few times, and go astray there.
  private func forgetSomeStates(_ training: TrainingBatch) {
    guard network.stateSize > 0, options.stateForgetting > 0 else { return }
    var generator = training.generator
    for row in 0..<batch.rows where generator.uniform() < options.stateForgetting {
      if batch.restarts.isEmpty { batch.restarts = [Bool](repeating: false, count: batch.steps * batch.rows) }
      batch.restarts[row] = true
    }
  }

  public func forget() { network.resetState(rows: options.batchSize) }

  public var carried: Tensor? {
    guard network.stateSize > 0 else { return nil }
    let states = (0..<options.batchSize).flatMap { network.state(row: $0) }
    return Tensor(TrainingState.prefix + "carried", shape: [options.batchSize, network.stateSize], states)
  }

  public func restoreCarried(from checkpoint: Checkpoint) throws {
    let size = network.stateSize
    guard size > 0 else { return }
    let states = try checkpoint.finiteFloats(
      TrainingState.prefix + "carried", shape: [options.batchSize, size])
    for row in 0..<options.batchSize {
      network.setState(Array(states[row * size..<(row + 1) * size]), row: row)
    }
  }

  // MARK: Measuring

  /// The measure of a text, as `eval` would make it.
  public func measure(_ heldOut: [TokenID], watch: (_ done: Int, _ all: Int) throws -> Void) throws
    -> Evaluation
  {
    try keepingStates {
      var scored = 0
      return try makeModel().evaluate(heldOut, context: configuration.context) { count in
        scored += count
        try watch(scored, heldOut.count)
      }
    }
  }

  public func loss(of measurement: Evaluation) -> Double { measurement.crossEntropy }

  /// From two batches of the shape that scoring has.
  public func secondsToMeasure(_ heldOut: [TokenID]) -> Double {
    let (rows, steps) = NeuralModel.scoringShape(tokens: heldOut.count, context: configuration.context)
    let size = rows * steps
    let targets = (0..<size).map { heldOut[$0 % heldOut.count] }
    let inputs = (0..<size * network.window).map { heldOut[$0 % heldOut.count] }
    let batch = Batch(steps: steps, rows: rows, inputs: inputs, targets: targets, targetCount: size)
    return keepingStates {
      network.resetState(rows: rows)
      _ = network.logProbabilities(batch)
      let watch = Stopwatch()
      _ = network.logProbabilities(batch)
      let seconds = watch.seconds
      return seconds / Double(size)
        * NeuralModel.scoringWork(tokens: heldOut.count, configuration.context)
    }
  }

  /// From the beginning of all streams.
  public func sampleLoss(targets: Int) -> (mean: Double, standardError: Double) {
    keepingStates {
      forget()
      var batch = Batch()
      var (offset, count, sum, squares) = (0, 0.0, 0.0, 0.0)
      repeat {
        batches.fill(&batch, from: offset, steps: options.sequenceLength)
        for (loss, target) in zip(network.losses(batch), batch.targets) where target != Batch.ignored {
          count += 1
          sum += loss
          squares += loss * loss
        }
        offset += batch.steps
      } while offset < batches.streamLength && count < Double(targets)
      let mean = sum / count
      let variance = max(0, squares / count - mean * mean)
      return (mean, (variance / max(1, count - 1)).squareRoot())
    }
  }

  /// Runs `body`, which may overwrite what the network remembers, and puts that back.
  private func keepingStates<Result>(_ body: () throws -> Result) rethrows -> Result {
    let carried = (0..<options.batchSize).map { network.state(row: $0) }
    defer {
      forget()
      for (row, state) in carried.enumerated() { network.setState(state, row: row) }
    }
    return try body()
  }

  /// ln V.
  public var guessing: (loss: Double, name: String) {
    (log(Double(vocabulary.count)), "guessing among \(vocabulary.count) tokens")
  }

  public var regularization: Regularization { configuration.regularization }

  public func usualRate(of optimizer: OptimizerKind) -> Double {
    optimizer.usualRate(for: configuration.kind)
  }

  public func makeModel() -> NeuralModel {
    NeuralModel(network, vocabulary: vocabulary, configuration: configuration)
  }
}
