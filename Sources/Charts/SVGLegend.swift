/// The legend below a chart: a key to the kinds of lines, then the curves in columns.
struct SVGLegend {
  /// One entry: a sample of its lines, and what they are.
  private struct Entry {
    enum Sample {
      case line
      case dashed
      case marked
    }
    let sample: Sample
    /// The number of its colour; `nil` for the key to all.
    let colour: Int?
    let name: String
    var note = ""
  }

  private let hasMarked: Bool
  private var rows: [[Entry]] = []
  private var columnWidths: [Double] = []
  /// The rows before those of the key.
  private var entryRows = 0
  private static let (rowHeight, sampleWidth, gap) = (22.0, 38.0, 22.0)

  /// The legend of `chart` in `width` pixels.
  init(_ chart: Chart, width: Double) {
    hasMarked = chart.hasMarked
    let isOne = chart.curves.count == 1
    let hasLines = chart.curves.contains { !$0.line.isEmpty }
    var key: [Entry] = []
    if let names = chart.key {
      let colour = isOne ? chart.colour(0) : nil
      if hasLines, isOne || hasMarked { key.append(Entry(sample: .line, colour: colour, name: names.line)) }
      if hasMarked {
        key.append(
          Entry(sample: .marked, colour: colour, name: names.marked, note: isOne ? chart.curves[0].note : ""))
      }
    }
    if !isOne {
      var entries = chart.curves.enumerated().map { i, curve in
        let sample: Entry.Sample = !curve.marked.isEmpty ? .marked : curve.isDashed ? .dashed : .line
        let name = ChartText.shortened(curve.name, to: 40)
        return Entry(sample: sample, colour: chart.colour(i), name: name, note: curve.note)
      }
      // A name longer than the picture is shortened until it fits.
      for i in entries.indices {
        while Self.width(entries[i]) > width, entries[i].name.count > 4 {
          entries[i] = Entry(
            sample: entries[i].sample, colour: entries[i].colour,
            name: ChartText.shortened(entries[i].name, to: ChartText.columns(entries[i].name) - 1),
            note: entries[i].note)
        }
      }
      // As many columns, each as wide as its widest entry, as have room.
      for columns in stride(from: entries.count, through: 1, by: -1) {
        columnWidths = (0..<columns).map { column in
          stride(from: column, to: entries.count, by: columns).map { Self.width(entries[$0]) }.max() ?? 0
        }
        if columnWidths.reduce(-Self.gap, { $0 + $1 + Self.gap }) <= width { break }
      }
      rows = stride(from: 0, to: entries.count, by: columnWidths.count).map {
        Array(entries[$0..<min($0 + columnWidths.count, entries.count)])
      }
    }
    entryRows = rows.count
    let keyWidth = key.reduce(-Self.gap) { $0 + Self.width($1) + Self.gap }
    if keyWidth > width { rows += key.map { [$0] } } else if !key.isEmpty { rows.append(key) }
  }

  /// Its height in pixels.
  var height: Double { Double(rows.count) * Self.rowHeight }

  private static func width(_ entry: Entry) -> Double {
    sampleWidth + SVGText.width(entry.name) + (entry.note.isEmpty ? 0 : 8 + SVGText.width(entry.note))
  }

  /// The legend with its upper left corner at (`x`, `y`).
  func drawn(x: Double, y: Double) -> [String] {
    rows.enumerated().flatMap { i, row in
      var left = x
      return row.enumerated().map { column, entry in
        defer {
          let isInColumn = i < entryRows && column < columnWidths.count
          left += (isInColumn ? columnWidths[column] : Self.width(entry)) + Self.gap
        }
        return draw(entry, left, y + (Double(i) + 0.5) * Self.rowHeight)
      }
    }
  }

  private func draw(_ entry: Entry, _ x: Double, _ y: Double) -> String {
    let colour = entry.colour.map(SVGStyle.colour) ?? "key"
    let line = "d=\"M\(SVGText.pair(x, y))h28\"/>"
    var text = ""
    switch entry.sample {
    case .line, .dashed:
      let dashes = entry.sample == .dashed ? SVGStyle.dashes : ""
      text += "<path class=\"line \(hasMarked ? "thin" : "medium") \(colour)\"\(dashes) \(line)"
    case .marked:
      let marker = SVGStyle.marker(entry.colour ?? 0, x + 14, y, radius: 3.6)
      text += "<path class=\"line strong \(colour)\" \(line)"
      text += "<path class=\"halo\" d=\"\(marker)\"/><path class=\"f \(colour)\" d=\"\(marker)\"/>"
    }
    let note =
      entry.note.isEmpty ? "" : " <tspan class=\"minor\" dx=\"4\">\(SVGText.escaped(entry.note))</tspan>"
    text += "<text x=\"\(SVGText.number(x + Self.sampleWidth))\" y=\"\(SVGText.number(y + 4.5))\">"
    return text + "\(SVGText.escaped(entry.name))\(note)</text>"
  }
}
