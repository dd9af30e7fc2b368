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
    over with a remark; where a run was resumed, the later records count.
    """
  static let options: [(heading: String, options: [Option])] = [
    (
      "axes",
      [
        Option("x", HorizontalQuantity.self, "along the horizontal axis (default: steps)"),
        Option("y", VerticalQuantity.self, "along the vertical axis\n(default: perplexity)"),
        Option(
          "scale", AxisScale.self,
          "of the vertical axis (default: log for perplexity and\ngradient-norm, linear for the others)"),
        Option("min", "Y", "lowest value shown (default: what the curves need)"),
        Option("max", "Y", "highest value shown (default: what the curves need,\nwithout rare outliers)"),
      ]
    ),
    (
      "output",
      [
        Option(
          "output", short: "o", "FILE",
          "where the SVG picture goes; - for standard output\n(default: a chart of characters)"),
        Option("title", "TEXT", "above the curves (default: the name of a single log)"),
        Option("width", "N", "pixels, or columns of the terminal (default: 800 or 80)"),
        Option(
          "height", "N", "pixels, or lines of the terminal (default: 500 or 24);\nmore if the legend needs it"
        ),
        TextOptions.quiet,
      ]
    ),
  ]
  static let operandsInConfiguration: String? = "logs"
  static let examples = [
    "lmctl plot run.jsonl",
    "lmctl plot lstm.jsonl gru.jsonl -o curves.svg --x epochs",
    "lmctl plot run.jsonl --y rate --x time",
  ]

  static func run(_ arguments: Arguments) throws {
    let paths = arguments.operands
    if paths.isEmpty {
      throw UsageError(
        "no log; give what 'lmctl train --log' has written: lmctl plot run.jsonl -o curves.svg")
    }
    try TextOptions.requireSingleStandardInput(paths)
    let options = try chartOptions(arguments)
    let output = arguments.string("output")
    let isPicture = output != nil
    let width =
      try arguments.integer("width", in: isPicture ? 200...10_000 : 30...1000) ?? (isPicture ? 800 : 80)
    let height =
      try arguments.integer("height", in: isPicture ? 150...10_000 : 8...1000) ?? (isPicture ? 500 : 24)
    if let output {
      for suffix in [".png", ".pdf", ".jpg", ".jpeg", ".gif", ".webp", ".eps", ".svgz", ".gz"]
      where output.hasSuffix(suffix) {
        throw UsageError(
          "--output writes SVG, so its name must not end in '\(suffix)'; name it .svg and convert it afterwards"
        )
      }
      try AtomicFile.check(path: output, inputs: paths)
    }
    let chart = Chart(try runs(paths, options, isQuiet: arguments.has("quiet")), options)
    guard let output else {
      let isColoured = isatty(STDOUT_FILENO) == 1 && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)
      return StandardOutput.shared.write(
        TextChart(chart, width: width, height: height, isColoured: isColoured).text)
    }
    var text = SVGChart(chart, width: width, height: height).text
    let file = try AtomicFile(path: output)
    try text.withUTF8 { try file.write(UnsafeRawBufferPointer($0)) }
    try file.commit()
  }

  private static func chartOptions(_ arguments: Arguments) throws -> Chart.Options {
    var options = Chart.Options()
    options.x = try arguments.choice("x") ?? options.x
    options.y = try arguments.choice("y") ?? options.y
    options.scale = try arguments.choice("scale")
    options.title = arguments.string("title")
    let isLogarithmic = (options.scale ?? options.y.scale) == .log
    let requirement = isLogarithmic ? "above 0, as the scale is logarithmic" : "that is finite"
    options.minimum = try arguments.number("min", requirement) { !isLogarithmic || $0 > 0 }
    options.maximum = try arguments.number("max", requirement) { !isLogarithmic || $0 > 0 }
    if let low = options.minimum, let high = options.maximum, low >= high {
      throw UsageError("--min must be below --max")
    }
    return options
  }

  /// The curves of all logs that have any.
  private static func runs(_ paths: [String], _ options: Chart.Options, isQuiet: Bool) throws -> [Chart.Run] {
    var runs: [Chart.Run] = []
    var reasons: [FileError] = []
    for (path, name) in zip(paths, ChartText.names(ofFiles: paths)) {
      let log = try TrainingLog(path: path)
      if !isQuiet {
        for error in log.damage { Terminal.note("warning: \(error); passed over") }
        let others = log.damagedLines - log.damage.count
        if others > 0 {
          Terminal.note(
            "warning: \(path): \(Format.count(others, "more line")) could not be read; passed over")
        }
      }
      if let run = Chart.run(log, name: name, options) {
        runs.append(run)
        continue
      }
      let isEmpty = log.steps.isEmpty && log.epochs.isEmpty
      let reason =
        isEmpty
        ? "the log has no step or epoch yet"
        : "the log has no \(options.y.rawValue) over \(options.x.rawValue); try another --x or --y"
      reasons.append(FileError(path: path == "-" ? "standard input" : path, reason: reason))
    }
    if runs.isEmpty, let first = reasons.first { throw first }
    if !isQuiet { for reason in reasons { Terminal.note("warning: \(reason); passed over") } }
    return runs
  }
}
