import Glibc

/// The smallest network whose gradients explode (Pascanu et al. 2013, section 2.2 and figure 6): one unit without input,
///
///     x_t = w σ(x_{t−1}) + b,    x_0 = 0.5,    E = (x_50 − 0.7)²
///
/// Where one fixed point of the map turns into two, E as a function of (w, b) has a wall, and at the wall a gradient that throws descent
/// far away unless its norm is clipped.
public enum ErrorWall {
  /// Weight and bias.
  public struct Point: Sendable, Equatable {
    public var w: Double
    public var b: Double
    public init(w: Double, b: Double) { (self.w, self.b) = (w, b) }
  }

  /// T.
  public static let steps = 50
  private static let (start, target) = (0.5, 0.7)

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// E at a point, and ∂E/∂w and ∂E/∂b, by back-propagation through time.
  public static func error(at p: Point) -> (value: Double, w: Double, b: Double) {
    var s: [Double] = []
    var x = start
    for _ in 0..<steps {
      s.append(sigmoid(x))
      x = p.w * s[s.count - 1] + p.b
    }
    let difference = x - target
    // dx_T = 2 (x_T − 0.7);  dw += dx_t s_{t−1};  db += dx_t;  dx_{t−1} = dx_t w s (1 − s)
    var (dx, dw, db) = (2 * difference, 0.0, 0.0)
    for y in s.reversed() {
      dw += dx * y
      db += dx
      dx *= p.w * y * (1 - y)
    }
    return (difference * difference, dw, db)
  }

  /// The points of gradient descent from `start`, with the gradient scaled down to the norm `clip` if it is larger.
  public static func descent(from start: Point, rate: Double, clip: Double?, updates: Int) -> [Point] {
    var points = [start]
    for _ in 0..<updates {
      let p = points[points.count - 1]
      let (_, dw, db) = error(at: p)
      let norm = (dw * dw + db * db).squareRoot()
      let scale = clip.map { norm > $0 ? $0 / norm : 1 } ?? 1
      points.append(Point(w: p.w - rate * scale * dw, b: p.b - rate * scale * db))
    }
    return points
  }
}
