/// Named points of a plane, of which the distances mean something.
public struct PointMap {
  /// One of them.
  public struct Point {
    let name: String
    let x: Double
    let y: Double

    public init(_ name: String, x: Double, y: Double) { (self.name, self.x, self.y) = (name, x, y) }
  }

  public let title: String
  /// What lies along the axes.
  public let xTitle: String
  public let yTitle: String
  /// The points; of those that lie close together, the first are named first.
  public let points: [Point]

  public init(title: String, xTitle: String, yTitle: String, points: [Point]) {
    (self.title, self.xTitle, self.yTitle, self.points) = (title, xTitle, yTitle, points)
  }
}
