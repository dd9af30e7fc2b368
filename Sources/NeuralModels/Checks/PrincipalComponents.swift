import LanguageModels

/// The directions in which points spread most (Pearson 1901): the unit vectors v₁, v₂ … that maximize Σ (v·(x − x̄))², each
/// orthogonal to those before.
///
/// They are the eigenvectors of XᵀX, where the rows of X are the points without their mean, found one after the other by power
/// iteration: v ← XᵀX v / |XᵀX v|. What lies along a component that was found is taken out of X.
public struct PrincipalComponents {
  /// Where each of N points lies along each component: [N × count].
  public let coordinates: [[Double]]
  /// The share of each component in the sum of squares of X, from 0 to 1.
  public let shares: [Double]

  private static let mostIterations = 1000
  /// The iteration ends where v turns by less than about the root of this.
  private static let tolerance = 1e-12

  /// The first `count` components of points of E numbers each: [N × E].
  public init(of points: [[Double]], count: Int) {
    let size = points.first?.count ?? 0
    precondition(points.allSatisfy { $0.count == size }, "points have as many numbers each")
    var x = points
    for i in 0..<size {
      let mean = points.reduce(0) { $0 + $1[i] } / Double(points.count)
      for row in x.indices { x[row][i] -= mean }
    }
    let total = x.reduce(0) { $0 + Self.dot($1, $1) }
    var coordinates = [[Double]](repeating: [], count: points.count)
    var shares: [Double] = []
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<count {
      let v = Self.mainDirection(of: x, size: size, using: &generator)
      var y = x.map { Self.dot($0, v) }
      for row in x.indices { Self.add(-y[row], v, to: &x[row]) }
      // Of the two signs, that which puts the farthest point on the positive side.
      if (y.max() ?? 0) < -(y.min() ?? 0) { y = y.map { -$0 } }
      for row in y.indices { coordinates[row].append(y[row]) }
      shares.append(total > 0 ? Self.dot(y, y) / total : 0)
    }
    (self.coordinates, self.shares) = (coordinates, shares)
  }

  /// v of the largest eigenvalue; zeros if all rows are zero.
  private static func mainDirection(
    of x: [[Double]], size: Int, using generator: inout SeededGenerator
  ) -> [Double] {
    var v = unit((0..<size).map { _ in generator.uniform() - 0.5 })
    for _ in 0..<mostIterations {
      var next = [Double](repeating: 0, count: size)
      for row in x { add(dot(row, v), row, to: &next) }
      next = unit(next)
      let turned = 1 - dot(next, v)
      v = next
      if turned < tolerance { break }
    }
    return v
  }

  private static func unit(_ v: [Double]) -> [Double] {
    let length = dot(v, v).squareRoot()
    return v.map { length > 0 ? $0 / length : 0 }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }

  /// b += factor · a
  private static func add(_ factor: Double, _ a: [Double], to b: inout [Double]) {
    for i in a.indices { b[i] += factor * a[i] }
  }
}
