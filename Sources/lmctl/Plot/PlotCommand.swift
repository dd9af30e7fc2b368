import Charts
import Glibc
import LanguageModels

/// `lmctl plot`.
enum PlotCommand: Command {
  static let name = "plot"
  static let summary = "draw the curves of training logs"
  static let operands = "LOG… [-o FILE]"
  static let discussion = """
    Draws what 'lmctl train --log' has written, of one run or of several: the training text thin, held-out text strong, with a
    mark for each epoch and a ring around the best one. With -o it makes an SVG picture, which follows the reader's choice
    of light or dark; without, it draws in the terminal. A run may still be going on; lines that are damaged are passed
    over with a warning; where a run was resumed, the later records count.
    """
  nonisolated(unsafe) static let settings = PlotSettings.table
  static let typed = ["graph", "chart", "draw", "curves"]
  static let configurationExample = (
    line: "lmctl plot --config run.json", file: #"{"x": "epochs", "logs": ["run.jsonl"]}"#
  )
  static let operandsInConfiguration: String? = "logs"
  static let examples = [
    "lmctl plot run.jsonl",
    "lmctl plot lstm.jsonl gru.jsonl -o curves.svg --x epochs",
    "lmctl plot run.jsonl --y rate --x time",
  ]

  static func run(_ settings: PlotSettings, _ paths: [String], given: Arguments) throws {
    if paths.isEmpty {
      throw UsageError(
        "no log; give what 'lmctl train --log' has written: lmctl plot run.jsonl -o curves.svg")
    }
    try TextFiles.requireSingleStandardInput(paths)
    var options = settings.chart
    let output = settings.output
    let (width, height) = (settings.width ?? 80, settings.height ?? 24)
    if let output {
      try PictureFile.check(output, inputs: paths, isForced: settings.common.isForced)
    }
    let logs = try paths.map { try log($0) }
    if !given.has("y"), logs.allSatisfy(\.isOfClassifier) { options.y = .accuracy }
    if !given.has("y"), logs.allSatisfy(\.isOfFiller) { options.y = .pseudoPerplexity }
    let chart = TrainingCurves.chart(try runs(logs, paths, options), options)
    guard let output else {
      return StandardOutput.shared.write(
        TextChart(chart, width: width, height: height, isColoured: Terminal.isColoured).text)
    }
    try PictureFile.write(SVGChart(chart, width: width, height: height), to: output)
  }

  /// Reads a log, with a warning for what of it is damaged.
  private static func log(_ path: String) throws -> TrainingLog {
    try FileKind.require([.log], path, "a log of 'lmctl train --log'")
    let log = try TrainingLog(path: path)
    for error in log.damage { Terminal.warn("\(error); passed over") }
    let others = log.damagedLines - log.damage.count
    if others > 0 {
      Terminal.warn("\(path): \(Format.count(others, "more line")) could not be read; passed over")
    }
    return log
  }

  /// The curves of all logs that have any.
  private static func runs(_ logs: [TrainingLog], _ paths: [String], _ options: TrainingCurves.Options) throws
    -> [TrainingCurves.Run]
  {
    var runs: [TrainingCurves.Run] = []
    var reasons: [FileError] = []
    for (log, (path, name)) in zip(logs, zip(paths, ChartText.names(ofFiles: paths))) {
      let curves = log.runs.enumerated().compactMap { i, run in
        TrainingCurves.run(run, name: log.runs.count == 1 ? name : "\(name) #\(i + 1)", options)
      }
      runs += curves
      if !curves.isEmpty { continue }
      let isEmpty = log.runs.allSatisfy { $0.steps.isEmpty && $0.epochs.isEmpty }
      let reason =
        isEmpty
        ? "the log has no step or epoch yet"
        : "the log has no \(options.y.rawValue) over \(options.x.rawValue); try another --x or --y"
      reasons.append(FileError(path: path == "-" ? "standard input" : path, reason: reason))
    }
    if runs.isEmpty, let first = reasons.first { throw first }
    for reason in reasons { Terminal.warn("\(reason); passed over") }
    return runs
  }
}
