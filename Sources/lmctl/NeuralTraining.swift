import Glibc
import LanguageModels
import NeuralModels

/// How `lmctl train --model nnlm|rnn|gru|lstm` trains.
struct NeuralTraining: ModelTraining {
  static let options: [(heading: String, options: [Option])] = [
    (
      "networks (--model nnlm, rnn, gru, lstm)",
      [
        Option("layers", "N", "rnn, gru, lstm: recurrent layers (default: 1)"),
        Option("hidden", "N", "units of a layer (default: 256; char and byte 512; nnlm 100)"),
        Option("embed", "N", "numbers of an embedding (default: as --hidden; char and\nbyte 64; nnlm 60)"),
        Option(flag: "tie", "the softmax shares the embeddings; needs --embed as --hidden"),
        Option(flag: "direct", "nnlm: connect the embeddings to the softmax directly"),
      ]
    ),
    (RegularizationOptions.heading, RegularizationOptions.options),
    (
      "training of networks",
      [
        Option("epochs", "N", "times through the text (default: 5; more for small texts)"),
        Option("batch", "N", "streams side by side (default: 20; char and byte 64)"),
        Option("bptt", "N", "steps that gradients flow back (default: 35; char and byte 128)"),
        Option("optimizer", OptimizerKind.self, "(default: adam)"),
        Option(
          "lr", "X",
          "highest learning rate (default: adam 0.003, nnlm and rnn 0.001;\nsgd 1, momentum 0.1, adagrad 0.05)"
        ),
        Option(
          "schedule", Schedule.self, "how the rate changes (default: cosine; with\n--time-limit stable-decay)"
        ),
        Option("warm-up", "N", "steps in which the rate rises from 0 (default: 0)"),
        Option(
          "newbob-ratio", "X",
          "newbob: halve the rate unless held-out loss falls by this\nfactor in an epoch (default: 1.003)"),
        Option("newbob-count", "N", "newbob: stop after N such epochs in a row (default: 5)"),
        Option("clip", "X", "scale gradients down to this norm; 0 for never (default: 1)"),
        Option("clip-value", "X", "cut each gradient to this value; 0 for never (default: 0)"),
        Option(
          "weight-decay", "X",
          "shrink weights (default: 0; adamw 0.01); 1e-6 with sgd and\nadam, up to 0.1 with adamw, for long trainings"
        ),
        Option(
          "average", "N",
          "average the weights once held-out loss is worse than N epochs\nbefore (NT-ASGD); 5, with --optimizer sgd --schedule constant"
        ),
        Option(
          "accumulate", "N",
          "chunks of --bptt steps for one update (default: 1); more for a\nlarge batch in little memory"),
        Option(
          flag: "random-bptt", "vary --bptt around its value; for trainings of many epochs"),
        Option("seed", "N", "decides first weights and dropout (default: 1)"),
        TextOptions.threads,
      ]
    ),
    RunOptions.group,
  ]
  static let optionNames = options.flatMap(\.options).map(\.name)

  private var configuration: NeuralConfiguration
  private var options = TrainingOptions()
  private let threads: Int?
  private let hasEpochs: Bool
  private let hasRows: Bool
  private let run: RunOptions

  /// Takes the options from the command line.
  init(_ kind: NeuralKind, _ arguments: Arguments, unit: TextUnit) throws {
    configuration = NeuralConfiguration(kind: kind)
    let isFine = unit != .word
    let sizes = 1...1_000_000_000
    configuration.layers = try arguments.integer("layers", in: 1...100) ?? 1
    configuration.hiddenSize =
      try arguments.integer("hidden", in: sizes) ?? (kind == .nnlm ? 100 : isFine ? 512 : 256)
    configuration.tiesEmbeddings = arguments.has("tie")
    let embedding = kind == .nnlm ? 60 : isFine ? 64 : configuration.hiddenSize
    configuration.embeddingSize =
      try arguments.integer("embed", in: sizes)
      ?? (arguments.has("tie") ? configuration.hiddenSize : embedding)
    configuration.order = try arguments.integer("order", in: 2...100) ?? 5
    configuration.hasDirectConnections = arguments.has("direct")
    configuration.context = try arguments.choice("context") ?? .stream
    configuration.regularization = try RegularizationOptions.regularization(arguments)
    if configuration.tiesEmbeddings {
      if configuration.embeddingSize != configuration.hiddenSize {
        throw UsageError(
          "--tie needs --embed as large as --hidden, not \(configuration.embeddingSize) and \(configuration.hiddenSize)"
        )
      }
      if configuration.hasDirectConnections { throw UsageError("--tie and --direct exclude each other") }
    }

    run = try RunOptions(arguments)
    (options.maximumSteps, options.timeLimit) = (run.maximumSteps, run.timeLimit?.seconds)
    (options.patience, options.targetPerplexity) = (run.patience, run.targetPerplexity)
    hasEpochs = arguments.has("epochs")
    hasRows = arguments.has("batch")
    options.epochs = try arguments.integer("epochs", in: 1...1_000_000) ?? (run.hasBudget ? .max : 5)
    options.rows = try arguments.integer("batch", in: 1...1_000_000) ?? (isFine ? 64 : 20)
    options.steps = try arguments.integer("bptt", in: 1...1_000_000) ?? (isFine ? 128 : 35)
    options.optimizer = try arguments.choice("optimizer") ?? .adam
    options.schedule = try arguments.choice("schedule") ?? (run.timeLimit == nil ? .cosine : .stableDecay)
    options.warmUpSteps = try arguments.integer("warm-up", in: 0...1_000_000_000) ?? 0
    options.newbobRatio = try arguments.number("newbob-ratio", "from 1", { $0 >= 1 }) ?? options.newbobRatio
    options.newbobPatience =
      try arguments.integer("newbob-count", in: 1...1_000_000) ?? options.newbobPatience
    for name in ["newbob-ratio", "newbob-count"] where arguments.has(name) && options.schedule != .newbob {
      throw UsageError("--\(name) goes with --schedule newbob")
    }
    if options.schedule == .newbob, !arguments.has("valid"), !arguments.has("holdout") {
      throw UsageError("--schedule newbob needs held-out text: --valid FILE or --holdout 0.05")
    }
    let isGentle = kind == .nnlm || kind == .rnn
    let rate =
      options.optimizer == .adam || options.optimizer == .adamw
      ? (isGentle ? 0.001 : 0.003) : options.optimizer.defaultRate
    options.rate = try arguments.number("lr", "above 0", { $0 > 0 }) ?? rate
    options.clipNorm = try arguments.number("clip", "from 0", { $0 >= 0 }) ?? options.clipNorm
    options.clipValue = try arguments.number("clip-value", "from 0", { $0 >= 0 }) ?? options.clipValue
    options.weightDecay =
      try arguments.number("weight-decay", "from 0", { $0 >= 0 }) ?? options.optimizer.defaultWeightDecay
    options.averageInterval = try arguments.integer("average", in: 1...1_000_000)
    options.accumulation = try arguments.integer("accumulate", in: 1...1_000_000) ?? 1
    options.hasRandomLengths = arguments.has("random-bptt")
    if options.hasRandomLengths, options.steps < TrainingOptions.fewestRandomSteps {
      throw UsageError("--random-bptt needs --bptt of at least \(TrainingOptions.fewestRandomSteps)")
    }
    if options.averageInterval != nil, !arguments.has("valid"), !arguments.has("holdout") {
      throw UsageError("--average needs held-out text: --valid FILE or --holdout 0.05")
    }
    options.seed = UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1)
    threads = try TextOptions.threads(arguments)
  }

  func settings(for corpus: Corpus) throws -> [JSONValue.Member] {
    let options = try fitted(to: corpus)
    let isNewbob = options.schedule == .newbob
    let ofKind: [JSONValue.Member] =
      configuration.kind == .nnlm
      ? [.setting("order", configuration.order), .setting("direct", configuration.hasDirectConnections)]
      : [.setting("layers", configuration.layers), .setting("random-bptt", options.hasRandomLengths)]
    return ofKind + [
      .setting("hidden", configuration.hiddenSize), .setting("embed", configuration.embeddingSize),
      .setting("tie", configuration.tiesEmbeddings), .setting("context", configuration.context),
      .setting("epochs", options.epochs < .max ? options.epochs : nil),
      .setting("batch", options.rows), .setting("bptt", options.steps),
      .setting("optimizer", options.optimizer), .setting("lr", options.rate),
      .setting("schedule", options.schedule), .setting("warm-up", options.warmUpSteps),
      .setting("newbob-ratio", isNewbob ? options.newbobRatio : nil),
      .setting("newbob-count", isNewbob ? options.newbobPatience : nil),
      .setting("clip", options.clipNorm), .setting("clip-value", options.clipValue),
      .setting("weight-decay", options.weightDecay), .setting("average", options.averageInterval),
      .setting("accumulate", options.accumulation),
      .setting("seed", Int(options.seed)), .setting("threads", threads),
    ] + RegularizationOptions.settings(configuration.regularization, configuration.kind) + run.settings
  }

  func train(_ job: TrainingJob) throws -> TrainedModel {
    let options = try fitted(to: job.corpus)
    let memory = try checkMemory(job.vocabulary, options, hasHeldOut: job.heldOut != nil)
    return try TrainingRun(
      job, configuration: configuration, options: options, run: run, record: record(options),
      engine: Engine(threads: threads), memory: memory
    ).train()
  }

  /// The options with what nobody chose fitted to a small text.
  private func fitted(to corpus: Corpus) throws -> TrainingOptions {
    var options = options
    let count = corpus.tokens.count
    if !hasRows { options.rows = max(1, min(options.rows, count / options.steps)) }
    guard options.rows <= count else {
      throw FileError(
        path: "--batch \(options.rows)", reason: "larger than the text, which has \(count) tokens; lower it")
    }
    if !hasEpochs, !run.hasBudget {
      // Small texts need more epochs to take enough steps.
      let steps = (count + options.rows * options.steps - 1) / (options.rows * options.steps)
      options.epochs = max(options.epochs, min(40, 2000 / steps))
    }
    return options
  }

  /// The bytes that training will need, about.
  ///
  /// - Throws: `FileError` if this machine's memory cannot hold them.
  private func checkMemory(_ vocabulary: Vocabulary, _ options: TrainingOptions, hasHeldOut: Bool) throws
    -> Int
  {
    // Values, gradients, the optimizer's memory, the last good and the best values.
    let copies =
      2 + options.optimizer.momentNames.count + 1 + (hasHeldOut ? 1 : 0)
      + (options.averageInterval == nil ? 0 : 1)
    let width = (configuration.layers + 1) * 12 * (configuration.hiddenSize + configuration.embeddingSize)
    let memory = Machine.memory
    let parameters =
      configuration.parameterCount(vocabularySize: vocabulary.count).map(Double.init) ?? .infinity
    let needed = 4 * (Double(copies) * parameters + Double(width) * Double(options.rows * options.steps))
    guard needed < Double(memory) else {
      let amount = needed.isFinite ? Format.bytes(Int(min(needed, 1e18))) : "more than can be counted"
      throw FileError(
        path: "--hidden \(configuration.hiddenSize)",
        reason:
          "training would need about \(amount) of memory, and this machine has \(Format.bytes(memory)); "
          + "lower --hidden, --embed, --layers, --max-vocab or --batch")
    }
    return Int(needed)
  }

  private func record(_ options: TrainingOptions) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = [
      .init("epochs", options.epochs < .max ? .integer(options.epochs) : .null),
      .init("batch", .integer(options.rows)),
      .init("bptt", .integer(options.steps)),
      .init("optimizer", .string(options.optimizer.rawValue)),
      .init("lr", .number(options.rate)),
      .init("schedule", .string(options.schedule.rawValue)),
      .init("warm_up", .integer(options.warmUpSteps)),
      .init("clip", .number(options.clipNorm)),
      .init("clip_value", .number(options.clipValue)),
      .init("seed", .integer(Int(options.seed))),
    ]
    if let decay = options.weightDecay, decay > 0 { members.append(.init("weight_decay", .number(decay))) }
    if let interval = options.averageInterval { members.append(.init("average", .integer(interval))) }
    if options.accumulation > 1 { members.append(.init("accumulate", .integer(options.accumulation))) }
    if options.hasRandomLengths { members.append(.init("random_bptt", .bool(true))) }
    members += run.record
    if options.schedule == .newbob {
      members.append(.init("newbob_ratio", .number(options.newbobRatio)))
      members.append(.init("newbob_count", .integer(options.newbobPatience)))
    }
    return members
  }
}
