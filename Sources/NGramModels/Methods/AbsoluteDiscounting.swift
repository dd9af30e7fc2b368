import LanguageModels

/// Absolute discounting (Ney, Essen and Kneser 1994): every count is lowered by the same D,
///
///     α(w, h) = (c(hw) − D) / c(h)
///     γ(h)    = D N₁₊(h·) / c(h)
///     D       = n₁ / (n₁ + 2n₂)        (an upper bound of the leaving-one-out estimate)
///
/// with one D for each order. Where n₁ or n₂ is 0, D is undefined or 1, and 0.75 takes its place, which Church and Gale (1991)
/// found for most counts.
public struct AbsoluteDiscounting: SmoothingMethod {
  /// The discount of each order from 1.
  public let discounts: [Discounts]
  private let name: String

  /// Takes the discounts given, or estimates those of each order from its statistics.
  public init(name: String, statistics: [CountStatistics], given: [[Double]]? = nil) {
    self.name = name
    discounts = Discounts.all(statistics, given: given, fallback: [0.75]) { n in
      n[1] > 0 && n[2] > 0 ? [Double(n[1]) / Double(n[1] + 2 * n[2])] : nil
    }
  }

  public func alpha(count: UInt32, context: ContextStatistics) -> Double {
    (Double(count) - discounts[context.order - 1].values[0]) / context.total
  }

  public func gamma(context: ContextStatistics) -> Double {
    discounts[context.order - 1].values[0] * Double(context.distinct) / context.total
  }

  public var record: [JSONValue.Member] { discounts.record(countsOfCounts: 2) }

  public var warning: String? { discounts.warning(method: name, countsOfCounts: 2, fallback: "0.75") }

  public var parameters: [SmoothingParameter] { discounts.parameters }

  public func tuned(_ values: [Double]) -> AbsoluteDiscounting {
    AbsoluteDiscounting(name: name, discounts: discounts.tuned(values))
  }

  private init(name: String, discounts: [Discounts]) {
    self.name = name
    self.discounts = discounts
  }
}
