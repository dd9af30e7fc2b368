/// Finds values of a smoothing method's parameters that make a function small, without derivatives: each parameter in
/// turn by golden section (Kiefer 1953), around and around in ever smaller neighbourhoods.
struct ParameterSearch {
  /// How often to go around, and how many values of a parameter to try each time.
  private static let rounds = 3
  private static let trials = 9
  /// What a round must gain for another one to follow.
  private static let tolerance = 1e-5
  private static let goldenRatio = (5.0.squareRoot() - 1) / 2

  /// The best values found, and what `objective` is there; never worse than at the start.
  ///
  /// `progress` is called with the number of evaluations so far.
  static func minimize(
    _ parameters: [SmoothingParameter], progress: (Int) -> Void = { _ in }, objective: ([Double]) -> Double
  ) -> (values: [Double], objective: Double) {
    var best = parameters.map(\.value)
    var lowest = objective(best)
    var evaluations = 1
    for round in 0..<rounds {
      let before = lowest
      for (i, parameter) in parameters.enumerated() {
        let radius = (parameter.range.upperBound - parameter.range.lowerBound) / Double(1 << (3 * round))
        var low = max(parameter.range.lowerBound, best[i] - radius)
        var high = min(parameter.range.upperBound, best[i] + radius)
        func value(at x: Double) -> Double {
          var values = best
          values[i] = x
          let value = objective(values)
          evaluations += 1
          progress(evaluations)
          if value < lowest { (lowest, best) = (value, values) }
          return value
        }
        var (left, right) = (high - goldenRatio * (high - low), low + goldenRatio * (high - low))
        var (leftValue, rightValue) = (value(at: left), value(at: right))
        for _ in 2..<trials {
          if leftValue < rightValue {
            (high, right, rightValue) = (right, left, leftValue)
            left = high - goldenRatio * (high - low)
            leftValue = value(at: left)
          } else {
            (low, left, leftValue) = (left, right, rightValue)
            right = low + goldenRatio * (high - low)
            rightValue = value(at: right)
          }
        }
      }
      if before - lowest < tolerance { break }
    }
    return (best, lowest)
  }
}
