import LanguageModels
import NeuralModels

/// What the options say about a training's run rather than its mathematics: where it begins, when it ends, what is kept on the way.
struct RunOptions {
  static let group: (heading: String, options: [Option]) = (
    "runs of networks",
    [
      Option(
        "resume", "FILE",
        "go on with an interrupted run (FILE, or FILE.partial beside it), or with\na finished one of --keep-optimizer; its options and texts are recorded"
      ),
      Option(
        flag: "new-data", "with --resume: train on with another text, on the old vocabulary (fine-tuning)"),
      Option("init-from", "FILE", "begin with the weights, the vocabulary and the text rules of a model"),
      Option("time-limit", "TIME", "train for so long (90s, 10m, 1h30m), the rate falling to the end of it"),
      Option("max-steps", "N", "end after N steps"),
      Option("patience", "N", "end after N epochs in a row without a better held-out loss"),
      Option("target-perplexity", "X", "end at the epoch whose held-out perplexity is at most X"),
      Option(
        "checkpoint-every", "WHEN",
        "when to write FILE.partial, from which --resume goes on: 500steps, 10m,\n2epochs, never, or auto (default: every minute, for at most 1 % of the time)"
      ),
      Option(flag: "keep-optimizer", "keep in the model what --resume needs to train it on; thrice as large"),
      Option("log", "FILE", "write a record of each interval and epoch, as JSON Lines (see 'lmctl plot')"),
    ]
  )

  /// Seconds; the text is kept for the record.
  let timeLimit: (text: String, seconds: Double)?
  let maximumSteps: Int?
  let patience: Int?
  let targetPerplexity: Double?
  let checkpointInterval: CheckpointInterval
  let keepsOptimizer: Bool
  let log: String?
  private let initialModel: String?

  /// Takes the options from the command line.
  init(_ arguments: Arguments) throws {
    timeLimit = try arguments.string("time-limit").map { text in
      guard let seconds = Self.seconds(text) else {
        throw UsageError("--time-limit takes a time, such as 90s, 10m or 1h30m, not '\(text)'")
      }
      return (text, seconds)
    }
    maximumSteps = try arguments.integer("max-steps", in: 1...1_000_000_000_000)
    patience = try arguments.integer("patience", in: 1...1_000_000)
    targetPerplexity = try arguments.number("target-perplexity", "above 1", { $0 > 1 })
    let interval = arguments.string("checkpoint-every") ?? "auto"
    guard let parsed = CheckpointInterval(interval) else {
      throw UsageError(
        "--checkpoint-every takes steps, a time or epochs, such as 500steps, 10m or 2epochs, or never or auto, not '\(interval)'"
      )
    }
    checkpointInterval = parsed
    keepsOptimizer = arguments.has("keep-optimizer")
    log = arguments.string("log")
    initialModel = arguments.string("init-from")
    for name in ["patience", "target-perplexity"]
    where arguments.has(name) && !arguments.has("valid") && !arguments.has("holdout") {
      throw UsageError("--\(name) needs held-out text: --valid FILE or --holdout 0.05")
    }
  }

  /// Every option with its value in effect.
  var settings: [JSONValue.Member] {
    [
      .setting("init-from", initialModel), .setting("time-limit", timeLimit?.text),
      .setting("max-steps", maximumSteps), .setting("patience", patience),
      .setting("target-perplexity", targetPerplexity),
      .setting("checkpoint-every", checkpointInterval.text), .setting("keep-optimizer", keepsOptimizer),
      .setting("log", log),
    ]
  }

  /// What a checkpoint records of it: what decides the weights.
  var record: [JSONValue.Member] {
    [
      maximumSteps.map { .init("max_steps", .integer($0)) },
      timeLimit.map { .init("time_limit", .string($0.text)) },
      patience.map { .init("patience", .integer($0)) },
      targetPerplexity.map { .init("target_perplexity", .number($0)) },
    ].compactMap { $0 }
  }

  /// Whether something other than epochs ends the run.
  var hasBudget: Bool { timeLimit != nil || maximumSteps != nil }

  /// The seconds that `text` says, such as `90s`, `1.5h` or `1h30m`.
  static func seconds(_ text: String) -> Double? {
    var total = 0.0
    var number = ""
    for character in text {
      if character.isNumber || character == "." {
        number.append(character)
        continue
      }
      let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
      guard let unit = units[character], let value = Double(number) else { return nil }
      total += value * unit
      number = ""
    }
    return number.isEmpty && total > 0 && total.isFinite ? total : nil
  }
}

/// How often the running checkpoint is written.
enum CheckpointInterval: Equatable {
  case automatic
  case never
  case steps(Int)
  case epochs(Int)
  case seconds(Double, text: String)

  /// What `text` says.
  init?(_ text: String) {
    let digits = text.prefix { $0.isNumber }
    switch (text, text.dropFirst(digits.count), Int(digits)) {
    case ("auto", _, _): self = .automatic
    case ("never", _, _): self = .never
    case (_, "step", let count?), (_, "steps", let count?):
      guard count > 0 else { return nil }
      self = .steps(count)
    case (_, "epoch", let count?), (_, "epochs", let count?):
      guard count > 0 else { return nil }
      self = .epochs(count)
    default:
      guard let seconds = RunOptions.seconds(text) else { return nil }
      self = .seconds(seconds, text: text)
    }
  }

  /// The opposite of `init`.
  var text: String {
    switch self {
    case .automatic: "auto"
    case .never: "never"
    case .steps(let count): "\(count)steps"
    case .epochs(let count): "\(count)epochs"
    case .seconds(_, let text): text
    }
  }
}
