import Charts
import Glibc
import LanguageModels
import NeuralModels

/// `lmctl inspect --error-wall`: the error of one recurrent unit over its weight and its bias, and two descents into it.
struct ErrorWallPicture {
  private let settings: InspectSettings

  /// Where the descents begin, and how they go: above the wall, with a rate at which it throws one of them away.
  private static let start = ErrorWall.Point(w: 6, b: -2.6)
  private static let (rate, clip, updates) = (0.05, 1.0, 60)
  /// What is shown.
  private static let (weights, biases, columns, rows) = (3.0...7.0, -4.0 ... -1.0, 160, 120)

  init(_ settings: InspectSettings, _ operands: [String]) throws {
    self.settings = settings
    if let first = operands.first {
      throw UsageError("--error-wall needs no model and no text; leave out '\(first)'")
    }
    if let output = settings.output {
      try PictureFile.check(output, inputs: [], isForced: settings.common.isForced)
    }
  }

  /// Computes it, and shows it.
  func show() throws {
    let paths = [("without clipping", nil), ("norm clipped to 1", Self.clip)].map { name, clip in
      (
        name: name,
        points: ErrorWall.descent(from: Self.start, rate: Self.rate, clip: clip, updates: Self.updates)
      )
    }
    let output = StandardOutput.shared
    let chart = chart(paths)
    if let path = settings.output {
      try PictureFile.write(SVGChart(chart, width: 800, height: 620), to: path)
      if OutputTarget.isStandardOutput(path) { return }
    }
    if settings.asJSON {
      let descents = paths.map { name, points -> JSONValue in
        [
          "name": .string(name),
          "points": .array(
            points.map { .array([.number($0.w), .number($0.b), .number(ErrorWall.error(at: $0).value)]) }),
        ]
      }
      return output.write(JSONValue.object([.init("descents", .array(descents))]).text + "\n")
    }
    if settings.output == nil {
      output.write(TextChart(chart, width: 80, height: 24, isColoured: Terminal.isColoured).text)
    }
  }

  private func chart(_ paths: [(name: String, points: [ErrorWall.Point])]) -> Chart {
    func middle(_ range: ClosedRange<Double>, _ i: Int, _ count: Int) -> Double {
      range.lowerBound + (Double(i) + 0.5) / Double(count) * (range.upperBound - range.lowerBound)
    }
    // The root of the error is |x₅₀ − 0.7|, whose colours show the valley as well as the heights.
    let rows = (0..<Self.rows).map { row in
      (0..<Self.columns).map { column in
        let point = ErrorWall.Point(
          w: middle(Self.weights, column, Self.columns), b: middle(Self.biases, row, Self.rows))
        return ErrorWall.error(at: point).value.squareRoot() / 4.5
      }
    }
    let curves = paths.enumerated().map { i, path in
      let points = path.points.map { ChartPoint(x: $0.w, y: $0.b) }
      var curve = Chart.Curve(name: path.name, line: points, marked: points)
      let distance = path.points.map { hypot($0.w - Self.start.w, $0.b - Self.start.b) }.max() ?? 0
      let end = ErrorWall.error(at: path.points[path.points.count - 1]).value
      curve.note =
        "up to \(ChartText.figure(distance)) from its start, last error \(ChartText.figure(end))"
      curve.figures = curve.note
      curve.colour = 1 + i
      return curve
    }
    var chart = Chart(
      title: "The error of one recurrent unit has a wall",
      curves: curves,
      x: Axis(
        "w   (x(t) = w σ(x(t − 1)) + b,  x(0) = 0.5,  colours: |x(50) − 0.7|)", .linear,
        from: Self.weights.lowerBound, to: Self.weights.upperBound),
      y: Axis("b", .linear, from: Self.biases.lowerBound, to: Self.biases.upperBound))
    chart.surface = .init(rows: rows, scale: .sequential)
    return chart
  }
}
