import LanguageModels
import NeuralModels

/// What the settings say about a training's run rather than its mathematics: where it begins, when it ends, what is kept on the way.
struct RunSettings: SettingValues {
  /// The checkpoint of a run that goes on.
  var resumed: String?
  var hasNewData = false
  /// Whether the same line starts the run or goes on with it.
  var resumesByItself = false
  /// The model whose weights a run begins with.
  var initialModel: String?
  var timeLimit: TimeSpan?
  var maximumSteps: Int?
  var patience: Int?
  var targetPerplexity: Double?
  var checkpointInterval = CheckpointInterval.automatic
  var keepsOptimizer = false
  var keepsStatistics = false
  var log: String?

  /// Whether something other than epochs ends the run.
  var hasBudget: Bool { timeLimit != nil || maximumSteps != nil }

  @SettingBuilder<Self> static var settings: [Setting<Self>] {
    Setting(
      "resume", \.resumed, .file,
      "go on with an interrupted run (FILE, or FILE.partial beside it), or with a finished one of --keep-optimizer; "
        + "its options and texts are recorded"
    ).changes(.free).unconfigured().typed(
      "continue", "restart", "restore-file", "resume-from-checkpoint", "load")
    Setting(
      flag: "auto-resume", \.resumesByItself,
      "for queues: the same line starts the run, goes on with it if it was interrupted, or says that it is complete, "
        + "exit status 0; what is finished, but of another text or shape than is given, is an error, or trained anew with --force"
    ).models(ModelKind.allCases).changes(.free).unconfigured().typed(
      "requeue", "resume-or-start", "auto", "continue-if-exists")
    Setting(
      flag: "new-data", \.hasNewData,
      "with --resume: train on with another text, on the old vocabulary (fine-tuning)"
    ).changes(.free).unconfigured().typed("finetune", "fine-tune")
    Setting(
      "init-from", \.initialModel, .file,
      "begin with the weights, the vocabulary and the text rules of a model"
    ).typed("init", "pretrained", "warm-start", "from")
    Setting(
      "time-limit", \.timeLimit, TimeSpan.type,
      "train for so long (90s, 10m, 1h30m), the rate falling to the end of it"
    ).changes(.free).recorded("time_limit", .inEffect, rank: 2).typed("max-time", "timeout", "budget")
    Setting("max-steps", \.maximumSteps, .whole(1...1_000_000_000_000), "end after N steps")
      .changes(.length).recorded("max_steps", .inEffect, rank: 1).typed(
        "steps", "max-updates", "max-iters", "iterations")
    Setting(
      "patience", \.patience, .whole(1...1_000_000),
      "end after N epochs in a row without a better held-out loss"
    ).changes(.free).recorded("patience", .inEffect, rank: 2).needsHeldOutText().typed("early-stopping")
    Setting(
      "target-perplexity", \.targetPerplexity, .number("X", "above 1") { $0 > 1 },
      "end at the epoch whose held-out perplexity is at most X"
    ).changes(.free).recorded("target_perplexity", .inEffect, rank: 2).needsHeldOutText().tasks(
      .language, .translate)
    Setting(
      "checkpoint-every", \.checkpointInterval, CheckpointInterval.type,
      "when to write FILE.partial, from which --resume goes on: 500steps, 10m, 2epochs, never, or auto: every minute, "
        + "for at most 1 % of the time"
    ).changes(.free).typed("save-every", "save-interval", "checkpoint-interval")
    Setting(
      flag: "keep-optimizer", \.keepsOptimizer,
      "keep in the model what --resume needs to train it on; thrice as large"
    ).changes(.free).typed("save-optimizer")
    Setting(
      flag: "keep-statistics", \.keepsStatistics,
      "keep in the model how large its gradients are, which eval --dynamic scales its steps by; twice as large"
    ).changes(.free).tasks(.language).models(ModelKind.layered).typed("save-statistics", "gradstat")
    Setting(
      "log", \.log, .file,
      "add a record of each interval and epoch to FILE, as JSON Lines (see 'lmctl plot'); - for standard output"
    ).changes(.free).typed("log-file", "logfile")
  }
}

extension Setting {
  /// It needs text that is held out from training.
  func needsHeldOutText() -> Setting {
    rule { _, given in
      given.has("valid") || given.has("holdout") ? nil : "needs held-out text: --valid FILE or --holdout 0.05"
    }
  }
}

/// A span of time, as it was given.
struct TimeSpan {
  let text: String
  let seconds: Double

  /// The span that `text` says, such as `90s`, `1.5h` or `1h30m`.
  init?(_ text: String) {
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
    guard number.isEmpty, total > 0, total.isFinite else { return nil }
    (self.text, seconds) = (text, total)
  }

  static var type: ValueType<TimeSpan> {
    ValueType(
      placeholder: "TIME", parse: { TimeSpan($0) },
      requirement: { _ in "a time, such as 90s, 10m or 1h30m" }, json: { .string($0.text) },
      examples: ["90s", "1h30m"])
  }
}

/// How often the running checkpoint is written.
enum CheckpointInterval {
  case automatic
  case never
  case steps(Int)
  case epochs(Int)
  case time(TimeSpan)

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
      guard let span = TimeSpan(text) else { return nil }
      self = .time(span)
    }
  }

  /// The opposite of `init`.
  var text: String {
    switch self {
    case .automatic: "auto"
    case .never: "never"
    case .steps(let count): "\(count)steps"
    case .epochs(let count): "\(count)epochs"
    case .time(let span): span.text
    }
  }

  static var type: ValueType<CheckpointInterval> {
    ValueType(
      placeholder: "WHEN", parse: { CheckpointInterval($0) },
      requirement: { _ in "never, auto, or steps, a time or epochs, such as 500steps, 10m or 2epochs" },
      json: { .string($0.text) }, examples: ["1steps", "never", "2epochs", "10m"])
  }
}
