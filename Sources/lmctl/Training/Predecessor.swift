import Glibc
import LanguageModels
import NeuralModels

/// The checkpoint that a training begins with, of which it takes the options that the command line does not give.
struct Predecessor {
  /// What is taken from it.
  enum Use {
    /// Everything: the run goes on.
    case resume
    /// The model, the optimizer's memory and the options, for another text.
    case newData
    /// The model.
    case weights
  }

  let use: Use
  /// The file.
  let path: String
  /// How it was named: it, or the model that it will become.
  private let named: String
  let checkpoint: Checkpoint

  /// What it records of the run; `nil` in a model that is finished and lean.
  private var run: JSONValue? { checkpoint.training["resume"] }
  /// The numbers of the run's state.
  var numbers: JSONValue { run?["state"] ?? .null }
  /// The texts that it was trained on, and the held-out text.
  var texts: [JSONValue] { checkpoint.training["texts"]?.elements ?? [] }
  var heldOutText: JSONValue? { run?["held_out"] }
  /// The kernels that it was trained with.
  var kernels: String? { run?["kernels"]?.stringValue }

  /// Reads the checkpoint that `--resume` or `--init-from` names, if one of them is given, and completes the options with its own.
  ///
  /// - Throws: `UsageError` when an option contradicts it.
  init?(_ arguments: inout Arguments) throws {
    // The table says that n-grams take none of these.
    if arguments.string("model") == ModelKind.ngram.rawValue { return nil }
    arguments.addEnvironment(
      TrainCommand.allOptions.filter { ["resume", "init-from", "new-data"].contains($0.name) })
    let given = (arguments.string("resume"), arguments.string("init-from"))
    if arguments.has("new-data"), given.0 == nil { throw UsageError("--new-data goes with --resume") }
    switch given {
    case (nil, nil): return nil
    // What a resumed run began with is in its checkpoint.
    case (let named?, nil):
      use = arguments.has("new-data") ? .newData : .resume
      self.named = named
      path = try Self.find(named)
    case (nil, let named?):
      use = .weights
      (self.named, path) = (named, named)
    case (_?, _?): throw UsageError("--resume and --init-from exclude each other")
    }
    checkpoint = try Self.read(path)
    let (kind, task) = (ModelKind(of: checkpoint), TaskKind(of: checkpoint))
    guard let kind, kind != .ngram else {
      throw FileError(
        path: path,
        reason: checkpoint.model == Mixture.kind
          ? "is a mixture, which is not trained itself; train its members, and mix them again"
          : "holds a model of kind '\(checkpoint.model)', which is trained in one go; train it again")
    }
    if use != .weights, run == nil {
      throw FileError(
        path: path,
        reason:
          "is a finished model without what its training needs to go on (--keep-optimizer would have kept it); "
          + "begin a new run with its weights: --init-from \(path)")
    }
    do {
      try Self.check(checkpoint, kind, task)
    } catch let error as CheckpointError {
      throw FileError(path: path, reason: error.reason)
    }
    try inherit(by: &arguments)
  }

  /// Makes sure that the parts of a network's checkpoint fit together.
  private static func check(_ checkpoint: Checkpoint, _ kind: ModelKind, _ task: TaskKind) throws {
    let engine = try Engine(threads: 1)
    switch task {
    case .language:
      guard let neural = kind.neural else { return }
      try NeuralConfiguration(kind: neural, json: checkpoint.configuration).check(checkpoint, engine: engine)
    case .fill: try FillConfiguration(json: checkpoint.configuration).check(checkpoint, engine: engine)
    case .classify:
      try ClassifierConfiguration(json: checkpoint.configuration).check(checkpoint, engine: engine)
    case .translate:
      try TranslatorConfiguration(json: checkpoint.configuration).check(checkpoint, engine: engine)
    }
  }

  /// The running checkpoint beside `path`, or `path` itself.
  private static func find(_ path: String) throws -> String {
    let beside = RunningCheckpoint.path(beside: path)
    if !path.hasSuffix(RunningCheckpoint.suffix), beside.withSystemPath({ access($0, F_OK) }) == 0 {
      return beside
    }
    guard path.withSystemPath({ access($0, F_OK) }) == 0 else {
      throw FileError(path: path, reason: "no such file, nor is there a \(beside) of an interrupted run")
    }
    return path
  }

  private static func read(_ path: String) throws -> Checkpoint {
    Progress.begin("loading \(path)")
    return try Checkpoint(path: path) { Progress.show(Format.bytes($0)) }
  }

  // MARK: Options

  private func inherit(by arguments: inout Arguments) throws {
    let newTask = try newTask(&arguments)
    var members =
      use == .weights
      ? TrainCommand.settings.members(of: checkpoint, for: newTask) : try membersOfRun
    if !arguments.givenOrWithdrawn.contains(where: { $0.name == "log" }),
      let log = members.first(where: { $0.name == "log" })?.value.stringValue,
      !RecordedLog(path: log).belongs(to: path)
    {
      members.removeAll { $0.name == "log" }
      Terminal.warn("the log \(log) is not written to unless it is named again: --log \(Shell.quoted(log))")
    }
    let hasTexts = !arguments.operands.isEmpty
    arguments.addEnvironment(TrainCommand.allOptions)
    for option in arguments.givenOrWithdrawn
    where arguments.isFromEnvironment(option.name) && !mayChange(option.name) {
      arguments.passOver(option.name)
    }
    for option in arguments.givenOrWithdrawn where !mayChange(option.name) {
      // The model has not decided what is of the new task only.
      if newTask != nil,
        !TrainCommand.settings.isOf(TaskKind(of: checkpoint), option.name) || option.name == "task"
      {
        continue
      }
      // What a checkpoint does not say is as usual.
      let recorded = members.first { $0.name == option.name }?.value ?? usual(option.name)
      if !Self.agrees(option.value, recorded) { throw contradiction(option.name, recorded) }
    }
    members.removeAll { TrainCommand.settings.leader($0.name).map(arguments.has) == true }
    try Configuration(members: members, file: path).add(
      to: &arguments, TrainCommand.allOptions, operandsName: TrainCommand.operandsName)
    if use == .newData, !hasTexts {
      throw UsageError(
        "--new-data needs the new text: lmctl train --resume \(Shell.quoted(path)) --new-data TEXT")
    }
    if use == .resume, !hasTexts, arguments.operands.contains("-") {
      throw UsageError(
        "\(path) was trained on standard input; give the text again: lmctl train --resume \(Shell.quoted(path)) - < TEXT"
      )
    }
  }

  /// The task for which a model of another one becomes the beginning, if the command line asks for that: classifiers begin with language models and fillers.
  ///
  /// - Throws: `UsageError` if the model of the checkpoint is of no use for it.
  private func newTask(_ arguments: inout Arguments) throws -> TaskKind? {
    arguments.addEnvironment(TrainCommand.allOptions.filter { $0.name == "task" })
    let own = TaskKind(of: checkpoint)
    guard let name = arguments.string("task"), let wanted = TaskKind(rawValue: name), wanted != own else {
      return nil
    }
    if wanted == .fill || wanted == .translate {
      throw UsageError(
        "--task \(name) does not go with \(path), which is \(own.noun); \(wanted.noun) begins with another one, or with nothing"
      )
    }
    let isOfUse = wanted == .classify && (own == .language || own == .fill)
    guard use == .weights, isOfUse else {
      throw UsageError(
        "--task \(name) does not go with \(path), which is \(own.noun)"
          + (isOfUse ? "; begin a new run with its weights: --init-from" : ""))
    }
    return wanted
  }

  /// The options of the run, with the model's place taken from that of the checkpoint.
  private var membersOfRun: [JSONValue.Member] {
    get throws {
      guard let recorded = run?["options"]?.members else {
        throw FileError(path: path, reason: "damaged: it does not hold the options of its run")
      }
      var output = named
      for suffix in [".old", RunningCheckpoint.suffix] where output.hasSuffix(suffix) {
        output = String(output.dropLast(suffix.count))
      }
      // Remarks are a matter of the moment, and the first weights have been taken.
      return recorded.filter { !["output", "quiet", "init-from"].contains($0.name) }
        + [.init("output", .string(output))]
    }
  }

  private func usual(_ name: String) -> JSONValue {
    var values = TrainSettings()
    values.kind = ModelKind(of: checkpoint)
    return TrainCommand.settings.value(name, values)
  }

  private func mayChange(_ name: String) -> Bool {
    switch (TrainCommand.settings.change(name), use) {
    case (.free, _): true
    case (.length, .resume): mayGrow
    case (.fixed, .resume), (.optimizer, .resume): false
    case (.length, _), (.fixed, _): true
    case (.optimizer, _): use == .weights
    case (.vocabulary, _), (.shape, _): false
    }
  }

  /// A schedule that is laid out over the whole run cannot be changed in its middle; a finished run begins another cycle of it.
  private var mayGrow: Bool {
    let schedule = run?["options"]?["schedule"]?.stringValue.flatMap(Schedule.init)
    return schedule?.dependsOnLength == false || numbers["finished"] == true
  }

  /// Whether an option as it was given, `nil` if it was not, is what is recorded.
  static func agrees(_ text: String?, _ recorded: JSONValue) -> Bool {
    switch recorded {
    case .null: text == nil
    case .bool(let isGiven): (text != nil) == isGiven
    case .string(let value): text == value
    // What was chosen was asked for.
    case .array(let values):
      text == values.map(\.text).joined(separator: ",") || text == TrainSettings.automatic
    // Sizes of layers that are all the same are one number.
    default:
      text.map { $0.split(separator: ",", omittingEmptySubsequences: false) }?.allSatisfy {
        Double($0) == recorded.doubleValue
      } == true
    }
  }

  private func contradiction(_ name: String, _ recorded: JSONValue) -> UsageError {
    let change = TrainCommand.settings.change(name)
    if use != .resume, change == .vocabulary {
      return UsageError("--\(name) does not go with the vocabulary of \(path), which is kept")
    }
    let list = recorded.elements?.map(\.text).joined(separator: ",")
    let was =
      recorded == .null || recorded == .bool(false)
      ? "it was not given for \(path)" : "it is \(list ?? recorded.stringValue ?? recorded.text) in \(path)"
    if use != .resume { return UsageError("--\(name) cannot change (\(was))") }
    if change == .length {
      return UsageError(
        "--\(name) cannot change in the middle of a schedule that is laid out over the whole run (\(was)); "
          + "let the run end with --keep-optimizer, then --resume it with more")
    }
    let task = TaskKind(of: checkpoint)
    let changeable = TrainCommand.settings.freeNames.filter { TrainCommand.settings.isOf(task, $0) }
    return UsageError(
      "--\(name) cannot change when a run goes on (\(was)); these may: \(changeable.map { "--\($0)" }.joined(separator: ", ")); "
        + "with other options, begin a new run: --init-from \(Shell.quoted(path))")
  }

  // MARK: Texts

  /// An error if `texts`, as they were read, are not those of the run.
  func check(_ texts: [TextStatistics.Text], heldOut: TextStatistics.Text?) throws {
    guard use == .resume else { return }
    let recorded = self.texts.map { $0["sha256"]?.stringValue }
    for (i, text) in texts.enumerated() where i >= recorded.count || text.sha256 != recorded[i] {
      throw FileError(
        path: text.name,
        reason:
          "is not the text that \(path) was trained on (its SHA-256 differs); give that one, or add --new-data "
          + "to train on with this one")
    }
    guard texts.count == recorded.count else {
      throw FileError(
        path: path,
        reason:
          "was trained on \(Format.count(recorded.count, "text")), and \(texts.count) are given; give all, in their order"
      )
    }
    if heldOutText?["sha256"]?.stringValue != heldOut?.sha256 {
      throw FileError(
        path: heldOut?.name ?? "--valid",
        reason: "is not the held-out text that \(path) was measured on (its SHA-256 differs); give that one")
    }
  }
}
