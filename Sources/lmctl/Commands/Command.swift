import LanguageModels

/// What the settings of a command are read into.
protocol CommandValues: SettingValues {
  var common: CommonSettings { get set }
}

/// One of lmctl's commands.
protocol Command: Sendable {
  /// What its settings are read into, those of every command among them.
  associatedtype Values: CommandValues

  /// Its name on the command line.
  static var name: String { get }
  /// What it does, in a few words.
  static var summary: String { get }
  /// Its operands, for the usage line.
  static var operands: String { get }
  /// What it does, in a paragraph or two.
  static var discussion: String { get }
  /// What people type who mean it.
  static var typed: [String] { get }
  /// What a configuration calls its operands; `nil` if they stand on the command line only.
  static var operandsInConfiguration: String? { get }
  /// A command line with `--config run.json`, and what can stand in that file.
  static var configurationExample: (line: String, file: String) { get }
  /// Its settings.
  static var settings: SettingTable<Values> { get }
  /// Options that people look for here, and why there is none, as sentences.
  static var refused: [String: String] { get }
  /// Command lines that work.
  static var examples: [String] { get }

  /// What the settings are read into: whatever they do not decide, which may complete what is given.
  static func initialValues(_ arguments: inout Arguments) throws -> Values

  /// Does it.
  ///
  /// - Parameter given: which of the settings somebody gave.
  static func run(_ values: Values, _ operands: [String], given: Arguments) throws
}

extension Command {
  static var operandsInConfiguration: String? { nil }
  static var typed: [String] { [] }
  static var refused: [String: String] { [:] }

  static func initialValues(_ arguments: inout Arguments) throws -> Values { Values() }

  /// Does it, with options as they were given.
  static func run(_ arguments: Arguments) throws {
    var arguments = arguments
    do {
      try CommonSettings.apply(arguments)
      let initial = try initialValues(&arguments)
      let values = try settings.values(&arguments, initial: initial)
      // A run that goes on takes some from its checkpoint.
      values.common.apply()
      try run(values, arguments.operands, given: arguments)
    } catch let error as UsageError {
      throw arguments.locating(error)
    }
  }

  /// Its options.
  static var options: [OptionGroup] { settings.options }

  /// Its options, without their groups.
  static var allOptions: [Option] { options.flatMap(\.options) }
}

/// The version of the program.
let programVersion = "0.1.0"
