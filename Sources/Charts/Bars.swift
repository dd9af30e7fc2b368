/// Bars that say how large the parts of something are.
public struct Bars {
  /// One bar.
  public struct Bar {
    public let label: String
    /// The sizes of its parts, one after the other.
    public let parts: [Double]

    public init(label: String, parts: [Double]) { (self.label, self.parts) = (label, parts) }
  }

  public let title: String
  /// The names of the parts.
  public let partNames: [String]
  public let bars: [Bar]
  /// The value at the right edge.
  public let limit: Double

  /// Some bars; up to the largest if there is no `limit`.
  public init(title: String, partNames: [String], bars: [Bar], limit: Double? = nil) {
    precondition(bars.allSatisfy { $0.parts.count == partNames.count }, "every part has a name")
    (self.title, self.partNames, self.bars) = (title, partNames, bars)
    let largest = bars.map { $0.parts.reduce(0, +) }.max() ?? 0
    self.limit = limit ?? (largest > 0 ? largest : 1)
  }

  /// The sizes of a bar's parts as text.
  func figures(_ bar: Bar) -> String { bar.parts.map { NumberText.fixed($0, 2) }.joined(separator: " ") }
}

/// Draws bars as an SVG picture.
public struct SVGBars: SVGPicture {
  private let bars: Bars
  public let width: Double

  /// A picture of `width` pixels.
  public init(_ bars: Bars, width: Int = 800) { (self.bars, self.width) = (bars, Double(width)) }

  public var height: Double { 48 + Double(bars.bars.count) * 22 + 34 }

  /// The picture.
  public var text: String {
    let head = SVGText.head(
      width: width, height: height, title: bars.title,
      description: bars.bars.map { "\($0.label): \(bars.figures($0))" }.joined(separator: "; "))
    return (head + elements(y: 0) + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  /// What is drawn, `y` below the upper edge.
  func elements(y: Double) -> [String] {
    let labels = bars.bars.map { ChartText.shortened($0.label, to: 40) }
    let left = 28 + (labels.map { SVGText.width($0) }.max() ?? 0)
    let figuresWidth = 12 + (bars.bars.map { SVGText.width(bars.figures($0)) }.max() ?? 0)
    let scale = max(40, width - 20 - figuresWidth - left) / bars.limit
    var parts = [
      "<text class=\"title\" x=\"20\" y=\"\(SVGText.number(y + 29))\">\(SVGText.escaped(bars.title))</text>"
    ]
    for (i, (bar, label)) in zip(bars.bars, labels).enumerated() {
      let top = y + 48 + Double(i) * 22
      parts.append(
        "<text x=\"\(SVGText.number(left - 8))\" y=\"\(SVGText.number(top + 13))\" text-anchor=\"end\">\(SVGText.escaped(label))</text>"
      )
      var x = left
      for (k, part) in bar.parts.enumerated() where part > 0 {
        parts.append(
          "<rect class=\"f \(SVGStyle.colour(k))\" x=\"\(SVGText.number(x))\" y=\"\(SVGText.number(top + 2))\" width=\"\(SVGText.number(part * scale))\" height=\"15\"/>"
        )
        x += part * scale
      }
      parts.append("<path class=\"axis\" d=\"M\(SVGText.pair(left, top))v20\"/>")
      parts.append(
        "<text class=\"minor\" x=\"\(SVGText.number(width - 20))\" y=\"\(SVGText.number(top + 13))\" text-anchor=\"end\">\(bars.figures(bar))</text>"
      )
    }
    var x = left
    let bottom = y + 48 + Double(bars.bars.count) * 22
    for (k, name) in bars.partNames.enumerated() where bars.partNames.count > 1 {
      parts.append(
        "<rect class=\"f \(SVGStyle.colour(k))\" x=\"\(SVGText.number(x))\" y=\"\(SVGText.number(bottom + 10))\" width=\"12\" height=\"12\"/>"
      )
      parts.append(
        "<text x=\"\(SVGText.number(x + 18))\" y=\"\(SVGText.number(bottom + 20))\">\(SVGText.escaped(name))</text>"
      )
      x += 44 + SVGText.width(name)
    }
    return parts
  }
}

/// Draws bars with characters.
public struct TextBars {
  private let bars: Bars
  private let width: Int
  private let isColoured: Bool

  /// Bars in `width` columns.
  public init(_ bars: Bars, width: Int, isColoured: Bool) {
    (self.bars, self.width, self.isColoured) = (bars, width, isColoured)
  }

  /// The bars, each in a line.
  public var text: String {
    let labels = bars.bars.map { ChartText.shortened($0.label, to: max(8, width / 3)) }
    let labelWidth = labels.map { ChartText.columns($0) }.max() ?? 0
    let figureWidth = bars.bars.map { bars.figures($0).count }.max() ?? 0
    let room = max(4, width - labelWidth - figureWidth - 4)
    var lines = [ChartText.shortened(bars.title, to: width)]
    for (bar, label) in zip(bars.bars, labels) {
      var (line, end, sum) = ("", 0, 0.0)
      for (k, part) in bar.parts.enumerated() {
        sum += part
        let next = max(end, min(room, Int((sum / bars.limit * Double(room)).rounded())))
        line += sample(k, next - end)
        end = next
      }
      line += String(repeating: " ", count: room - end)
      let space = String(repeating: " ", count: labelWidth - ChartText.columns(label))
      lines.append("\(label)\(space) │\(line)│ \(bars.figures(bar))")
    }
    if bars.partNames.count > 1 {
      lines.append(bars.partNames.enumerated().map { "\(sample($0, 2)) \($1)" }.joined(separator: "  "))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func sample(_ part: Int, _ count: Int) -> String {
    let text = String(repeating: ["█", "▒", "░", "▓"][part % 4], count: count)
    return isColoured && count > 0 ? "\u{1B}[\([34, 33, 32, 35][part % 4])m\(text)\u{1B}[0m" : text
  }
}
