/// A point of a curve in the units of the axes; `y` is NaN where the curve has a gap.
public struct ChartPoint: Equatable, Sendable {
  public var x: Double
  public var y: Double

  public init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
}

/// Curves over two axes, apart from how they are drawn.
public struct Chart {
  /// One curve: a thin line, a strong one with markers, or both.
  public struct Curve {
    public let name: String
    /// The points of a line without markers.
    public var line: [ChartPoint]
    /// The points of a strong line, with a marker each where there is room.
    public var marked: [ChartPoint]
    /// One of the marked points, which gets a ring.
    public var ringed: ChartPoint?
    /// Between which values the curve spreads: `low` and `high` by `x`.
    public var band: [(x: Double, low: Double, high: Double)] = []
    /// Whether the line is dashed, as for what was computed and not measured.
    public var isDashed = false
    /// The number of its colour; that of its place among the curves if `nil`.
    public var colour: Int?
    /// What stands behind its name in the legend of a picture.
    public var note = ""
    /// What stands behind its name in the description of a picture.
    public var description = ""
    /// What stands behind its name below a chart of characters.
    public var figures = ""

    public init(name: String, line: [ChartPoint] = [], marked: [ChartPoint] = []) {
      (self.name, self.line, self.marked) = (name, line, marked)
    }

    /// The last point of the line.
    var last: ChartPoint? { line.last { $0.y.isFinite } }
  }

  /// What the two kinds of lines stand for.
  public struct Key {
    let line: String
    let marked: String

    public init(line: String, marked: String) { (self.line, self.marked) = (line, marked) }
  }

  /// Values over all of the picture, behind the curves.
  public struct Surface {
    /// The values in rows that rise with `y`, from the lower end of both axes to the upper ones.
    let rows: [[Double]]
    let scale: ColourScale

    public init(rows: [[Double]], scale: ColourScale) { (self.rows, self.scale) = (rows, scale) }
  }

  public let title: String
  public let curves: [Curve]
  public let x: Axis
  public let y: Axis
  /// What the legend says of the kinds of lines; nothing if `nil`.
  public let key: Key?
  /// What lies behind the curves of a picture.
  public var surface: Surface?

  public init(title: String = "", curves: [Curve], x: Axis, y: Axis, key: Key? = nil) {
    (self.title, self.curves, self.x, self.y, self.key) = (title, curves, x, y, key)
  }

  /// Whether any curve has markers.
  var hasMarked: Bool { curves.contains { !$0.marked.isEmpty } }

  /// The number of a curve's colour and marker.
  func colour(_ curve: Int) -> Int { curves[curve].colour ?? curve }
}
