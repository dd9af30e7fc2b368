/// Draws points with their names as an SVG picture, one unit as long across as up. No name lies on another or on a point: it stands where
/// there is room, farther away with a line, or if there is none, only where a reader points.
public struct SVGPointMap: SVGPicture {
  private let map: PointMap
  public let width: Double
  public let height: Double
  /// The places of the points.
  private let places: [(x: Double, y: Double)]
  private let plot: Box

  /// Part of the picture.
  private struct Box {
    var left: Double
    var top: Double
    var right: Double
    var bottom: Double

    func meets(_ other: Box) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }

    func holds(_ other: Box) -> Bool {
      left <= other.left && other.right <= right && top <= other.top && other.bottom <= bottom
    }
  }

  /// Where a name stands: its box, and the side of it that faces its point.
  private struct Label {
    let box: Box
    let side: Double
    let isFar: Bool
  }

  private static let (margin, font, lineHeight, dot) = (20.0, 12.0, 14.0, 2.6)
  /// What is kept free around the points for names.
  private static let (inset, insetAbove) = (56.0, 22.0)
  /// How far from its point a name can stand, and in which directions.
  private static let distances = [5.0, 12, 20, 30, 42, 56, 72]
  private static let directions: [(x: Double, y: Double)] = [
    (1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1),
  ]

  /// A picture of `width` pixels, wider and higher for very many points.
  public init(_ map: PointMap, width: Int = 1000) {
    self.map = map
    let growth = max(1, Double(map.points.count) / 250).squareRoot()
    self.width = (Double(width) * growth).rounded()
    func range(_ values: [Double]) -> (middle: Double, length: Double) {
      let (low, high) = (values.min() ?? 0, values.max() ?? 0)
      return ((low + high) / 2, max(high - low, 1e-12))
    }
    let (x, y) = (range(map.points.map(\.x)), range(map.points.map(\.y)))
    let (left, right) = (Self.margin, self.width - Self.margin)
    let top = 74.0
    let across = right - left - 2 * Self.inset
    let up = min(max(across / x.length * y.length, 0.3 * across), 0.9 * across)
    let scale = min(across / x.length, up / y.length)
    let bottom = top + up + 2 * Self.insetAbove
    plot = Box(left: left, top: top, right: right, bottom: bottom)
    height = bottom + 44
    places = map.points.map { point in
      (
        (left + right) / 2 + (point.x - x.middle) * scale,
        (top + bottom) / 2 - (point.y - y.middle) * scale
      )
    }
  }

  /// The picture.
  public var text: String {
    var parts = SVGText.head(
      width: width, height: height, title: map.title,
      description: "\(map.points.count) points by \(map.xTitle) and \(map.yTitle)",
      rules: { isDark in
        // A line that leads to another name does not strike out this one.
        "text.small{font-size:\(SVGText.number(Self.font))px;paint-order:stroke;stroke-width:3;stroke-linejoin:round;stroke:"
          + (isDark ? "#16191d}" : "#ffffff}")
      })
    let title = ChartText.shortened(map.title, to: Int((width - 40) / 9))
    parts.append("<text class=\"title\" x=\"20\" y=\"29\">\(SVGText.escaped(title))</text>")
    parts.append("<text class=\"minor\" x=\"20\" y=\"58\">\(SVGText.escaped("↑ " + map.yTitle))</text>")
    parts.append(
      "<text class=\"minor\" x=\"\(SVGText.number(plot.right))\" y=\"\(SVGText.number(height - 18))\" text-anchor=\"end\">\(SVGText.escaped(map.xTitle + " →"))</text>"
    )
    let (left, right) = (SVGText.number(plot.left), SVGText.number(plot.right))
    for y in [plot.top, plot.bottom] {
      parts.append("<path class=\"grid\" d=\"M\(left) \(SVGText.number(y))H\(right)\"/>")
    }
    let labels = labels()
    for (place, label) in zip(places, labels) {
      guard let label, label.isFar else { continue }
      let end = SVGText.pair(
        min(max(place.x, label.box.left), label.box.right), min(max(place.y, label.box.top), label.box.bottom)
      )
      parts.append("<path class=\"axis\" d=\"M\(SVGText.pair(place.x, place.y))L\(end)\"/>")
    }
    for (point, place) in zip(map.points, places) {
      let mark = SVGStyle.marker(0, place.x, place.y, radius: Self.dot)
      let name = SVGText.escaped(point.name)
      parts.append("<path class=\"f \(SVGStyle.colour(0))\" d=\"\(mark)\"><title>\(name)</title></path>")
    }
    for (point, label) in zip(map.points, labels) {
      guard let label else { continue }
      let (x, anchor) =
        label.side > 0
        ? (label.box.left, "start")
        : label.side < 0 ? (label.box.right, "end") : ((label.box.left + label.box.right) / 2, "middle")
      parts.append(
        "<text class=\"small\" x=\"\(SVGText.number(x))\" y=\"\(SVGText.number(label.box.bottom - 3.5))\" text-anchor=\"\(anchor)\">\(SVGText.escaped(Self.shown(point)))</text>"
      )
    }
    parts.append("</svg>")
    return parts.joined(separator: "\n") + "\n"
  }

  private static func shown(_ point: PointMap.Point) -> String { ChartText.shortened(point.name, to: 24) }

  /// Where each name stands: at the nearest place that is free when its turn comes.
  private func labels() -> [Label?] {
    var taken = places.map { place in
      Box(
        left: place.x - Self.dot, top: place.y - Self.dot, right: place.x + Self.dot,
        bottom: place.y + Self.dot)
    }
    return zip(map.points, places).map { point, place in
      let size = (width: SVGText.width(Self.shown(point), size: Self.font), height: Self.lineHeight)
      for distance in Self.distances {
        for direction in Self.directions {
          let x = place.x + direction.x * (distance + size.width / 2)
          // Aslant, a name at the same distance is as far away.
          let slant = direction.x == 0 ? 1 : 0.7
          let y = place.y + direction.y * (distance * slant + size.height / 2)
          let box = Box(
            left: x - size.width / 2, top: y - size.height / 2, right: x + size.width / 2,
            bottom: y + size.height / 2)
          guard plot.holds(box), !taken.contains(where: box.meets) else { continue }
          taken.append(box)
          return Label(box: box, side: direction.x, isFar: distance > Self.distances[1])
        }
      }
      return nil
    }
  }
}
