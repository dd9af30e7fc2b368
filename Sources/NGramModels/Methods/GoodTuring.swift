import LanguageModels

/// Good–Turing discounts with Katz's back-off (Good 1953; Katz 1987): a count r up to k is multiplied by
///
///     d_r = (r*/r − A) / (1 − A),   r* = (r + 1) n_{r+1} / n_r,   A = (k + 1) n_{k+1} / n₁
///
/// and larger counts are trusted:
///
///     α(w, h) = d_{c(hw)} c(hw) / c(h)
///
/// What the discounts take is what Good–Turing gives to the unseen. The method exists backed off only. Where some d_r is undefined or
/// not between 0 and 1, as on small or artificial texts, k is lowered for that order; if no k will do, d_r = 1 − 0.5/r.
public struct GoodTuring: SmoothingMethod {
  /// The discounts of one order.
  public struct Ratios: Sendable, Equatable {
    /// d₁ to d_k.
    public let values: [Double]
    /// Whether these are the fallback, for want of statistics.
    public let isFallback: Bool
    /// The statistics that they were estimated from.
    public let statistics: CountStatistics

    init(statistics n: CountStatistics, limit: Int) {
      statistics = n
      let estimate = stride(from: limit, to: 0, by: -1).lazy.compactMap { Self.estimate(n, limit: $0) }.first
      isFallback = estimate == nil
      values = estimate ?? (1...limit).map { 1 - 0.5 / Double($0) }
    }

    private static func estimate(_ n: CountStatistics, limit k: Int) -> [Double]? {
      guard (1...k).allSatisfy({ n[$0] > 0 }) else { return nil }
      let a = Double(k + 1) * Double(n[k + 1]) / Double(n[1])
      guard a < 1 else { return nil }
      let ratios = (1...k).map { r in
        (Double(r + 1) * Double(n[r + 1]) / (Double(r) * Double(n[r])) - a) / (1 - a)
      }
      return ratios.allSatisfy { $0 > 0 && $0 < 1 } ? ratios : nil
    }
  }

  /// The discounts of each order from 1.
  public let ratios: [Ratios]
  /// The k that was asked for.
  public let limit: Int

  /// The largest k there are statistics for.
  public static let maximumLimit = CountStatistics.limit - 1

  /// Estimates the discounts of each order from its statistics, for counts up to `limit`, from 1 to `maximumLimit`.
  public init(statistics: [CountStatistics], limit: Int) {
    self.limit = limit
    ratios = statistics.map { Ratios(statistics: $0, limit: limit) }
  }

  public func alpha(count: UInt32, context: ContextStatistics) -> Double {
    let ratios = ratios[context.order - 1].values
    return (Int(count) <= ratios.count ? ratios[Int(count) - 1] : 1) * Double(count) / context.total
  }

  /// There is no interpolated form.
  public func gamma(context: ContextStatistics) -> Double { 0 }

  public var record: [JSONValue.Member] {
    let orders = ratios.enumerated().map { index, order -> JSONValue in
      [
        "order": .integer(index + 1),
        "values": .array(order.values.map { .number($0) }),
        "counts_of_counts": order.statistics.record(upTo: limit + 1),
        "fallback": .bool(order.isFallback),
      ]
    }
    return [.init("katz_limit", .integer(limit)), .init("good_turing", .array(orders))]
  }

  public var warning: String? {
    let orders = ratios.enumerated().filter { $1.isFallback || $1.values.count < limit }.map { index, order in
      "order \(index + 1) (\(order.statistics.description(upTo: limit + 1))): "
        + (order.isFallback ? "counts lowered by 0.5" : "counts up to \(order.values.count) discounted")
    }
    guard !orders.isEmpty else { return nil }
    return
      "Good-Turing discounts for counts up to \(limit) are not defined for \(orders.joined(separator: ", "))"
      + (ratios[0].statistics[1] > 0 ? "" : "; words seen once are <unk>, unless --min-count 1 keeps them")
  }
}
