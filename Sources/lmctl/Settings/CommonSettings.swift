import Threads

/// The settings that every command takes.
struct CommonSettings: SettingValues {
  var isQuiet = false
  var threads: Int?
  var progress: Double?
  var hasTimestamps = false
  var avoidsColour = false
  /// The file of the options that the command line does not give; it is read before all others.
  var configuration: String?
  /// Whether the output is replaced whatever stands there, for the commands that write one.
  var isForced = false
  /// Whether a text may hold nothing, for the commands that read one.
  var allowsEmpty = false

  static let heading = "every command"

  /// All of them, as the last settings of a command whose values hold them at `path`.
  static func group<Whole>(_ path: WritableKeyPath<Whole, Self>) -> SettingGroup<Whole> {
    SettingGroup(heading) { settings.map { $0.lifted(path) } }
  }

  @SettingBuilder<Self> private static var settings: [Setting<Self>] {
    Setting(flag: "quiet", \.isQuiet, "no remarks, only results, warnings and errors").short("q")
      .changes(.free).typed("silent")
    Setting(
      "threads", \.threads, .whole(1...Threads.maximum),
      "threads that work; results do not depend on their number", default: .rule("all cores") { $0.threads }
    ).changes(.free).typed("num-threads", "jobs", "workers")
    Setting(
      "progress", \.progress, .atLeastZero("SECONDS"),
      "time between lines that say how far the work has come, where standard error is no terminal; 0 for none",
      default: .rule("10, then 30, in long runs up to 600") { $0.progress }
    ).changes(.free).unconfigured().typed("progress-interval", "log-interval", "report-every")
    Setting(
      flag: "timestamps", \.hasTimestamps,
      "begin lines on standard error with the time, in UTC; add it to each record of a log"
    ).changes(.free).unconfigured().typed("timestamp", "time-stamps")
    Setting(flag: "no-color", \.avoidsColour, "no colours, as with NO_COLOR in the environment")
      .changes(.free).unconfigured().typed("no-colour", "nocolor", "monochrome")
    Setting(
      Configuration.optionName, \.configuration, .file,
      "take options from a JSON object; those on the command line win, and --no-NAME takes one back"
    ).changes(.free).unconfigured()
  }

  /// The options of all commands.
  static var options: [Option] { settings.map(\.option) }

  static var force: Setting<Self> {
    Setting(
      flag: "force", \.isForced,
      "replace the output even where something else stands than this command writes"
    ).changes(.free).unconfigured().typed("overwrite", "clobber", "replace")
  }

  static var allowEmpty: Setting<Self> {
    Setting(
      flag: "allow-empty", \.allowsEmpty,
      "a text without any sentence, as an empty part of a large one, is no error"
    ).typed("ignore-empty", "skip-empty")
  }

  // MARK: What they do

  /// Does what they say, from now on.
  func apply() {
    Threads.limit = threads
    Terminal.isQuiet = isQuiet
    Terminal.hasTimestamps = hasTimestamps
    if avoidsColour { Terminal.avoidsColour = true }
    Progress.setInterval(
      isQuiet || progress == 0 ? .never : progress.map { .seconds($0) } ?? .automatic)
  }

  /// Does what `arguments` say of them, before the rest is looked at.
  static func apply(_ arguments: Arguments) throws {
    var arguments = arguments
    try SettingTable(groups: [group(\.self)]).values(&arguments).apply()
  }
}
