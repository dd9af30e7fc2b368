import LanguageModels

/// Modified Kneser–Ney smoothing (Chen and Goodman 1998, section 4.2):
///
///     α(w, h) = (c(hw) − D(c(hw))) / Σ_w c(hw)
///     γ(h)    = (D₁ N₁(h·) + D₂ N₂(h·) + D₃₊ N₃₊(h·)) / Σ_w c(hw)
///
/// on continuation counts below the highest order, with one set of discounts for each order:
///
///     Y = n₁ / (n₁ + 2n₂),  D₁ = 1 − 2Y n₂/n₁,  D₂ = 2 − 3Y n₃/n₂,  D₃₊ = 3 − 4Y n₄/n₃
///
/// Interpolated, the same as KenLM's `lmplz`, but that this counts the last n-gram of each lower order by its occurrences, which shows on
/// tiny texts only. Where a discount is undefined or not in (0, r], as on small or artificial texts, the
/// whole order takes D₁ = 0.5, D₂ = 1, D₃₊ = 1.5, as `lmplz --discount_fallback` does.
public struct ModifiedKneserNey: SmoothingMethod {
  /// The discounts of each order from 1.
  public let discounts: [Discounts]
  /// The same in one array, three for each order.
  private let values: [Double]

  /// Takes the discounts given, or estimates those of each order from its statistics.
  ///
  /// Backed off, no discount may be all of a count, because nothing else would be left for the n-gram.
  public init(
    statistics: [CountStatistics], given: [[Double]]? = nil, form: SmoothingForm = .interpolated
  ) {
    self.init(
      Discounts.all(statistics, given: given, fallback: [0.5, 1, 1.5]) { n in
        Self.estimate(n).flatMap { values in
          let isPossible = zip(values, 1...).allSatisfy {
            $0 > 0 && ($0 < Double($1) || form == .interpolated && $0 == Double($1))
          }
          return isPossible ? values : nil
        }
      })
  }

  private init(_ discounts: [Discounts]) {
    self.discounts = discounts
    values = discounts.flatMap(\.values)
  }

  private static func estimate(_ n: CountStatistics) -> [Double]? {
    guard (1...3).allSatisfy({ n[$0] > 0 }) else { return nil }
    let y = Double(n[1]) / Double(n[1] + 2 * n[2])
    return (1...3).map { r in Double(r) - Double(r + 1) * y * Double(n[r + 1]) / Double(n[r]) }
  }

  public func alpha(count: UInt32, context: ContextStatistics) -> Double {
    (Double(count) - values[3 * context.order + Int(min(count, 3)) - 4]) / context.total
  }

  public func gamma(context: ContextStatistics) -> Double {
    let first = 3 * (context.order - 1)
    let (once, twice, more) = context.types
    let discounted =
      values[first] * Double(once) + values[first + 1] * Double(twice) + values[first + 2] * Double(more)
    return discounted / context.total
  }

  public var record: [JSONValue.Member] { discounts.record(countsOfCounts: 4) }

  public var warning: String? {
    discounts.warning(method: "Kneser-Ney", countsOfCounts: 4, fallback: "0.5, 1, 1.5")
  }

  public var parameters: [SmoothingParameter] { discounts.parameters }

  public func tuned(_ values: [Double]) -> ModifiedKneserNey { ModifiedKneserNey(discounts.tuned(values)) }
}
