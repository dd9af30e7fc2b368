import Glibc

/// The functions of a row of numbers that drawing takes its time with; a model that computes in vectors gives its own.
public struct RowFunctions: Sendable {
  /// The largest of n numbers, −∞ for none; NaNs are passed over.
  public var maximum: @Sendable (_ n: Int, UnsafePointer<Float>) -> Float
  /// Σ e^((x − a) b) of n numbers; the terms are written to y, unless that is `nil`.
  public var exponentials:
    @Sendable (_ n: Int, _ a: Float, _ b: Float, UnsafePointer<Float>, UnsafeMutablePointer<Float>?) -> Double
  /// The sum of those of n numbers that are above a.
  public var sumAbove: @Sendable (_ n: Int, _ a: Float, UnsafePointer<Float>) -> Double

  /// Functions for drawing from rows.
  public init(
    maximum: @escaping @Sendable (_ n: Int, UnsafePointer<Float>) -> Float,
    exponentials:
      @escaping @Sendable (
        _ n: Int, _ a: Float, _ b: Float, UnsafePointer<Float>, UnsafeMutablePointer<Float>?
      ) -> Double,
    sumAbove: @escaping @Sendable (_ n: Int, _ a: Float, UnsafePointer<Float>) -> Double
  ) {
    (self.maximum, self.exponentials, self.sumAbove) = (maximum, exponentials, sumAbove)
  }

  /// Number by number.
  public static let scalar = RowFunctions(
    maximum: { n, x in
      var result = -Float.infinity
      for i in 0..<n where x[i] > result { result = x[i] }
      return result
    },
    exponentials: { n, a, b, x, y in
      var sum = 0.0
      for i in 0..<n {
        let term = expf((x[i] - a) * b)
        y?[i] = term
        sum += Double(term)
      }
      return sum
    },
    sumAbove: { n, a, x in
      var sum = 0.0
      for i in 0..<n where x[i] > a { sum += Double(x[i]) }
      return sum
    })
}
