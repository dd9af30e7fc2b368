import LanguageModels

/// The log of a training run, as `lmctl train --log` writes it: JSON Lines, one record for each interval of steps and for each
/// epoch. Events and members that this program does not know are passed over.
struct TrainingLog {
  /// One record; what the log does not say, or has no finite number for, is NaN.
  struct Record {
    let step: Int
    let epoch: Int
    let tokens: Double
    /// Seconds, over all parts of a run that was resumed.
    var elapsed: Double
    let loss: Double
    let perplexity: Double
    let heldOutLoss: Double
    let heldOutPerplexity: Double
    /// The same of tokens that are predicted from all others.
    let pseudoPerplexity: Double
    let heldOutPseudoPerplexity: Double
    /// The share of held-out texts that were labelled rightly.
    let heldOutAccuracy: Double
    let rate: Double
    let gradientNorm: Double
    let tokensPerSecond: Double
  }

  /// Records of intervals, by rising step.
  private(set) var steps: [Record] = []
  /// Records of epochs, by rising step.
  private(set) var epochs: [Record] = []
  /// The tokens of the training text; NaN if the log does not say.
  private(set) var tokensPerEpoch = Double.nan
  /// The steps of an epoch; 0 if the log does not say.
  private(set) var stepsPerEpoch = 0
  /// Lines that could not be read, with the reason; the first few.
  private(set) var damage: [TextError] = []
  /// Whether it is of a model that labels texts.
  var isOfClassifier: Bool { epochs.contains { $0.heldOutAccuracy.isFinite } }
  /// Whether it is of a model that fills gaps.
  var isOfFiller: Bool { (steps + epochs).contains { $0.pseudoPerplexity.isFinite } }
  /// How many lines could not be read.
  private(set) var damagedLines = 0

  /// Lines after which a file of which none could be read is no log.
  private static let mostDamage = 100

  /// The runs that stand before this one in the same log.
  private var earlier: [TrainingLog] = []
  /// All runs of the log.
  var runs: [TrainingLog] { earlier + [self] }

  private var hasBegun = false
  private var elapsedBefore = 0.0
  private var clockMayRestart = false

  /// A log without records.
  init() {}

  /// Reads a log.
  ///
  /// A line that is damaged, as the last one is when a run was killed, is passed over and counted.
  ///
  /// - Throws: `FileError` if the file cannot be read; `TextError` if not one line of it can be understood.
  init(path: String) throws {
    let reader = LineReader(
      try ByteSource(path: path), refusesZeros: true, maximumLength: LineReader.longestRecord)
    var understood = 0
    while let line = try reader.next() {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      do {
        let value = try JSONValue(
          parsing: line, file: reader.source.name, line: reader.lineNumber, allowsNonFinite: true)
        if let problem = add(value) {
          throw TextError(file: reader.source.name, line: reader.lineNumber, reason: problem)
        }
        understood += 1
      } catch let error as TextError {
        damagedLines += 1
        if damage.count < 3 { damage.append(error) }
        if understood == 0, damagedLines == Self.mostDamage { break }
      }
    }
    if understood == 0, let first = damage.first {
      throw TextError(
        file: first.file, line: first.line, reason: "\(first.reason); is this a log of 'lmctl train --log'?")
    }
  }

  /// Adds one line's value; returns what is wrong with it, if anything.
  mutating func add(_ value: JSONValue) -> String? {
    guard let event = value["event"]?.stringValue else { return "has no member 'event'" }
    switch event {
    case "start":
      if hasBegun || !steps.isEmpty || !epochs.isEmpty { beginRun() }
      hasBegun = true
      tokensPerEpoch = value["tokens"]?.doubleValue ?? tokensPerEpoch
      stepsPerEpoch = value["steps_per_epoch"]?.integerValue ?? 0
      clockMayRestart = true
    case "resume": clockMayRestart = true
    case "step", "epoch":
      guard let step = value["step"]?.integerValue, step >= 0 else { return "has no number 'step'" }
      var record = Record(step: step, value)
      // A run that is resumed takes up at an earlier step, and its new records are those that count.
      while let last = steps.last, event == "step" ? last.step >= step : last.step > step {
        steps.removeLast()
      }
      while let last = epochs.last, event == "epoch" ? last.step >= step : last.step > step {
        epochs.removeLast()
      }
      // Its clock may begin at zero again.
      let kept = max(steps.last?.elapsed ?? 0, epochs.last?.elapsed ?? 0)
      if clockMayRestart { elapsedBefore = record.elapsed < kept ? kept : 0 }
      clockMayRestart = false
      record.elapsed += elapsedBefore
      if event == "step" { steps.append(record) } else { epochs.append(record) }
    default: break
    }
    return nil
  }

  /// What follows is another run.
  private mutating func beginRun() {
    var finished = self
    finished.earlier = []
    earlier.append(finished)
    (steps, epochs, tokensPerEpoch, stepsPerEpoch, elapsedBefore) = ([], [], .nan, 0, 0)
  }

  /// The record's place in the run, in epochs: a whole number where an epoch ends.
  func epochsDone(at record: Record) -> Double {
    guard record.epoch > 0 else { return .nan }
    let previous = epochs.last { $0.epoch < record.epoch }
    let start = Double(previous?.step ?? 0)
    if let end = epochs.last(where: { $0.epoch == record.epoch })?.step, Double(end) > start {
      // A run may have ended within an epoch, and gone on later.
      let length = max(Double(end) - start, record.epoch == epochs.last?.epoch ? Double(stepsPerEpoch) : 0)
      return Double(record.epoch - 1) + min(1, (Double(record.step) - start) / length)
    }
    // The epoch is not over. It will be as long as the one before, or as the text is.
    if let previous, previous.epoch > 0, previous.step > 0 {
      let length = start / Double(previous.epoch)
      return Double(record.epoch - 1) + min(1, (Double(record.step) - start) / length)
    }
    let done = record.tokens / tokensPerEpoch
    return done.isFinite ? min(Double(record.epoch), done) : .nan
  }
}

extension TrainingLog.Record {
  init(step: Int, _ value: JSONValue) {
    func number(_ name: String) -> Double { value[name]?.doubleValue ?? .nan }
    self.init(
      step: step, epoch: value["epoch"]?.integerValue ?? 0,
      tokens: value["tokens"] == nil ? number("texts") : number("tokens"),
      elapsed: number("elapsed"), loss: number("loss"), perplexity: number("perplexity"),
      heldOutLoss: number("held_out_loss"), heldOutPerplexity: number("held_out_perplexity"),
      pseudoPerplexity: number("pseudo_perplexity"),
      heldOutPseudoPerplexity: number("held_out_pseudo_perplexity"),
      heldOutAccuracy: number("held_out_accuracy"),
      rate: number("rate"), gradientNorm: number("gradient_norm"),
      tokensPerSecond: number(value["tokens_per_second"] == nil ? "texts_per_second" : "tokens_per_second"))
  }
}
