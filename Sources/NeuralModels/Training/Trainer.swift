import Glibc
import Kernels
import LanguageModels
import Tensors
import Threads

/// Trains a network by truncated back-propagation through time.
///
/// Between two steps, `state` is everything that the rest of the training depends on; a trainer that resumes from it comes to the
/// same weights, bit for bit. To stop, throw from the event handler.
public final class Trainer {
  let vocabulary: Vocabulary
  let configuration: NeuralConfiguration
  let options: TrainingOptions
  let engine: Engine
  let network: any NeuralNetwork
  let optimizer: Optimizer
  let batches: StreamBatches
  var progress: TrainingProgress
  /// The parameters of the epoch that predicted the held-out text best.
  let best: ParameterCopy
  /// The mean of the parameters over many steps, if that is asked for.
  let average: WeightAverage?
  /// Where the chunks of an epoch begin, if their lengths are random.
  var boundaries: (epoch: Int, places: [Int]) = (-1, [])
  /// The parameters that training goes back to when it diverges.
  let lastGood: ParameterCopy
  /// Seconds of training before this trainer began, and when it did.
  var secondsBefore = 0.0
  private let started: Stopwatch
  /// How long the held-out evaluation takes.
  public private(set) var evaluationSeconds = 0.0
  /// What the best epoch's evaluation came to, if this trainer made it.
  public private(set) var bestEvaluation: Evaluation?

  /// A trainer of a new network on `text`, in which every sentence ends with its end. Time limits count from `started`.
  public init(
    text: [TokenID], vocabulary: Vocabulary, configuration: NeuralConfiguration, options: TrainingOptions,
    engine: Engine, started: Stopwatch = Stopwatch()
  ) {
    self.vocabulary = vocabulary
    self.configuration = configuration
    self.options = options
    self.engine = engine
    self.started = started
    network = configuration.makeNetwork(vocabularySize: vocabulary.count, engine: engine)
    optimizer = Optimizer(
      options.optimizer, weightDecay: options.weightDecay, arena: network.arena, engine: engine)
    batches = StreamBatches(
      tokens: text, rows: options.rows, steps: options.steps, window: network.window,
      context: configuration.context)
    progress = TrainingProgress(
      newbob: Newbob(ratio: options.newbobRatio, patience: options.newbobPatience))
    best = ParameterCopy(of: network.arena, engine: engine)
    lastGood = ParameterCopy(of: network.arena, engine: engine)
    let arena = network.arena
    average = options.averageInterval.map { WeightAverage(interval: $0, arena: arena, engine: engine) }
    var generator = SeededGenerator(seed: options.seed)
    network.initialize(using: &generator)
    network.resetState(rows: options.rows)
  }

  /// Epochs since then.
  public var epochsSinceBest: Int { progress.epochsSinceBest }

  /// The epoch whose weights the model has, if a held-out text chose one.
  public var bestEpoch: Int? { progress.bestLoss.isFinite ? progress.epoch - progress.epochsSinceBest : nil }

  /// The number of parameters.
  public var parameterCount: Int { network.arena.parameterCount }
  /// Steps of an epoch.
  public var stepsPerEpoch: Int { (batches.count + options.accumulation - 1) / options.accumulation }
  /// Steps in all; `nil` if time alone decides.
  public var totalSteps: Int? {
    guard options.epochs < .max else { return options.maximumSteps }
    return min(options.epochs * stepsPerEpoch, options.maximumSteps ?? .max)
  }
  /// Where training stands: the epoch, from 1, the steps taken, the targets predicted, and the best held-out loss, which is
  /// infinite if there is none.
  public var position: (epoch: Int, step: Int, tokens: Int, bestLoss: Double) {
    let isBetween = progress.offset == 0 && progress.epoch > 0
    return (progress.epoch + (isBetween ? 0 : 1), progress.step, progress.tokens, progress.bestLoss)
  }
  /// Seconds of training so far, those before a resumption among them.
  public var elapsed: Double { secondsBefore + started.seconds }

  /// Trains until the epochs or a limit are used up, and returns why it ended.
  ///
  /// `heldOut` is measured after every epoch and at the end. `event` hears of every step and epoch; when it throws, training stops
  /// there, and may resume from `state`.
  ///
  /// - Throws: `DivergenceError` when training diverged too often, or guessing is better than what it came to; the network is then
  ///   back at its last good state.
  public func train(heldOut: [TokenID]?, event: (Event) throws -> Void) throws -> TrainingEnd {
    var batch = Batch()
    if !lastGood.isTaken { lastGood.take() }
    if let heldOut, options.timeLimit != nil { evaluationSeconds = secondsToEvaluate(heldOut) }
    while true {
      if progress.step > progress.evaluatedStep, isEpochOver || budgetEnd != nil {
        try endEpoch(heldOut, event)
      } else if let end {
        if let failure = failureAtEnd() { throw giveUp(failure) }
        progress.isFinished = true
        return end
      } else {
        try step(&batch, event)
      }
    }
  }

  // MARK: A step

  /// Gradients, clipping, update.
  private func step(_ batch: inout Batch, _ event: (Event) throws -> Void) throws {
    let text = nextText()
    let rate = rate * text.rateFactor
    network.arena.clearGradients()
    var loss = 0.0
    for (chunk, end) in text.ends.enumerated() {
      batches.fill(&batch, from: progress.offset, steps: end - progress.offset)
      batch.weight = Double(batch.targetCount) / Double(max(1, text.targets))
      forgetSomeStates(in: &batch, chunk: chunk)
      loss += network.lossAndGradients(batch, dropoutKey: dropoutKey(chunk: chunk))
      progress.offset = end
    }
    progress.step += 1
    if options.clipValue > 0 { engine.clipGradients(network.arena, to: Float(options.clipValue)) }
    let norm = engine.gradientNorm(network.arena)
    guard loss.isFinite, norm.isFinite else {
      return try goBack(because: symptom(loss: loss), rate: rate, event)
    }
    let scale = options.clipNorm > 0 && norm > options.clipNorm ? options.clipNorm / norm : 1
    optimizer.update(rate: rate, gradientScale: Float(scale))
    average?.takeStep()
    count(text.targets, loss: loss, norm: norm)
    if let symptom = symptomAfterStep() { return try goBack(because: symptom, rate: rate, event) }
    try event(
      .step(
        Step(
          number: progress.step, total: totalSteps, epoch: progress.epoch + 1,
          loss: loss / Double(max(1, text.targets)), rate: rate, gradientNorm: norm,
          tokens: progress.tokens, targets: text.targets)))
  }

  private func count(_ targets: Int, loss: Double, norm: Double) {
    progress.tokens += targets
    progress.epochLoss += loss
    progress.epochTokens += targets
    progress.epochNorm += norm
    progress.epochSteps += 1
    progress.intervalLoss += loss
    progress.intervalTokens += targets
  }

  /// The learning rate of the next step.
  private var rate: Double { rate(step: progress.step) }

  /// The learning rate of the step after so many.
  private func rate(step: Int) -> Double {
    let factor = options.schedule.factor(
      step: step - progress.cycleStart, total: totalSteps.map { $0 - progress.cycleStart },
      warmUp: options.warmUpSteps, timeUsed: timeForSteps.map { elapsed / $0 } ?? 0)
    return options.rate * progress.newbob.factor * progress.rateFactor * factor
  }

  /// Lets a few rows begin the chunk with a state of zeros, as Melis et al. (2018) do: a network that carries its state through
  /// whole epochs would otherwise meet the beginning of a text only a few times, and go astray there.
  private func forgetSomeStates(in batch: inout Batch, chunk: Int) {
    guard network.stateSize > 0 else { return }
    var generator = SeededGenerator(
      seed: options.seed &+ UInt64(progress.step) &* 0x9E37_79B9_7F4A_7C15
        &+ UInt64(chunk) &* 0xC2B2_AE3D_27D4_EB4F)
    for row in 0..<batch.rows where generator.uniform() < Self.forgettingRate {
      if batch.restarts.isEmpty { batch.restarts = [Bool](repeating: false, count: batch.steps * batch.rows) }
      batch.restarts[row] = true
    }
  }

  private static let forgettingRate = 0.01

  /// Differs for every seed, step and chunk of a step.
  private func dropoutKey(chunk: Int) -> UInt64 {
    var generator = SeededGenerator(
      seed: options.seed ^ UInt64(progress.step + 1) &* 0xD6E8_FEB8_6659_FD93
        ^ UInt64(chunk) &* 0xC2B2_AE3D_27D4_EB4F)
    return generator.next()
  }

  // MARK: The end of an epoch, and of training

  private var isEpochOver: Bool { progress.offset >= batches.streamLength }

  /// Measures the held-out text, keeps the weights if they are the best, and goes on to the next epoch if this one is over.
  ///
  /// When `event` throws during the measurement, nothing has changed.
  private func endEpoch(_ heldOut: [TokenID]?, _ event: (Event) throws -> Void) throws {
    if let symptom = symptomAfterEpoch() {
      return try goBack(because: symptom, rate: rate(step: progress.step - 1), event)
    }
    let evaluation = try heldOut.map { try measure($0, event) }
    let isBest = evaluation.map(isBetter) ?? true
    if let evaluation {
      if isBest { (progress.bestLoss, bestEvaluation) = (evaluation.crossEntropy, evaluation) }
      average?.take(heldOutLoss: evaluation.crossEntropy)
      progress.epochsSinceBest = isBest ? 0 : progress.epochsSinceBest + 1
      if options.schedule == .newbob { progress.newbob.take(evaluation.crossEntropy) }
    }
    progress.evaluatedStep = progress.step
    let epoch = Epoch(
      number: progress.epoch + 1, step: progress.step, tokens: progress.tokens,
      loss: progress.epochTokens > 0 ? progress.epochLoss / Double(progress.epochTokens) : .nan,
      heldOutLoss: evaluation?.crossEntropy, isBest: isBest, rate: rate(step: progress.step - 1),
      gradientNorm: progress.epochNorm / Double(max(1, progress.epochSteps)))
    progress.lastEpochLoss = epoch.loss.isNaN ? 0 : epoch.loss
    if isEpochOver {
      progress.endEpoch()
      network.resetState(rows: options.rows)
    }
    try event(.epoch(epoch))
  }

  /// Measures the held-out text with the average of the weights, if there is one, and keeps what it measured if it is the best.
  private func measure(_ heldOut: [TokenID], _ event: (Event) throws -> Void) throws -> Evaluation {
    average?.exchange()
    defer { average?.exchange() }
    let evaluation = try evaluate(heldOut, event)
    if isBetter(evaluation) { best.take() }
    return evaluation
  }

  /// Whether it is the best so far, and one of weights that were trained.
  private func isBetter(_ evaluation: Evaluation) -> Bool {
    !isBackAtStart && evaluation.crossEntropy < progress.bestLoss
  }

  /// Why training ends here, if it does.
  private var end: TrainingEnd? {
    if let budgetEnd { return budgetEnd }
    guard progress.step == progress.evaluatedStep, progress.step > 0 else { return nil }
    if let target = options.targetPerplexity, exp(progress.bestLoss) <= target { return .targetPerplexity }
    if let patience = options.patience, progress.epochsSinceBest >= patience { return .patience }
    if options.schedule == .newbob, progress.newbob.isOver { return .newbob }
    return nil
  }

  private var budgetEnd: TrainingEnd? {
    if progress.epoch >= options.epochs { return .epochs }
    if let steps = options.maximumSteps, progress.step >= steps { return .maximumSteps }
    if let timeForSteps, elapsed >= timeForSteps { return .timeLimit }
    return nil
  }

  /// Seconds until the last step must be taken, so that evaluation and writing end in time.
  private var timeForSteps: Double? {
    options.timeLimit.map { max(0, $0 - 1.05 * evaluationSeconds - options.secondsToWrite) }
  }

  // MARK: Held-out text

  /// The measure of a text, as `eval` would make it.
  private func evaluate(_ text: [TokenID], _ event: (Event) throws -> Void) throws -> Evaluation {
    let watch = Stopwatch()
    return try keepingStates {
      let model = NeuralModel(network, vocabulary: vocabulary, configuration: configuration)
      var scored = 0
      let evaluation = try model.evaluate(text, context: configuration.context) { count in
        scored += count
        try event(.evaluating(scored, of: text.count))
      }
      evaluationSeconds = watch.seconds
      return evaluation
    }
  }

  /// An estimate of how long `evaluate` takes, from two batches of its shape.
  private func secondsToEvaluate(_ text: [TokenID]) -> Double {
    let (rows, steps) = NeuralModel.scoringShape(tokens: text.count, context: configuration.context)
    let size = rows * steps
    let targets = (0..<size).map { text[$0 % text.count] }
    let inputs = (0..<size * network.window).map { text[$0 % text.count] }
    let batch = Batch(steps: steps, rows: rows, inputs: inputs, targets: targets, targetCount: size)
    return keepingStates {
      network.resetState(rows: rows)
      _ = network.logProbabilities(batch)
      let watch = Stopwatch()
      _ = network.logProbabilities(batch)
      let seconds = watch.seconds
      return seconds / Double(size) * NeuralModel.scoringWork(tokens: text.count, configuration.context)
    }
  }

  /// Runs `body`, which may overwrite what the network remembers, and puts that back.
  func keepingStates<Result>(_ body: () throws -> Result) rethrows -> Result {
    let carried = (0..<options.rows).map { network.state(row: $0) }
    defer {
      network.resetState(rows: options.rows)
      for (row, state) in carried.enumerated() { network.setState(state, row: row) }
    }
    return try body()
  }
}
