import Glibc
import LanguageModels

/// Settings under a heading.
struct SettingGroup<Values> {
  let heading: String
  var settings: [Setting<Values>]

  init(
    _ heading: String, models: [ModelKind] = [], tasks: [TaskKind] = [],
    @SettingBuilder<Values> _ settings: () -> [Setting<Values>]
  ) {
    self.heading = heading
    self.settings = settings().map { setting in
      var setting = setting
      if setting.option.models.isEmpty { setting.option.models = models }
      if setting.option.tasks.isEmpty { setting.option.tasks = tasks }
      return setting
    }
  }
}

/// Puts declarations together, one a line, each type-checked by itself.
@resultBuilder
enum SettingBuilder<Values> {
  static func buildExpression(_ setting: Setting<Values>) -> [Setting<Values>] { [setting] }
  static func buildExpression(_ settings: [Setting<Values>]) -> [Setting<Values>] { settings }
  static func buildBlock(_ settings: [Setting<Values>]...) -> [Setting<Values>] { settings.flatMap { $0 } }
}

/// All settings of a command.
struct SettingTable<Values: SettingValues> {
  let groups: [SettingGroup<Values>]

  private var settings: [Setting<Values>] { groups.flatMap(\.settings) }

  /// As a person sees them.
  var options: [OptionGroup] {
    groups.map { group in OptionGroup(heading: group.heading, options: group.settings.map(\.option)) }
  }

  /// The settings that go with the task and the kind of model.
  private func applicable(to kind: ModelKind?, _ task: TaskKind?) -> [Setting<Values>] {
    settings.filter { setting in
      let (models, tasks) = (setting.option.models, setting.option.tasks)
      return (kind.map { models.isEmpty || models.contains($0) } ?? true)
        && (task.map { tasks.isEmpty || tasks.contains($0) } ?? true)
    }
  }

  private func applicable(to values: Values) -> [Setting<Values>] {
    applicable(to: values.kind, values.task)
  }

  /// The values that `given` and the environment ask for, and defaults for the rest.
  ///
  /// - Parameter initial: what no setting decides.
  /// - Throws: `UsageError` for a value that is none, and for settings that do not go together.
  func values(_ given: inout Arguments, initial: Values = Values()) throws -> Values {
    let options = settings.map(\.option)
    given.addEnvironment(options)
    try given.checkFlags(options)
    while true {
      do {
        return try read(&given, initial)
      } catch let error as UsageError {
        // What stands in the environment is for all command lines: where it does not fit one, it is passed over.
        guard given.removeFromEnvironment(namedIn: error) else { throw error }
      }
    }
  }

  private func read(_ given: inout Arguments, _ initial: Values) throws -> Values {
    var values = initial
    // What the others depend on comes first in the table.
    for setting in settings where setting.place?.isOfAll == true {
      if let text = given.string(setting.name) { try setting.assign(text, &values) }
    }
    try values.checkFirst()
    try checkApplicability(&given, values)
    let applicable = applicable(to: values)
    // Defaults see all that is given, wherever it stands in the table; what is given stands over defaults.
    for isLast in [false, true] {
      for setting in applicable {
        if let text = given.string(setting.name) {
          try setting.assign(text, &values)
        } else if isLast {
          setting.setDefault(&values)
        }
      }
    }
    for setting in applicable where given.has(setting.name) {
      for rule in setting.rules {
        if let reason = rule(values, given) {
          throw UsageError("--\(setting.name) \(reason)", isContradiction: true)
        }
      }
    }
    return values
  }

  /// An error if a setting is given that the task or the kind of model does not take; one of the environment is passed over.
  private func checkApplicability(_ given: inout Arguments, _ values: Values) throws {
    guard let kind = values.kind else { return }
    let names = Set(applicable(to: values).map(\.name))
    for name in given.names where !names.contains(name) {
      let named = settings.filter { $0.name == name }
      if named.isEmpty { continue }
      if given.isFromEnvironment(name) {
        given.passOver(name)
        continue
      }
      if let task = values.task,
        named.allSatisfy({ !$0.option.tasks.isEmpty && !$0.option.tasks.contains(task) })
      {
        let tasks = TaskKind.allCases.filter { task in named.contains { $0.option.tasks.contains(task) } }
        let reason = named.compactMap(\.option.taskReason).first.map { ": \($0)" } ?? ""
        throw UsageError(
          "--\(name) does not go with --task \(task.rawValue)\(reason); it goes with \(tasks.map(\.rawValue).joined(separator: ", "))"
        )
      }
      let takers = Set(named.flatMap(\.option.models))
      let models = ModelKind.allCases.filter(takers.contains).map(\.rawValue).joined(separator: ", ")
      throw UsageError("--\(name) does not go with --model \(kind.rawValue); it goes with \(models)")
    }
  }

  // MARK: What is written

  /// Every setting with its value in effect; `null` for one that has none.
  func configuration(_ values: Values) -> [JSONValue.Member] {
    applicable(to: values).filter(\.isConfigured).map { .init($0.name, $0.valueInEffect(values)) }
  }

  /// What a checkpoint records of the settings.
  func record(_ values: Values) -> [JSONValue.Member] {
    let recorded = applicable(to: values).compactMap { setting in setting.record.map { (setting, $0) } }
    let ranks = Set(recorded.map(\.1.rank)).sorted()
    return ranks.flatMap { rank in
      recorded.filter { $0.1.rank == rank }.compactMap { setting, record -> JSONValue.Member? in
        let value = setting.valueInEffect(values)
        let nothing: [JSONValue] = [.null, .bool(false), .number(0), setting.value(Values())]
        let isRecorded =
          switch record.occasion {
          case .always: true
          case .inEffect: value != .null
          case .set: !nothing.contains(value)
          }
        return isRecorded ? .init(record.name, value) : nil
      }
    }
  }

  /// The setting whose value the one called `name` has where it is not given.
  func leader(_ name: String) -> String? { settings.first { $0.name == name }?.leader }

  /// The value of the setting called `name`, for the kind of model of `values`.
  func value(_ name: String, _ values: Values) -> JSONValue {
    applicable(to: values).first { $0.name == name }?.value(values) ?? .null
  }

  // MARK: What a resumed run inherits

  /// The settings called `name`, for any kind of model.
  func change(_ name: String) -> SettingChange { settings.first { $0.name == name }?.change ?? .free }

  /// The names of the settings that may change when a run goes on.
  var freeNames: [String] {
    var seen: Set<String> = []
    return settings.filter { $0.change == .free && $0.isConfigured && seen.insert($0.name).inserted }.map(
      \.name)
  }

  /// Whether the setting called `name` is one of a task.
  func isOf(_ task: TaskKind, _ name: String) -> Bool {
    settings.contains {
      $0.name == name && ($0.option.tasks.isEmpty || $0.option.tasks.contains(task))
    }
  }

  /// The settings that the model of `checkpoint` decides; those of both its task and a new one, if there is to be one.
  func members(of checkpoint: Checkpoint, for newTask: TaskKind? = nil) -> [JSONValue.Member] {
    let rules = checkpoint.tokenizer.json
    let (kind, task) = (ModelKind(of: checkpoint), newTask ?? TaskKind(of: checkpoint))
    return applicable(to: kind, task).compactMap { setting in
      let value: JSONValue? =
        switch setting.place {
        case .model?: kind.map { .string($0.rawValue) }
        case .task?: .string(task.rawValue)
        case .configuration(let name)?: checkpoint.configuration[name]
        // Rules that are as usual are not stored.
        case .tokenizer(let name)?: rules[name]?["text"] ?? rules[name] ?? setting.value(Values())
        case nil: nil
        }
      return value.map { .init(setting.name, $0) }
    }
  }
}
