import LanguageModels

/// Kneser–Ney smoothing (Kneser and Ney 1995): absolute discounting on continuation counts, so that below the highest order
/// a word counts by the number of different words that it follows,
///
///     c(hw) = N₁₊(·hw)
///
/// with one discount for each order. The interpolated form is Chen and Goodman's (1998); the backed-off one is the original.
public struct KneserNey: SmoothingMethod {
  private let discounting: AbsoluteDiscounting

  /// The discount of each order from 1.
  public var discounts: [Discounts] { discounting.discounts }

  /// Takes the discounts given, or estimates those of each order from its statistics.
  public init(statistics: [CountStatistics], given: [[Double]]? = nil) {
    discounting = AbsoluteDiscounting(name: "Kneser-Ney", statistics: statistics, given: given)
  }

  private init(_ discounting: AbsoluteDiscounting) { self.discounting = discounting }

  public func alpha(count: UInt32, context: ContextStatistics) -> Double {
    discounting.alpha(count: count, context: context)
  }

  public func gamma(context: ContextStatistics) -> Double { discounting.gamma(context: context) }

  public var record: [JSONValue.Member] { discounting.record }

  public var warning: String? { discounting.warning }

  public var parameters: [SmoothingParameter] { discounting.parameters }

  public func tuned(_ values: [Double]) -> KneserNey { KneserNey(discounting.tuned(values)) }
}
