/// Draws a chart with characters: curves in the dots of Braille letters, two across and four down in each, marked points as dots or letters.
public struct TextChart {
  private struct Cell {
    var dots: UInt8 = 0
    var mark: Character?
    var curve = 0
  }

  private let chart: Chart
  private let width: Int
  private let labelWidth: Int
  private let plotWidth: Int
  private let plotHeight: Int
  private let yTicks: [Double]
  private let isColoured: Bool
  private var cells: [[Cell]]

  /// A chart in `width` columns and `height` lines and the legend's.
  public init(_ chart: Chart, width: Int, height: Int, isColoured: Bool) {
    self.chart = chart
    self.width = width
    self.isColoured = isColoured
    plotHeight = max(4, height - 4)
    yTicks = chart.y.ticks(atMost: max(2, plotHeight / 3))
    labelWidth = Axis.labels(yTicks).map(\.count).max() ?? 0
    plotWidth = max(8, width - labelWidth - 2)
    cells = [[Cell]](repeating: [Cell](repeating: Cell(), count: plotWidth), count: plotHeight)
    for (i, curve) in chart.curves.enumerated() { draw(curve.line, i) }
    for (i, curve) in chart.curves.enumerated() {
      if curve.marked.isEmpty, chart.curves.count > 1, let last = curve.last { mark(last, i) }
      for point in curve.marked { mark(point, i) }
    }
  }

  /// The chart.
  public var text: String {
    var lines = [heading]
    var labels: [Int: String] = [:]
    for (tick, label) in zip(yTicks, Axis.labels(yTicks)) { labels[row(tick) / 4] = label }
    for (i, row) in cells.enumerated() {
      let label = labels[i] ?? ""
      lines.append(
        padding(labelWidth - label.count) + label + (labels[i] == nil ? " │" : " ┤")
          + row.map(character).joined())
    }
    lines += axis + legend
    return lines.map { line in
      var line = line[...]
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  private var heading: String {
    let title = ChartText.shortened(chart.y.title, to: width)
    if chart.title.isEmpty || width - title.count < 10 { return title }
    let name = ChartText.shortened(chart.title, to: width - title.count - 2)
    return title + padding(width - title.count - ChartText.columns(name)) + name
  }

  // MARK: Axes

  /// The horizontal axis: its line with ticks, their labels, its title behind them.
  private var axis: [String] {
    var count = max(2, plotWidth / 9)
    var ticks = chart.x.ticks(atMost: count)
    while count > 2, (Axis.labels(ticks).map(\.count).max() ?? 0) + 2 > plotWidth / max(1, ticks.count) {
      count -= 1
      ticks = chart.x.ticks(atMost: count)
    }
    var line = [Character](repeating: "─", count: plotWidth)
    var labels = [Character](repeating: " ", count: width)
    for (tick, label) in zip(ticks, Axis.labels(ticks)) {
      let column = self.column(tick) / 2
      line[column] = "┬"
      let start = min(max(0, labelWidth + 2 + column - label.count / 2), width - label.count)
      for (i, character) in label.enumerated() where start + i < width { labels[start + i] = character }
    }
    let title = padding(labelWidth + 2 + max(0, plotWidth - chart.x.title.count) / 2) + chart.x.title
    return [padding(labelWidth + 1) + "└" + String(line), String(labels), title]
  }

  // MARK: Curves

  /// A column of dots, from the left.
  private func column(_ x: Double) -> Int {
    Int((max(0, min(chart.x.position(of: x), 1)) * Double(2 * plotWidth - 1)).rounded())
  }

  /// A row of dots, from the top; outside for values that are.
  private func row(_ y: Double) -> Int {
    Int(((1 - max(-1, min(chart.y.position(of: y), 2))) * Double(4 * plotHeight - 1)).rounded())
  }

  private mutating func draw(_ points: [ChartPoint], _ curve: Int) {
    var last: (x: Int, y: Int)?
    for point in CurveThinning.thinned(points, along: chart.x, columns: 2 * plotWidth) {
      guard point.y.isFinite else {
        last = nil
        continue
      }
      let here = (x: column(point.x), y: row(point.y))
      let from = last ?? here
      let steps = max(abs(here.x - from.x), abs(here.y - from.y), 1)
      for i in 0...steps {
        let t = Double(i) / Double(steps)
        dot(
          from.x + Int((t * Double(here.x - from.x)).rounded()),
          from.y + Int((t * Double(here.y - from.y)).rounded()), curve)
      }
      last = here
    }
  }

  /// The bits of a Braille letter's dots (U+2800), by row and column.
  private static let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]

  private mutating func dot(_ x: Int, _ y: Int, _ curve: Int) {
    guard (0..<4 * plotHeight).contains(y) else { return }
    cells[y / 4][x / 2].dots |= Self.bits[y % 4][x % 2]
    cells[y / 4][x / 2].curve = curve
  }

  private mutating func mark(_ point: ChartPoint, _ curve: Int) {
    let y = row(point.y)
    guard point.y.isFinite, (0..<4 * plotHeight).contains(y) else { return }
    cells[y / 4][column(point.x) / 2].mark = mark(curve)
    cells[y / 4][column(point.x) / 2].curve = curve
  }

  /// The mark of a curve: a dot if there is one, else letters.
  private func mark(_ curve: Int) -> Character {
    if chart.curves.count == 1 { return "●" }
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return curve < letters.count ? letters[letters.index(letters.startIndex, offsetBy: curve)] : "*"
  }

  private func character(_ cell: Cell) -> String {
    if let mark = cell.mark { return coloured(String(mark), cell.curve) }
    if cell.dots == 0 { return " " }
    return coloured(Unicode.Scalar(0x2800 + UInt32(cell.dots)).map { String($0) } ?? " ", cell.curve)
  }

  private func coloured(_ text: String, _ curve: Int) -> String {
    isColoured ? "\u{1B}[\([34, 33, 32, 35, 36, 31][chart.colour(curve) % 6])m\(text)\u{1B}[0m" : text
  }

  // MARK: Legend

  private var legend: [String] {
    chart.curves.enumerated().map { i, curve in
      let sample = coloured(curve.marked.isEmpty && chart.curves.count == 1 ? "⠤⠤" : "\(mark(i))", i)
      let name = ChartText.shortened(curve.name, to: max(8, width - curve.figures.count - 5))
      return "\(sample) "
        + ChartText.shortened(curve.figures.isEmpty ? name : "\(name): \(curve.figures)", to: width - 3)
    }
  }

  private func padding(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
