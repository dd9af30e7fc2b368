import Glibc
import LanguageModels
import NeuralModels

/// `lmctl benchmark`.
enum BenchmarkCommand: Command {
  static let name = "benchmark"
  static let summary = "measure this machine, and how fast networks train on it"
  static let operands = "[CONFIGURATION…] [OPTION…]"
  static let discussion = """
    Measures how many multiply-adds a second one core and all cores can do, then trains each configuration (all, if none is
    named) for some seconds on synthetic text whose words follow Zipf's law, with Adam. An operation is a multiplication or
    an addition of the matrix products; what else training does is not counted, but takes its time.
    """
    + "\n\nconfigurations:\n"
    + TrainingBenchmark.all.map {
      "  \($0.name)\(String(repeating: " ", count: 16 - $0.name.count))\($0.description)\n"
    }
    .joined()
  static let options: [(heading: String, options: [Option])] = [
    (
      "measuring",
      [
        Option("seconds", "S", "how long each configuration is trained (default: 5)"),
        TextOptions.threads,
      ]
    ),
    ("output", [Option(flag: "json", "one JSON object in place of the table")]),
  ]
  static let examples = [
    "lmctl benchmark lstm-200x2 --seconds 2", "lmctl benchmark rnn-512 --threads 1 --seconds 1 --json",
  ]

  static func run(_ arguments: Arguments) throws {
    let names = TrainingBenchmark.all.map(\.name)
    for name in arguments.operands where !names.contains(name) {
      throw UsageError(
        "unknown configuration '\(name)'; there are \(names.joined(separator: ", "))"
          + Suggestion.text(for: name, among: names))
    }
    let seconds = try arguments.number("seconds", "above 0", { $0 > 0 }) ?? 5
    let engine = try Engine(threads: try TextOptions.threads(arguments))
    let peak = engine.peakOperationsPerSecond()
    let asJSON = arguments.has("json")
    if !asJSON {
      StandardOutput.shared.write(
        "kernels \(engine.kernelName); multiply-add peak \(gigaflops(peak.one)) GFLOP/s on one thread, "
          + "\(gigaflops(peak.all)) on \(engine.threadCount)\n\n"
          + "configuration      words/s  GFLOP/s  of the peak\n")
      try StandardOutput.shared.flush()
    }
    var results: [JSONValue] = []
    for configuration in TrainingBenchmark.all
    where arguments.operands.isEmpty || arguments.operands.contains(configuration.name) {
      let speed = try configuration.wordsPerSecond(seconds: seconds, engine: engine)
      let operations = speed * configuration.operationsPerWord
      results.append([
        "name": .string(configuration.name), "words_per_second": .number(speed),
        "gflops": .number(operations / 1e9), "fraction_of_peak": .number(operations / peak.all),
      ])
      if asJSON { continue }
      StandardOutput.shared.write(
        configuration.name + column(Format.fixed(speed, 0), 26 - configuration.name.count)
          + column(gigaflops(operations), 9) + column(Format.fixed(100 * operations / peak.all, 1), 11)
          + " %\n")
      try StandardOutput.shared.flush()
    }
    guard asJSON else { return }
    let summary: JSONValue = [
      "kernels": .string(engine.kernelName), "threads": .integer(engine.threadCount),
      "peak_gflops_one_thread": .number(peak.one / 1e9), "peak_gflops": .number(peak.all / 1e9),
      "configurations": .array(results),
    ]
    StandardOutput.shared.write(summary.text + "\n")
  }

  private static func gigaflops(_ operations: Double) -> String { Format.fixed(operations / 1e9, 0) }

  private static func column(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }
}
