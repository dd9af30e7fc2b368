import Charts
import Glibc
import LanguageModels

/// The curves of training runs, as a chart.
enum TrainingCurves {
  /// One training run.
  struct Run {
    let name: String
    /// On the training text.
    var training: [ChartPoint]
    /// On held-out text, epoch by epoch.
    var heldOut: [ChartPoint]

    /// Whether more is better.
    var isToRise = false

    /// The best held-out value.
    var best: ChartPoint? {
      heldOut.filter { $0.y.isFinite }.min { isToRise ? $0.y > $1.y : $0.y < $1.y }
    }
    /// The last value on the training text.
    var last: ChartPoint? { training.last { $0.y.isFinite } }

    /// The run as a curve whose horizontal unit is `size` of the log's.
    fileprivate func curve(_ measuresText: Bool, unit size: Double) -> Chart.Curve {
      func scaled(_ point: ChartPoint) -> ChartPoint { ChartPoint(x: point.x / size, y: point.y) }
      var curve = Chart.Curve(name: name, line: training.map(scaled), marked: heldOut.map(scaled))
      var figures: [String] = []
      if let last { figures.append("\(measuresText ? "training" : "last") \(ChartText.figure(last.y))") }
      if let best, let last = heldOut.last {
        curve.ringed = scaled(best)
        curve.note = "best \(ChartText.figure(best.y))"
        curve.description = "best held-out value \(ChartText.figure(best.y))"
        figures.append("held out \(ChartText.figure(last.y))")
        if best != last { figures.append(curve.note) }
      }
      curve.figures = figures.joined(separator: ", ")
      return curve
    }
  }

  /// What to show, and how.
  struct Options {
    var x = HorizontalQuantity.steps
    var y = VerticalQuantity.perplexity
    var scale: AxisScale?
    /// The lowest value shown.
    var minimum: Double?
    /// The highest value shown.
    var maximum: Double?
    var title: String?
  }

  /// A chart of `runs`, of which each has at least one point.
  static func chart(_ runs: [Run], _ options: Options) -> Chart {
    let scale = options.scale ?? options.y.scale
    let points = runs.flatMap { $0.training + $0.heldOut }
    let largest = points.lazy.map(\.x).max() ?? 0
    let unit = options.x.unit(upTo: largest)
    let isWhole = options.x == .steps || options.x == .tokens || options.x == .epochs && largest >= 3
    let limits = limits(runs, scale, options)
    let scaleName = scale == .log ? " (logarithmic)" : ""
    return Chart(
      title: options.title ?? (runs.count == 1 ? runs[0].name : ""),
      curves: runs.map { $0.curve(options.y.measuresText, unit: unit.size) },
      x: Axis(
        unit.title, .linear, from: 0, to: largest > 0 ? largest / unit.size : 1, isWhole: isWhole),
      y: Axis(options.y.title + scaleName, scale, from: limits.lowerBound, to: limits.upperBound),
      key: options.y.measuresText ? .init(line: "training text", marked: "held-out text") : nil)
  }

  /// The curves of one log; `nil` if it has no point to show.
  static func run(_ log: TrainingLog, name: String, _ options: Options) -> Run? {
    let scale = options.scale ?? options.y.scale
    func points(_ records: [TrainingLog.Record], _ value: (TrainingLog.Record) -> Double) -> [ChartPoint] {
      let points = records.map { record in
        let y = value(record)
        return ChartPoint(x: options.x.value(record, in: log), y: scale.transformed(y).isFinite ? y : .nan)
      }
      return points.filter { $0.x.isFinite && $0.x >= 0 }
    }
    let training = points(log.steps.isEmpty ? log.epochs : log.steps, options.y.training)
    // An epoch without a held-out value is no gap: the run was not measured there.
    let heldOut = points(log.epochs, options.y.heldOut).filter(\.y.isFinite)
    let run = Run(name: name, training: training, heldOut: heldOut, isToRise: options.y == .accuracy)
    return run.last == nil && heldOut.isEmpty ? nil : run
  }

  /// The values between which the vertical axis lies.
  ///
  /// Of quantities that start far above what matters later, the highest twentieth of the values on the training text may lie outside,
  /// where the first steps and a divergence would flatten all else. Held-out values lie inside unless they are as far away.
  private static func limits(_ runs: [Run], _ scale: AxisScale, _ options: Options) -> ClosedRange<Double> {
    let training = runs.flatMap(\.training).map { scale.transformed($0.y) }.filter(\.isFinite).sorted()
    let heldOut = runs.flatMap(\.heldOut).map { scale.transformed($0.y) }.sorted()
    var (low, high) = (Double.infinity, -Double.infinity)
    for values in [training, heldOut] where !values.isEmpty {
      let (first, last) = (values[0], values[values.count - 1])
      let (middle, top) = (values[values.count / 2], values[19 * (values.count - 1) / 20])
      let isCut = options.y.measuresText && values.count >= 20
      low = min(low, first)
      high = max(high, isCut ? min(last, top + 0.6 * (top - first), middle + 8 * (middle - first)) : last)
    }
    let margin = 0.04 * (high - low)
    var (lower, upper) = (scale.value(at: low - margin), scale.value(at: high + margin))
    if scale == .linear, options.y.beginsAtZero || low >= 0 && low < 0.2 * high { lower = 0 }
    lower = options.minimum ?? lower
    upper = options.maximum ?? upper
    if lower > upper || lower == upper && (options.minimum ?? options.maximum) != nil {
      // A limit beyond all data leaves an empty picture, but a picture.
      if options.minimum != nil {
        upper = lower + max(1, abs(lower))
      } else {
        lower = upper - max(1, abs(upper)) / 2
      }
    }
    return min(lower, upper)...max(lower, upper)
  }
}
