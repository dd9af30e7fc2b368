import LanguageModels

/// Interpolated modified Kneser–Ney smoothing (Chen and Goodman 1998, section 4.2):
///
///     α(w, h) = (c(hw) − D(c(hw))) / Σ_w c(hw)
///     γ(h)    = (D₁ N₁(h·) + D₂ N₂(h·) + D₃₊ N₃₊(h·)) / Σ_w c(hw)
///
/// on continuation counts below the highest order, with one set of discounts for each order:
///
///     Y = n₁ / (n₁ + 2n₂),  D₁ = 1 − 2Y n₂/n₁,  D₂ = 2 − 3Y n₃/n₂,  D₃₊ = 3 − 4Y n₄/n₃
///
/// The same as KenLM's `lmplz`. Where a discount is undefined or not in (0, r], as on small or artificial texts, the whole
/// order takes D₁ = 0.5, D₂ = 1, D₃₊ = 1.5, as `lmplz --discount_fallback` does.
public struct ModifiedKneserNey: SmoothingMethod {
  /// The discounts of one order.
  public struct Discounts: Sendable, Equatable {
    /// D₁, D₂, D₃₊.
    public let values: [Double]
    /// Whether these are the fallback, for want of statistics.
    public let isFallback: Bool
    /// The statistics that they were estimated from.
    public let statistics: CountStatistics

    /// The discounts that `statistics` give.
    public init(statistics n: CountStatistics) {
      statistics = n
      guard (1...3).allSatisfy({ n[$0] > 0 }) else {
        (values, isFallback) = (Self.fallback, true)
        return
      }
      let y = Double(n[1]) / Double(n[1] + 2 * n[2])
      let estimates = (1...3).map { r in Double(r) - Double(r + 1) * y * Double(n[r + 1]) / Double(n[r]) }
      isFallback = !zip(estimates, 1...3).allSatisfy { $0 > 0 && $0 <= Double($1) }
      values = isFallback ? Self.fallback : estimates
    }

    private static let fallback = [0.5, 1, 1.5]
  }

  /// The discounts of each order from 1.
  public let discounts: [Discounts]

  /// Estimates the discounts of each order from its statistics.
  public init(statistics: [CountStatistics]) {
    discounts = statistics.map(Discounts.init)
  }

  public var usesContinuationCounts: Bool { true }

  public func alpha(count: UInt32, context: ContextStatistics) -> Double {
    let discount = discounts[context.order - 1].values[Int(min(count, 3)) - 1]
    return (Double(count) - discount) / context.total
  }

  public func gamma(context: ContextStatistics) -> Double {
    let d = discounts[context.order - 1].values
    let (once, twice, more) = context.types
    return (d[0] * Double(once) + d[1] * Double(twice) + d[2] * Double(more)) / context.total
  }

  public var record: [JSONValue.Member] {
    [
      .init(
        "discounts",
        .array(
          discounts.enumerated().map { index, order in
            [
              "order": .integer(index + 1),
              "values": .array(order.values.map { .number($0) }),
              "counts_of_counts": .array((1...4).map { .integer(order.statistics[$0]) }),
              "fallback": .bool(order.isFallback),
            ]
          }))
    ]
  }

  public var warning: String? {
    let failed = discounts.enumerated().filter(\.element.isFallback)
    guard !failed.isEmpty else { return nil }
    let orders = failed.map { index, order in
      "order \(index + 1) (n1=\(order.statistics[1]) n2=\(order.statistics[2]) n3=\(order.statistics[3]) "
        + "n4=\(order.statistics[4]))"
    }
    return
      "the text is too small or too regular to estimate Kneser-Ney discounts for \(orders.joined(separator: ", ")); "
      + "using 0.5, 1, 1.5 there"
  }
}
