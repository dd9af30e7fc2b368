/// The legend below a chart: a key to the kinds of lines, then the runs in columns.
struct SVGLegend {
  /// One entry: a sample of its lines, and what they are.
  private struct Entry {
    enum Sample {
      case training
      case heldOut
      case both
    }
    let sample: Sample
    /// The run's number; `nil` for the key to all.
    let run: Int?
    let name: String
    var note = ""
  }

  private let hasHeldOut: Bool
  private var rows: [[Entry]] = []
  private var columnWidths: [Double] = []
  private static let (rowHeight, sampleWidth, gap) = (22.0, 38.0, 22.0)

  /// The legend of `chart` in `width` pixels.
  init(_ chart: Chart, width: Double) {
    hasHeldOut = chart.hasHeldOut
    let isOne = chart.runs.count == 1
    let best = chart.runs.map { run in run.best.map { "best \(ChartText.figure($0.y))" } ?? "" }
    let hasTraining = chart.runs.contains { !$0.training.isEmpty }
    var key: [Entry] = []
    if hasTraining, isOne && chart.measuresText || chart.hasHeldOut {
      key.append(Entry(sample: .training, run: isOne ? 0 : nil, name: "training text"))
    }
    if chart.hasHeldOut {
      key.append(
        Entry(sample: .heldOut, run: isOne ? 0 : nil, name: "held-out text", note: isOne ? best[0] : ""))
    }
    if !isOne {
      var entries = chart.runs.enumerated().map { i, run in
        let sample = chart.hasHeldOut && !run.heldOut.isEmpty ? Entry.Sample.both : .training
        return Entry(sample: sample, run: i, name: ChartText.shortened(run.name, to: 40), note: best[i])
      }
      // A name longer than the picture is shortened until it fits.
      for i in entries.indices {
        while Self.width(entries[i]) > width, entries[i].name.count > 4 {
          entries[i] = Entry(
            sample: entries[i].sample, run: i,
            name: ChartText.shortened(entries[i].name, to: ChartText.columns(entries[i].name) - 1),
            note: best[i])
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
          let isInColumn = entry.run != nil && column < columnWidths.count
          left += (isInColumn ? columnWidths[column] : Self.width(entry)) + Self.gap
        }
        return draw(entry, left, y + (Double(i) + 0.5) * Self.rowHeight)
      }
    }
  }

  private func draw(_ entry: Entry, _ x: Double, _ y: Double) -> String {
    let colour = entry.run.map(SVGStyle.colour) ?? "key"
    let line = "d=\"M\(SVGText.pair(x, y))h28\"/>"
    var text = ""
    switch entry.sample {
    case .training: text += "<path class=\"line \(hasHeldOut ? "thin" : "medium") \(colour)\" \(line)"
    case .heldOut, .both:
      let marker = SVGStyle.marker(entry.run ?? 0, x + 14, y, radius: 3.6)
      text += "<path class=\"line strong \(colour)\" \(line)"
      text += "<path class=\"halo\" d=\"\(marker)\"/><path class=\"f \(colour)\" d=\"\(marker)\"/>"
    }
    let note =
      entry.note.isEmpty ? "" : " <tspan class=\"minor\" dx=\"4\">\(SVGText.escaped(entry.note))</tspan>"
    text += "<text x=\"\(SVGText.number(x + Self.sampleWidth))\" y=\"\(SVGText.number(y + 4.5))\">"
    return text + "\(SVGText.escaped(entry.name))\(note)</text>"
  }
}
