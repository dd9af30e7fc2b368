import Glibc
import LanguageModels
import NeuralModels

/// `lmctl benchmark`.
enum BenchmarkCommand: Command {
  static let name = "benchmark"
  static let summary = "measure this machine, and how fast networks train and write"
  static let operands = "[CONFIGURATION…] [OPTION…]"
  static let discussion = """
    Measures how many multiply-adds a second one core and all cores can do, in registers and with operands loaded from the
    first-level cache, as the innermost loop of a matrix product has them; then trains each configuration (all, if none is
    named) for some seconds on synthetic text whose words follow Zipf's law, with Adam. An operation is a multiplication or
    an addition of the matrix products; what else training does is not counted, but takes its time. Configurations whose names
    begin with sample- draw text, one sample at a time and then many side by side.
    """
    + "\n\nconfigurations:\n"
    + (TrainingBenchmark.all.map { ($0.name, $0.description) }
    + GenerationBenchmark.all.map { ($0.name, $0.description) })
    .map { name, description in
      HelpPage.wrapped(
        "\(name): \(description.map { $0 == "×" ? "x" : String($0) }.joined())", indent: 2, hanging: 4)
    }
    .joined()
  nonisolated(unsafe) static let settings = BenchmarkSettings.table
  static let typed = ["bench", "speed"]
  static let configurationExample = (
    line: "lmctl benchmark rnn-512 --config run.json", file: #"{"seconds": 1, "json": true}"#
  )
  static let examples = [
    "lmctl benchmark lstm-200x2 --seconds 2",
    "lmctl benchmark sample-char-lstm-512 --seconds 1",
    "lmctl benchmark rnn-512 --threads 1 --seconds 1 --json",
  ]

  static func run(_ settings: BenchmarkSettings, _ operands: [String], given: Arguments) throws {
    let names = TrainingBenchmark.all.map(\.name) + GenerationBenchmark.all.map(\.name)
    for name in operands where !names.contains(name) {
      throw UsageError(
        "unknown configuration '\(name)'; there are \(names.joined(separator: ", "))"
          + Suggestion.text(for: name, among: names))
    }
    let engine = try Engine()
    let peak = engine.peakOperationsPerSecond()
    let asJSON = settings.asJSON
    let generated = GenerationBenchmark.all.filter { operands.isEmpty || operands.contains($0.name) }
    if !asJSON {
      StandardOutput.shared.write(
        "kernels \(engine.kernelName); multiply-add peak \(gigaflops(peak.one)) GFLOP/s on one thread, "
          + "\(gigaflops(peak.all)) on \(engine.threadCount); "
          + "with loads \(gigaflops(peak.oneWithLoads)) and \(gigaflops(peak.allWithLoads))\n\n"
          + (operands.count == generated.count && !operands.isEmpty
            ? "" : "configuration      words/s  GFLOP/s  of the peak  of that with loads\n"))
      try StandardOutput.shared.flush()
    }
    var results: [JSONValue] = []
    for configuration in TrainingBenchmark.all
    where operands.isEmpty || operands.contains(configuration.name) {
      let speed = try configuration.wordsPerSecond(seconds: settings.seconds, engine: engine)
      let operations = speed * configuration.operationsPerWord(engine: engine)
      results.append([
        "name": .string(configuration.name), "words_per_second": .number(speed),
        "gflops": .number(operations / 1e9), "fraction_of_peak": .number(operations / peak.all),
        "fraction_of_peak_with_loads": .number(operations / peak.allWithLoads),
      ])
      if asJSON { continue }
      StandardOutput.shared.write(
        configuration.name + column(Format.fixed(speed, 0), 26 - configuration.name.count)
          + column(gigaflops(operations), 9) + percent(operations / peak.all, 11)
          + percent(operations / peak.allWithLoads, 18) + "\n")
      try StandardOutput.shared.flush()
    }
    let generation = try generate(generated, settings, isFirst: results.isEmpty, engine: engine)
    guard asJSON else { return }
    let summary: JSONValue = [
      "kernels": .string(engine.kernelName), "threads": .integer(engine.threadCount),
      "peak_gflops_one_thread": .number(peak.one / 1e9), "peak_gflops": .number(peak.all / 1e9),
      "peak_gflops_with_loads_one_thread": .number(peak.oneWithLoads / 1e9),
      "peak_gflops_with_loads": .number(peak.allWithLoads / 1e9),
      "configurations": .array(results), "generation": .array(generation),
    ]
    StandardOutput.shared.write(summary.text + "\n")
  }

  /// Measures how fast networks write, and says so unless that is for JSON.
  private static func generate(
    _ benchmarks: [GenerationBenchmark], _ settings: BenchmarkSettings, isFirst: Bool, engine: Engine
  ) throws -> [JSONValue] {
    if !settings.asJSON, !benchmarks.isEmpty {
      StandardOutput.shared.write((isFirst ? "" : "\n") + "drawing            one, words/s  many, words/s\n")
      try StandardOutput.shared.flush()
    }
    return try benchmarks.map { benchmark in
      let speed = benchmark.speed(seconds: settings.seconds, engine: engine)
      if !settings.asJSON {
        StandardOutput.shared.write(
          benchmark.name + column(Format.fixed(speed.one, 0), 31 - benchmark.name.count)
            + column(Format.fixed(speed.many, 0), 15) + "\n")
        try StandardOutput.shared.flush()
      }
      return [
        "name": .string(benchmark.name), "words_per_second_one": .number(speed.one),
        "words_per_second_many": .number(speed.many), "rows": .integer(speed.rows),
      ]
    }
  }

  private static func gigaflops(_ operations: Double) -> String { Format.fixed(operations / 1e9, 0) }

  private static func percent(_ share: Double, _ width: Int) -> String {
    column(Format.fixed(100 * share, 1), width) + " %"
  }

  private static func column(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }
}

/// The settings of `lmctl benchmark`.
struct BenchmarkSettings: CommandValues {
  var seconds = 5.0
  var asJSON = false
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("measuring") {
        Setting(
          "seconds", \.seconds, .number("S", "above 0") { $0 > 0 },
          "how long each configuration is trained, or draws"
        ).typed("time", "duration")
      },
      SettingGroup("output") { Setting(flag: "json", \.asJSON, "one JSON object in place of the table") },
      CommonSettings.group(\.common),
    ])
  }
}
