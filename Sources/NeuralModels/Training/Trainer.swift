import Glibc
import Kernels
import LanguageModels
import Tensors

/// Trains a network by truncated back-propagation through time.
public final class Trainer {
  /// What happened, for progress and logs.
  public enum Event: Sendable {
    /// A step was taken.
    case step(Step)
    /// An epoch ended; `heldOutLoss` is in nats per token.
    case epoch(Int, loss: Double, heldOutLoss: Double?, isBest: Bool)
  }

  /// One training step.
  public struct Step: Sendable {
    /// From 1.
    public let number: Int
    /// Steps in all.
    public let total: Int
    /// From 1.
    public let epoch: Int
    /// Mean −ln p of the step's targets.
    public let loss: Double
    /// The learning rate.
    public let rate: Double
    /// The norm of all gradients, before clipping.
    public let gradientNorm: Double
    /// Targets so far.
    public let tokens: Int
  }

  private let vocabulary: Vocabulary
  private let configuration: NeuralConfiguration
  private let options: TrainingOptions
  private let engine: Engine
  private let network: any NeuralNetwork
  private let optimizer: Optimizer
  private let batches: StreamBatches
  private var newbob: Newbob
  private var best: (loss: Double, values: [Float])?
  private var stepNumber = 0
  private var tokens = 0

  /// A trainer of a new network on `text`, in which every sentence ends with its end.
  public init(
    text: [TokenID], vocabulary: Vocabulary, configuration: NeuralConfiguration, options: TrainingOptions,
    engine: Engine
  ) {
    self.vocabulary = vocabulary
    self.configuration = configuration
    self.options = options
    self.engine = engine
    network = configuration.makeNetwork(vocabularySize: vocabulary.count, engine: engine)
    optimizer = Optimizer(options.optimizer, arena: network.arena, engine: engine)
    batches = StreamBatches(
      tokens: text, rows: options.rows, steps: options.steps, window: network.window,
      context: configuration.context)
    newbob = Newbob(ratio: options.newbobRatio, patience: options.newbobPatience)
    var generator = SeededGenerator(seed: options.seed)
    network.initialize(using: &generator)
  }

  /// The number of parameters.
  public var parameterCount: Int { network.arena.parameterCount }
  /// Steps of an epoch.
  public var stepsPerEpoch: Int { batches.count }

  /// Trains, and keeps the epoch that predicts `heldOut` best, or the last if there is none.
  ///
  /// `event` hears of every step and epoch.
  ///
  /// - Throws: `DivergenceError` when the loss or a gradient is not finite; the network is then back at its best epoch, if any ended.
  public func train(heldOut: [TokenID]?, event: (Event) throws -> Void) throws {
    var batch = Batch()
    for epoch in 1...options.epochs {
      network.resetState(rows: options.rows)
      var (epochLoss, epochTokens) = (0.0, 0)
      for chunk in 0..<batches.count {
        batches.fill(&batch, chunk: chunk)
        forgetSomeStates(in: &batch)
        let loss = try step(batch, epoch: epoch, event)
        epochLoss += loss
        epochTokens += batch.targetCount
      }
      let heldOutLoss = heldOut.map(loss(on:))
      let isBest = heldOutLoss.map { $0 < best?.loss ?? .infinity } ?? true
      if let heldOutLoss, isBest { best = (heldOutLoss, values) }
      try event(
        .epoch(epoch, loss: epochLoss / Double(epochTokens), heldOutLoss: heldOutLoss, isBest: isBest))
      if options.schedule == .newbob, let heldOutLoss, !newbob.goesOn(after: heldOutLoss) { break }
    }
    restoreBest()
  }

  /// One step: gradients, clipping, update.
  private func step(_ batch: Batch, epoch: Int, _ event: (Event) throws -> Void) throws -> Double {
    stepNumber += 1
    let total = options.epochs * batches.count
    let rate =
      options.rate * newbob.factor
      * options.schedule.factor(step: stepNumber - 1, total: total, warmUp: options.warmUpSteps)
    network.arena.clearGradients()
    let loss = network.lossAndGradients(batch, dropoutKey: dropoutKey)
    if options.clipValue > 0 { engine.clipGradients(network.arena, to: Float(options.clipValue)) }
    let norm = engine.gradientNorm(network.arena)
    try check(loss: loss, norm: norm, rate: rate)
    let scale = options.clipNorm > 0 && norm > options.clipNorm ? options.clipNorm / norm : 1
    optimizer.update(rate: rate, gradientScale: Float(scale))
    tokens += batch.targetCount
    try event(
      .step(
        Step(
          number: stepNumber, total: total, epoch: epoch, loss: loss / Double(max(1, batch.targetCount)),
          rate: rate,
          gradientNorm: norm, tokens: tokens)))
    return loss
  }

  /// Lets a few rows begin the chunk with a state of zeros, as Melis et al. (2018) do: a network that carries its state through
  /// whole epochs would otherwise meet the beginning of a text only a few times, and go astray there.
  private func forgetSomeStates(in batch: inout Batch) {
    guard network.stateSize > 0 else { return }
    var generator = SeededGenerator(seed: options.seed &+ UInt64(stepNumber) &* 0x9E37_79B9_7F4A_7C15)
    for row in 0..<batch.rows where generator.uniform() < Self.forgettingRate {
      if batch.restarts.isEmpty { batch.restarts = [Bool](repeating: false, count: batch.steps * batch.rows) }
      batch.restarts[row] = true
    }
  }

  private static let forgettingRate = 0.05

  /// Differs for every seed and step.
  private var dropoutKey: UInt64 {
    var generator = SeededGenerator(seed: options.seed ^ UInt64(stepNumber) &* 0xD6E8_FEB8_6659_FD93)
    return generator.next()
  }

  private func check(loss: Double, norm: Double, rate: Double) throws {
    guard !loss.isFinite || !norm.isFinite else { return }
    let guilty = network.arena.parameters.first { parameter in
      !engine.kernels.sumOfSquares(parameter.count, parameter.gradient.pointer).isFinite
    }
    restoreBest()
    let what =
      loss.isFinite
      ? "the gradient of tensor '\(guilty?.name ?? "unknown")' is not finite"
      : "the loss is not a finite number"
        + (guilty.map { ", nor is the gradient of tensor '\($0.name)'" } ?? "")
    throw DivergenceError(
      description:
        "training diverged at step \(stepNumber): \(what); try a lower --lr (it was \(shortest(rate))) "
        + "or a lower --clip")
  }

  private func shortest(_ rate: Double) -> String { "\(Float(rate))" }

  // MARK: The best epoch

  private var values: [Float] {
    Array(UnsafeBufferPointer(start: network.arena.values, count: network.arena.count))
  }

  private func restoreBest() {
    guard let best else { return }
    network.arena.values.update(from: best.values, count: best.values.count)
    network.arena.valuesChanged()
  }

  /// Mean −ln p of a text, as `eval` would measure it.
  private func loss(on text: [TokenID]) -> Double {
    let carried = (0..<options.rows).map { network.state(row: $0) }
    defer {
      network.resetState(rows: options.rows)
      for (row, state) in carried.enumerated() { network.setState(state, row: row) }
    }
    let model = NeuralModel(network, vocabulary: vocabulary, configuration: configuration)
    var state = model.initialState
    var scores: [Float] = []
    model.score(text[...], context: configuration.context, after: &state, into: &scores)
    return -scores.reduce(0) { $0 + Double($1) } / Double(scores.count)
  }

  /// The tensors as they are now.
  public var tensors: [Tensor] { NeuralModel.tensors(of: network) }

  /// The trained model; the trainer must not be used afterwards.
  public func finish() -> NeuralModel {
    NeuralModel(network, vocabulary: vocabulary, configuration: configuration)
  }
}
