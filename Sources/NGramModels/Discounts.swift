import LanguageModels

/// What one order's counts are lowered by: D for a single discount, or D₁, D₂, D₃₊.
public struct Discounts: Sendable, Equatable {
  /// Where discounts come from.
  public enum Origin: Sendable {
    /// From the counts of counts.
    case estimated
    /// Fixed values, for want of statistics.
    case fallback
    /// From the user.
    case given
    /// From held-out text.
    case tuned
  }

  /// The discounts.
  public internal(set) var values: [Double]
  /// Where they come from.
  public internal(set) var origin: Origin
  /// The statistics of the order.
  public let statistics: CountStatistics

  /// The discounts of each order: those given, whose last serve all higher orders, or those of `estimate`, or the fallback where an
  /// estimate is undefined.
  static func all(
    _ statistics: [CountStatistics], given: [[Double]]?, fallback: [Double],
    estimate: (CountStatistics) -> [Double]?
  ) -> [Discounts] {
    statistics.enumerated().map { index, n in
      if let given, let last = given.last {
        return Discounts(values: index < given.count ? given[index] : last, origin: .given, statistics: n)
      }
      guard let values = estimate(n) else {
        return Discounts(values: fallback, origin: .fallback, statistics: n)
      }
      return Discounts(values: values, origin: .estimated, statistics: n)
    }
  }

  /// How an order is recorded in the checkpoint.
  func record(order: Int, countsOfCounts: Int) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("order", .integer(order)),
      .init("values", .array(values.map { .number($0) })),
      .init("counts_of_counts", statistics.record(upTo: countsOfCounts)),
      .init("fallback", .bool(origin == .fallback)),
    ]
    if origin == .given { members.append(.init("given", true)) }
    if origin == .tuned { members.append(.init("tuned", true)) }
    return .object(members)
  }
}

extension [Discounts] {
  /// The member of the checkpoint that records the discounts of all orders.
  func record(countsOfCounts: Int) -> [JSONValue.Member] {
    let orders = enumerated().map { $1.record(order: $0 + 1, countsOfCounts: countsOfCounts) }
    return [.init("discounts", .array(orders))]
  }

  /// Says which orders had to take the fallback, if any had.
  func warning(method: String, countsOfCounts: Int, fallback: String) -> String? {
    let guessed = indices.filter { self[$0].origin == .fallback }
    if guessed.isEmpty { return nil }
    let orders = guessed.map { "order \($0 + 1) (\(self[$0].statistics.description(upTo: countsOfCounts)))" }
    // By default, that is so of every text.
    if guessed == [0], self[0].statistics[1] == 0 {
      return
        "words seen once are <unk> (--min-count 1 keeps them), so \(method) discounts for \(orders[0]) "
        + "cannot be estimated; using \(fallback) there"
    }
    return
      "the text is too small or too regular to estimate \(method) discounts for \(orders.joined(separator: ", ")); "
      + "using \(fallback) there"
  }

  /// The discounts as parameters: D_r between 0 and r.
  var parameters: [SmoothingParameter] {
    flatMap { order in
      order.values.enumerated().map { index, value in
        .init(value: value, range: 0.001...Double(index + 1) - 0.001)
      }
    }
  }

  /// The same orders with other values.
  func tuned(_ values: [Double]) -> [Discounts] {
    var rest = values[...]
    return map { order in
      let values = Array<Double>(rest.prefix(order.values.count))
      rest = rest.dropFirst(values.count)
      return Discounts(values: values, origin: .tuned, statistics: order.statistics)
    }
  }
}
