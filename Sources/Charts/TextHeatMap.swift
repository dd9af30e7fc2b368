/// Draws heat maps with characters: a cell is a coloured space, or without colours a character that is the fuller the larger its value.
public struct TextHeatMap {
  private let maps: HeatMaps
  private let width: Int
  private let isColoured: Bool

  /// Maps in `width` columns; what has no room is left out at the right.
  public init(_ maps: HeatMaps, width: Int, isColoured: Bool) {
    (self.maps, self.width, self.isColoured) = (maps, width, isColoured)
  }

  /// The maps, one below the other.
  public var text: String {
    let labels = maps.maps.flatMap(\.rowLabels)
    let labelWidth = labels.map { ChartText.columns($0) }.max() ?? 0
    let room = max(4, width - labelWidth - 2)
    let count = min(maps.columnLabels.count, room)
    // Wider cells while there is room.
    let cellWidth = max(1, min(3, room / max(1, count)))
    let head = String(repeating: " ", count: labelWidth + 2)
    let names = maps.columnLabels.prefix(count).map { label in
      let name = String(ChartText.printable(label).prefix(cellWidth))
      return name + String(repeating: " ", count: max(0, cellWidth - ChartText.columns(name)))
    }.joined()
    var lines: [String] = maps.title.isEmpty ? [] : [ChartText.shortened(maps.title, to: width)]
    for map in maps.maps {
      lines.append("")
      lines.append(head + ChartText.shortened(map.name, to: width - labelWidth - 2))
      for (label, row) in zip(map.rowLabels, map.rows) {
        let space = String(repeating: " ", count: labelWidth - ChartText.columns(label))
        lines.append(space + label + "  " + row.prefix(count).map { cell($0, map.scale, cellWidth) }.joined())
      }
      lines.append(head + names)
    }
    lines.append("")
    lines += maps.scales.map { scale in
      let (low, high) = (scale.limits.lowerBound, scale.limits.upperBound)
      let bar = (0..<ColourScale.steps).map { step in
        cell(low + (high - low) * Double(step) / Double(ColourScale.steps - 1), scale, 1)
      }
      return "\(Axis.labels([low])[0]) \(bar.joined()) \(Axis.labels([high])[0])"
    }
    if count < maps.columnLabels.count {
      lines.append("the first \(count) of \(maps.columnLabels.count) columns; a picture (-o) has them all")
    }
    return lines.map { line in
      var line = line[...]
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  private func cell(_ value: Double, _ scale: ColourScale, _ width: Int) -> String {
    guard value.isFinite else { return String(repeating: " ", count: width) }
    guard isColoured else { return String(repeating: scale.character(value), count: width) }
    // The cube of 6 × 6 × 6 colours that every terminal has; terminals are dark more often than not.
    let colour = scale.colour(scale.step(value), isDark: true).reduce(0) { $0 * 6 + ($1 * 5 + 127) / 255 }
    return "\u{1B}[48;5;\(16 + colour)m\(String(repeating: " ", count: width))\u{1B}[0m"
  }
}
