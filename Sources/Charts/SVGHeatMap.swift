/// Draws heat maps as an SVG picture: as many side by side as have room, each with its name, the labels of its rows and of its columns, and
/// below all of them a bar for each scale.
public struct SVGHeatMap: SVGPicture {
  private let maps: HeatMaps
  private let cell: (width: Double, height: Double)
  private var across: Int
  private let isTilted: Bool
  private let labelWidth: Double
  private let labelHeight: Double
  private let rowCount: Int

  private static let (margin, gap, heading, bar) = (20.0, 26.0, 24.0, 56.0)

  /// A picture of about `width` pixels; wider if the columns need it.
  public init(_ maps: HeatMaps, width: Int = 1100) {
    self.maps = maps
    let widest = maps.columnLabels.map { SVGText.width($0, size: Self.small) }.max() ?? 0
    isTilted = widest > 18
    let count = Double(max(1, maps.columnLabels.count))
    let cellWidth = max(isTilted ? 15 : 12, min(26, (isTilted ? 360 : 440) / count))
    rowCount = maps.maps.map(\.rows.count).max() ?? 0
    let cellHeight = rowCount > 64 ? 4.0 : rowCount > 40 ? 6 : rowCount > 16 ? 10 : 14
    cell = (cellWidth, cellHeight)
    labelWidth =
      6 + (maps.maps.flatMap(\.rowLabels).map { SVGText.width($0, size: Self.small) }.max() ?? 0)
    labelHeight = isTilted ? min(widest, 90) + 10 : 20
    let mapWidth = labelWidth + count * cellWidth
    across = max(
      1,
      min(
        maps.groups.map(\.count).max() ?? 1,
        Int((Double(width) - 2 * Self.margin + Self.gap) / (mapWidth + Self.gap))))
    // No line is much shorter than the others.
    let longest = maps.groups.map(\.count).max() ?? 1
    let lines = (longest + across - 1) / across
    across = max(1, (longest + lines - 1) / max(1, lines))
  }

  private static let small = 11.0

  private var mapWidth: Double { labelWidth + Double(maps.columnLabels.count) * cell.width }
  private var mapHeight: Double { Self.heading + Double(rowCount) * cell.height + labelHeight }

  /// How many lines a group of maps takes.
  private func lines(_ group: [HeatMap]) -> Int { (group.count + across - 1) / across }

  private var top: Double { maps.title.isEmpty ? 16 : 48 }
  private var barTop: Double {
    top + Double(maps.groups.reduce(0) { $0 + lines($1) }) * (mapHeight + 14)
  }
  public var width: Double {
    max(Double(across) * (mapWidth + Self.gap) - Self.gap + 2 * Self.margin, 520)
  }
  public var height: Double { barTop + Self.bar }

  /// The picture.
  public var text: String {
    var parts = SVGText.head(
      width: width, height: height, title: maps.title.isEmpty ? "heat maps" : maps.title,
      description:
        "\(maps.maps.map(\.name).joined(separator: ", ")): \(maps.rowTitle) by \(maps.columnLabels.joined(separator: " "))",
      rules: { isDark in
        "text.small{font-size:\(SVGText.number(Self.small))px}"
          + maps.scales.map { $0.rules(isDark: isDark) }.joined(separator: "\n")
      })
    if !maps.title.isEmpty {
      let title = ChartText.shortened(maps.title, to: Int((width - 40) / 9))
      parts.append("<text class=\"title\" x=\"20\" y=\"29\">\(SVGText.escaped(title))</text>")
    }
    var line = 0
    for group in maps.groups {
      for (i, map) in group.enumerated() {
        parts += draw(
          map, Self.margin + Double(i % across) * (mapWidth + Self.gap),
          top + Double(line + i / across) * (mapHeight + 14))
      }
      line += lines(group)
    }
    var left = Self.margin
    for scale in maps.scales {
      parts += draw(scale, left, barTop + 8)
      left += 246
    }
    parts.append("</svg>")
    return parts.joined(separator: "\n") + "\n"
  }

  private func draw(_ map: HeatMap, _ x: Double, _ y: Double) -> [String] {
    let (left, top) = (x + labelWidth, y + Self.heading)
    var parts = [
      "<text x=\"\(SVGText.number(left))\" y=\"\(SVGText.number(y + 16))\">\(SVGText.escaped(map.name))</text>"
    ]
    parts += SVGText.cells(map.rows, map.scale, x: left, y: top, width: cell.width, height: cell.height)
    // As many labels of rows as have room.
    let stride = max(1, Int((12 / cell.height).rounded(.up)))
    for (i, label) in map.rowLabels.enumerated() where i % stride == 0 {
      let middle = top + (Double(i) + 0.5) * cell.height + 4
      parts.append(
        "<text class=\"minor small\" x=\"\(SVGText.number(left - 5))\" y=\"\(SVGText.number(middle))\" text-anchor=\"end\">\(SVGText.escaped(label))</text>"
      )
    }
    let bottom = top + Double(map.rows.count) * cell.height
    for (i, label) in maps.columnLabels.enumerated() {
      let middle = left + (Double(i) + 0.5) * cell.width
      let shown = SVGText.escaped(ChartText.shortened(label, to: 12))
      let place =
        isTilted
        ? "transform=\"translate(\(SVGText.number(middle + 4)),\(SVGText.number(bottom + 7)))rotate(-90)\" text-anchor=\"end\""
        : "x=\"\(SVGText.number(middle))\" y=\"\(SVGText.number(bottom + 14))\" text-anchor=\"middle\""
      parts.append("<text class=\"small\" \(place)>\(shown)</text>")
    }
    return parts
  }

  /// The bar of a scale, with its ends and its middle.
  private func draw(_ scale: ColourScale, _ x: Double, _ y: Double) -> [String] {
    let step = 10.0
    var parts = (0..<ColourScale.steps).map { i in
      "<rect class=\"\(scale.letter)\(i)\" shape-rendering=\"crispEdges\" x=\"\(SVGText.number(x + Double(i) * step))\" y=\"\(SVGText.number(y))\" width=\"10\" height=\"12\"/>"
    }
    let (low, high) = (scale.limits.lowerBound, scale.limits.upperBound)
    for (value, share, anchor) in [
      (low, 0.0, "start"), ((low + high) / 2, 0.5, "middle"), (high, 1, "end"),
    ] {
      let place = x + share * step * Double(ColourScale.steps)
      parts.append(
        "<text class=\"minor small\" x=\"\(SVGText.number(place))\" y=\"\(SVGText.number(y + 26))\" text-anchor=\"\(anchor)\">\(Axis.labels([value])[0])</text>"
      )
    }
    return parts
  }
}

extension SVGText {
  /// Values as rectangles of their colours: all of one colour are one path, neighbours in a row one rectangle.
  static func cells(
    _ rows: [[Double]], _ scale: ColourScale, x: Double, y: Double, width: Double, height: Double
  ) -> [String] {
    var paths = [String](repeating: "", count: ColourScale.steps)
    for (i, row) in rows.enumerated() {
      var column = 0
      while column < row.count {
        let first = column
        column += 1
        guard row[first].isFinite else { continue }
        let step = scale.step(row[first])
        while column < row.count, row[column].isFinite, scale.step(row[column]) == step { column += 1 }
        let place = pair(x + Double(first) * width, y + Double(i) * height)
        // Half a pixel under the next one, so that rounding leaves no seam.
        let across = number(Double(column - first) * width + (column < row.count ? 0.5 : 0))
        paths[step] += "M\(place)h\(across)v\(number(height))h-\(across)Z"
      }
    }
    return paths.enumerated().filter { !$1.isEmpty }.map { step, path in
      "<path class=\"\(scale.letter)\(step)\" shape-rendering=\"crispEdges\" d=\"\(path)\"/>"
    }
  }
}
