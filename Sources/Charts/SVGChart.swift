/// Draws a chart as an SVG picture: axes with titles and grid, thin lines, strong lines with markers, a ring around the point of each
/// curve that stands out, and the legend below the axes, where no curve can be.
public struct SVGChart: SVGPicture {
  private let chart: Chart
  public let width: Double
  public let height: Double
  private let legend: SVGLegend
  // The rectangle of the curves.
  private let left: Double
  private let right: Double
  private let top: Double
  private let bottom: Double
  private let xTicks: [Double]
  private let yTicks: [Double]

  /// A picture of `width` pixels by `height`, or higher if the legend needs it.
  public init(_ chart: Chart, width: Int, height: Int) {
    self.chart = chart
    self.width = Double(width)
    top = chart.title.isEmpty ? 42 : 74
    let legendTop = 50.0
    // Every label has its place: a width that depends on the ticks, which depend on the height only.
    let margin = 20.0
    legend = SVGLegend(chart, width: self.width - 2 * margin)
    let plotHeight = max(Double(height) - top - legendTop - legend.height - 14, 0.45 * Double(height))
    bottom = top + plotHeight
    self.height = bottom + legendTop + legend.height + 14
    yTicks = chart.y.ticks(atMost: Int(plotHeight / 40))
    let widest = Axis.labels(yTicks).map { SVGText.width($0) }.max() ?? 0
    left = margin + widest + 8
    right = self.width - 28
    // As many ticks as labels of their width have room.
    var count = max(2, Int((right - left) / 60))
    var ticks = chart.x.ticks(atMost: count)
    while count > 2 {
      let label = Axis.labels(ticks).map { SVGText.width($0) }.max() ?? 0
      let distance =
        ticks.count > 1
        ? (right - left) * chart.x.position(of: chart.x.lower + ticks[1] - ticks[0]) : .infinity
      if distance >= label + 24 { break }
      count -= 1
      ticks = chart.x.ticks(atMost: count)
    }
    xTicks = ticks
  }

  /// The picture.
  public var text: String {
    let size = "\(SVGText.number(width)) \(SVGText.number(height))"
    let frame =
      "x=\"\(SVGText.number(left))\" y=\"\(SVGText.number(top))\" width=\"\(SVGText.number(right - left + 4))\" height=\"\(SVGText.number(bottom - top + 2))\""
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(SVGText.number(width))\" height=\"\(SVGText.number(height))\" viewBox=\"0 0 \(size)\" role=\"img\">",
      "<title>\(SVGText.escaped(chart.title.isEmpty ? chart.y.title : chart.title))</title>",
      "<desc>\(SVGText.escaped(description))</desc>",
      "<style>\n\(SVGStyle.sheet)\(surfaceRules)\n</style>",
      "<clipPath id=\"plot\"><rect \(frame)/></clipPath>",
      "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>",
    ]
    if !chart.title.isEmpty {
      let title = ChartText.shortened(chart.title, to: Int((width - 40) / 11))
      parts.append("<text class=\"title\" x=\"20\" y=\"29\">\(SVGText.escaped(title))</text>")
    }
    parts += axes
    parts.append("<g clip-path=\"url(#plot)\">")
    parts += surface
    for (i, curve) in chart.curves.enumerated() { parts.append(band(of: curve, colour(i))) }
    for (i, curve) in chart.curves.enumerated() {
      let style = chart.hasMarked ? "thin" : "medium"
      parts.append(path(of: curve.line, style, colour(i), isDashed: curve.isDashed))
    }
    for (i, curve) in chart.curves.enumerated() {
      parts.append(path(of: curve.marked, "strong", colour(i)))
    }
    parts.append("</g>")
    for (i, curve) in chart.curves.enumerated() { parts += markers(of: curve, chart.colour(i)) }
    parts += legend.drawn(x: 20, y: bottom + 50)
    parts.append("</svg>")
    return parts.filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
  }

  private var description: String {
    let curves = chart.curves.map { $0.description.isEmpty ? $0.name : "\($0.name): \($0.description)" }
    return "\(chart.y.title) over \(chart.x.title). \(curves.joined(separator: "; "))."
  }

  // MARK: Axes

  private var axes: [String] {
    var parts: [String] = []
    let edges = (left: SVGText.number(left), right: SVGText.number(right), bottom: SVGText.number(bottom))
    for (tick, label) in zip(yTicks, Axis.labels(yTicks)) {
      let y = place(y: tick)
      parts.append("<path class=\"grid\" d=\"M\(edges.left) \(SVGText.number(y))H\(edges.right)\"/>")
      parts.append(
        "<text class=\"minor\" x=\"\(SVGText.number(left - 8))\" y=\"\(SVGText.number(y + 4.5))\" text-anchor=\"end\">\(label)</text>"
      )
    }
    for (tick, label) in zip(xTicks, Axis.labels(xTicks)) {
      let x = SVGText.number(place(x: tick))
      parts.append("<path class=\"axis\" d=\"M\(x) \(edges.bottom)v5\"/>")
      parts.append(
        "<text class=\"minor\" x=\"\(x)\" y=\"\(SVGText.number(bottom + 20))\" text-anchor=\"middle\">\(label)</text>"
      )
    }
    parts.append("<path class=\"axis\" d=\"M\(edges.left) \(edges.bottom)H\(edges.right)\"/>")
    parts.append(
      "<text x=\"20\" y=\"\(SVGText.number(top - 16))\">\(SVGText.escaped(ChartText.shortened(chart.y.title, to: Int((width - 40) / 8))))</text>"
    )
    parts.append(
      "<text x=\"\(SVGText.number((left + right) / 2))\" y=\"\(SVGText.number(bottom + 40))\" text-anchor=\"middle\">\(SVGText.escaped(chart.x.title))</text>"
    )
    return parts
  }

  // MARK: Surface

  private var surfaceRules: String {
    guard let scale = chart.surface?.scale else { return "" }
    return
      "\n\(scale.rules(isDark: false))\n@media (prefers-color-scheme:dark){\n\(scale.rules(isDark: true))\n}"
  }

  /// The values behind the curves, as rectangles.
  private var surface: [String] {
    guard let surface = chart.surface, let columns = surface.rows.first?.count else { return [] }
    let width = (right - left) / Double(columns)
    let height = (bottom - top) / Double(surface.rows.count)
    return SVGText.cells(
      surface.rows.reversed(), surface.scale, x: left, y: top, width: width, height: height)
  }

  // MARK: Curves

  private func place(x: Double) -> Double { left + (right - left) * chart.x.position(of: x) }

  /// Not far outside the picture, whatever the value.
  private func place(y: Double) -> Double {
    max(-2000, min(bottom - (bottom - top) * chart.y.position(of: y), bottom + 2000))
  }

  private func colour(_ curve: Int) -> String { SVGStyle.colour(chart.colour(curve)) }

  /// The area between which a curve spreads.
  private func band(of curve: Chart.Curve, _ colour: String) -> String {
    let points = curve.band.filter { chart.y.position(of: $0.low).isFinite && $0.high.isFinite }
    if points.isEmpty { return "" }
    let edge =
      points.map { SVGText.pair(place(x: $0.x), place(y: $0.high)) }
      + points.reversed().map { SVGText.pair(place(x: $0.x), place(y: $0.low)) }
    return "<path class=\"f \(colour)\" fill-opacity=\".16\" d=\"M\(edge.joined(separator: "L"))Z\"/>"
  }

  /// A curve, with a gap wherever there is no number; a point between gaps is a dot.
  private func path(
    of points: [ChartPoint], _ style: String, _ colour: String, isDashed: Bool = false
  ) -> String {
    let points = CurveThinning.thinned(points, along: chart.x, columns: Int(right - left))
    var (data, dots, last) = ("", "", "")
    var (isDrawing, isAlone) = (false, false)
    for point in points {
      guard point.y.isFinite else {
        if isAlone { dots += last }
        (isDrawing, isAlone) = (false, false)
        continue
      }
      let place = SVGText.pair(place(x: point.x), place(y: point.y))
      data += (isDrawing ? "L" : "M") + place
      last = "M\(place)h0"
      (isDrawing, isAlone) = (true, !isDrawing)
    }
    if isAlone { dots += last }
    let lines =
      data.isEmpty
      ? "" : "<path class=\"line \(style) \(colour)\"\(isDashed ? SVGStyle.dashes : "") d=\"\(data)\"/>"
    return lines + (dots.isEmpty ? "" : "<path class=\"dots \(colour)\" d=\"\(dots)\"/>")
  }

  /// Markers on the strong line where there is room for them, and a ring around the point that stands out.
  private func markers(of curve: Chart.Curve, _ number: Int) -> [String] {
    let colour = SVGStyle.colour(number)
    let ringedX = curve.ringed.map { place(x: $0.x) } ?? -.infinity
    var (marks, lastX) = ("", -Double.infinity)
    var ring = ""
    for point in curve.marked {
      let (x, y) = (place(x: point.x), place(y: point.y))
      guard (top - 1...bottom + 1).contains(y) else { continue }
      if point == curve.ringed {
        ring = "<path class=\"ring \(colour)\" d=\"\(SVGStyle.marker(0, x, y, radius: 7.5))\"/>"
      } else if x - lastX < 14 || abs(x - ringedX) < 14 {
        continue
      }
      marks += SVGStyle.marker(number, x, y, radius: 3.6)
      lastX = x
    }
    if marks.isEmpty { return [] }
    return ["<path class=\"halo\" d=\"\(marks)\"/>", "<path class=\"f \(colour)\" d=\"\(marks)\"/>", ring]
  }
}
