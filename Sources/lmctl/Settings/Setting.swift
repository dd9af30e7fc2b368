import LanguageModels

/// What the settings of a command are read into.
protocol SettingValues {
  /// All settings at their defaults, as far as these depend on nothing.
  init()
  /// The kind of model, on which it can depend what a setting means; `nil` if it does not.
  var kind: ModelKind? { get }
  /// What is learnt, on which it can depend too; `nil` if it does not.
  var task: TaskKind? { get }
  /// An error if the settings that others depend on, which are read first, lack one.
  func checkFirst() throws
}

extension SettingValues {
  var kind: ModelKind? { nil }
  var task: TaskKind? { nil }
  func checkFirst() throws {}
}

/// A setting, declared once: how it is called, what it can be, what it is where nobody says, what it goes with, and where it is kept.
///
/// Parsing, errors of range and applicability, help, man page, completions, environment variables, configurations, the checkpoint's record
/// and what a resumed run inherits all follow from this.
struct Setting<Values> {
  var option: Option
  /// Whether it may change when a run goes on.
  var change = SettingChange.fixed
  /// Where a checkpoint holds it, for those who begin with its model.
  var place: SettingPlace?
  /// Under which name a checkpoint records it.
  var record: SettingRecord?
  /// The setting whose value it has where it is not given.
  var leader: String?
  /// Whether it is part of a configuration; if not, it speaks of one, or of the moment.
  var isConfigured = true
  /// Reads the value from a text.
  var assign: (String, inout Values) throws -> Void
  /// The value, `null` if there is none.
  var value: (Values) -> JSONValue
  /// Sets the default, where it depends on other values.
  var setDefault: (inout Values) -> Void
  /// Whether the value has an effect.
  var isInEffect: (Values) -> Bool = { _ in true }
  /// What must hold if it is given.
  var rules: [SettingRule<Values>] = []

  var name: String { option.name }

  /// The value in effect, `null` if there is none.
  func valueInEffect(_ values: Values) -> JSONValue { isInEffect(values) ? value(values) : .null }
}

/// What must hold if a setting is given: it returns why it cannot be, `nil` if it can, as in `goes with --cache`.
typealias SettingRule<Values> = (_ values: Values, _ given: Arguments) -> String?

/// When a setting may change.
enum SettingChange {
  /// Whenever a run goes on.
  case free
  /// When a run goes on whose schedule does not depend on its length.
  case length
  /// For another text.
  case fixed
  /// Only for a new run: what the optimizer remembers depends on it.
  case optimizer
  /// Never: it decides the vocabulary …
  case vocabulary
  /// … or the shape of the model and its text rules.
  case shape
}

/// Where a checkpoint holds a setting.
enum SettingPlace {
  /// As the kind of model.
  case model
  /// As what the model was made for.
  case task
  /// In the model's configuration, under this name.
  case configuration(String)
  /// In the text rules, under this name.
  case tokenizer(String)
}

extension SettingPlace {
  /// Whether others depend on it: the kind of model and the task.
  var isOfAll: Bool {
    switch self {
    case .model, .task: true
    case .configuration, .tokenizer: false
    }
  }
}

/// Under which name a checkpoint's `training` records a setting, and when.
struct SettingRecord {
  enum Occasion {
    case always
    /// If it has a value in effect.
    case inEffect
    /// If that value is neither the default nor nothing.
    case set
  }

  let name: String
  let occasion: Occasion
  /// Records of a higher rank stand behind those of a lower one; within a rank, in the order of the table.
  let rank: Int
}

/// A default that depends on other values, and how help says it.
struct SettingDefault<Values, Value> {
  let text: String?
  let value: (Values) -> Value

  /// A rule in words and as a function.
  static func rule(_ text: String?, _ value: @escaping (Values) -> Value) -> Self {
    Self(text: text, value: value)
  }
}

extension Setting where Values: SettingValues {
  /// A setting that always has a value.
  init<Value>(
    _ name: String, _ path: WritableKeyPath<Values, Value>, _ type: ValueType<Value>, _ help: String,
    default rule: SettingDefault<Values, Value>? = nil
  ) {
    self.init(
      option: Option(
        name: name, value: type.placeholder, choices: type.choices, range: type.range,
        defaultText: rule.map(\.text) ?? type.shown(Values()[keyPath: path]), help: help, isPath: type.isPath,
        isList: type.isList, examples: type.trials),
      assign: { $1[keyPath: path] = try type.value($0, of: name) },
      value: { type.json($0[keyPath: path]) },
      setDefault: { values in if let rule { values[keyPath: path] = rule.value(values) } })
  }

  /// A setting that need not have a value.
  init<Value>(
    _ name: String, _ path: WritableKeyPath<Values, Value?>, _ type: ValueType<Value>, _ help: String,
    default rule: SettingDefault<Values, Value?>? = nil
  ) {
    self.init(
      option: Option(
        name: name, value: type.placeholder, choices: type.choices, range: type.range,
        defaultText: rule.map(\.text) ?? Values()[keyPath: path].flatMap { type.shown($0) }, help: help,
        isPath: type.isPath, isList: type.isList, examples: type.trials),
      assign: { $1[keyPath: path] = try type.value($0, of: name) },
      value: { $0[keyPath: path].map { type.json($0) } ?? .null },
      setDefault: { values in if let rule { values[keyPath: path] = rule.value(values) } })
  }

  /// A flag.
  init(flag name: String, _ path: WritableKeyPath<Values, Bool>, _ help: String) {
    self.init(
      option: Option(name: name, help: help), assign: { $1[keyPath: path] = true },
      value: { .bool($0[keyPath: path]) }, setDefault: { _ in })
  }

  /// A setting whose text is read by a function of the other values.
  init<Value>(
    _ name: String, _ path: WritableKeyPath<Values, Value>, _ placeholder: String, _ help: String,
    defaultText: String? = nil, examples: [String], json: @escaping (Value) -> JSONValue,
    parse: @escaping (String, Values) throws -> Value
  ) {
    self.init(
      option: Option(
        name: name, value: placeholder, defaultText: defaultText, help: help, examples: examples),
      assign: { $1[keyPath: path] = try parse($0, $1) }, value: { json($0[keyPath: path]) },
      setDefault: { _ in })
  }
}

// MARK: What a declaration adds

extension Setting {
  private func with(_ change: (inout Setting) -> Void) -> Setting {
    var copy = self
    change(&copy)
    return copy
  }

  /// With a name of one letter.
  func short(_ letter: Character) -> Setting { with { $0.option.short = letter } }
  /// For some models only.
  func models(_ models: ModelKind...) -> Setting { self.models(models) }
  func models(_ models: [ModelKind]) -> Setting { with { $0.option.models = models } }
  /// For some tasks only.
  func tasks(_ tasks: TaskKind..., because reason: String? = nil) -> Setting {
    with { ($0.option.tasks, $0.option.taskReason) = (tasks, reason) }
  }
  /// With other names, which are not taken, but understood.
  func typed(_ names: String...) -> Setting { typed(names) }
  func typed(_ names: [String]) -> Setting { with { $0.option.typed = names } }
  /// It may change when a run goes on.
  func changes(_ change: SettingChange) -> Setting { with { $0.change = change } }
  /// A checkpoint holds it.
  func stored(_ place: SettingPlace) -> Setting { with { $0.place = place } }
  /// A checkpoint records it.
  func recorded(_ name: String, _ occasion: SettingRecord.Occasion = .always, rank: Int = 0) -> Setting {
    with { $0.record = SettingRecord(name: name, occasion: occasion, rank: rank) }
  }
  /// With another word for what holds where it is not given.
  func withDefault(_ text: String) -> Setting { with { $0.option.defaultText = text } }
  /// With other values to try than those that its type has.
  func tried(_ examples: String...) -> Setting { with { $0.option.examples = examples } }
  /// It is as another setting where it is not given, so that what a run recorded of it gives way when that one is given.
  func follows(_ leader: String) -> Setting { with { $0.leader = leader } }
  /// It may be given several times.
  func repeatable() -> Setting { with { $0.option.isRepeatable = true } }
  /// It is no part of a configuration.
  func unconfigured() -> Setting { with { $0.isConfigured = false } }
  /// It has no effect unless something holds.
  func inEffect(_ isInEffect: @escaping (Values) -> Bool) -> Setting { with { $0.isInEffect = isInEffect } }
  /// It goes only where `rule` finds nothing against it.
  func rule(_ rule: @escaping SettingRule<Values>) -> Setting { with { $0.rules.append(rule) } }

  /// It does not go together with other settings.
  func excludes(_ others: String..., because reason: String? = nil) -> Setting {
    excludes(others, because: reason)
  }

  /// The same of a list.
  func excludes(_ others: [String], because reason: String?) -> Setting {
    rule { _, given in
      others.first { given.has($0) }.map {
        reason == nil ? "and --\($0) exclude each other" : "does not go with --\($0), \(reason ?? "")"
      }
    }
  }

  /// It goes only with another setting, as in `--cache 500`.
  func needs(_ other: String, as example: String = "") -> Setting {
    rule { _, given in
      given.has(other)
        ? nil : "goes with --\(other)" + (["", "--\(other)"].contains(example) ? "" : ", as in \(example)")
    }
  }

  /// The same setting of values that hold these as a part.
  func lifted<Whole>(_ path: WritableKeyPath<Whole, Values>) -> Setting<Whole> {
    Setting<Whole>(
      option: option, change: change, place: place, record: record, leader: leader,
      isConfigured: isConfigured,
      assign: { [assign] in try assign($0, &$1[keyPath: path]) },
      value: { [value] in value($0[keyPath: path]) },
      setDefault: { [setDefault] in setDefault(&$0[keyPath: path]) },
      isInEffect: { [isInEffect] in isInEffect($0[keyPath: path]) },
      rules: rules.map { rule in { rule($0[keyPath: path], $1) } })
  }
}
