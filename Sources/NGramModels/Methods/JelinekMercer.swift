import Glibc
import LanguageModels

/// Jelinek–Mercer smoothing, deleted interpolation (Jelinek and Mercer 1980; Bahl, Jelinek and Mercer 1983):
///
///     p(w | h) = λ c(hw)/c(h) + (1 − λ) p(w | h′)
///
/// where λ depends on the order and on the bucket that c(h) falls in: the oftener a context was seen, the more it is trusted. The
/// weights are those that make held-out text likeliest, found by expectation maximization. The method exists interpolated only.
public struct JelinekMercer: SmoothingMethod {
  /// Contexts of like frequency, which share a weight.
  public struct Bucket: Sendable, Equatable {
    /// The largest c(h) in the bucket; infinite in the last one.
    public var upperBound: Double
    /// λ.
    public var weight: Double
    /// Held-out tokens that the weight rests on.
    public var events: Int
  }

  /// The buckets of each order from 1, by rising bounds.
  public private(set) var buckets: [[Bucket]]

  /// A weight for want of held-out text.
  private static let defaultWeight = 0.5
  /// A bucket is closed as soon as so many held-out tokens fall in it.
  private static let bucketEvents = 400
  /// Weights stay this far from 0 and 1, so that all probabilities stay positive.
  private static let margin = 1e-6

  /// Equal weights, for want of held-out text.
  public init(order: Int) {
    let bucket = Bucket(upperBound: .infinity, weight: Self.defaultWeight, events: 0)
    buckets = Array(repeating: [bucket], count: order)
  }

  /// The weights that make the tokens of `heldOut` likeliest.
  public init(heldOut: HeldOutStatistics) {
    self.init(order: heldOut.order)
    for k in 0..<heldOut.order { buckets[k] = Self.buckets(heldOut.contextTotals(level: k)) }
    var previous = -Double.infinity
    for _ in 0..<100 {
      let logLikelihood = maximize(heldOut)
      if logLikelihood - previous < 1e-7 { break }
      previous = logLikelihood
    }
  }

  /// Buckets with bounds at powers of two, wide enough to hold enough of the `totals`, which are the c(h) of held-out tokens.
  private static func buckets(_ totals: [Double]) -> [Bucket] {
    var powers = [Int](repeating: 0, count: 64)
    for total in totals { powers[max(0, Int(log2(total).rounded(.up)))] += 1 }
    var buckets: [Bucket] = []
    var events = 0
    for (power, count) in powers.enumerated() {
      events += count
      if events >= bucketEvents {
        buckets.append(Bucket(upperBound: exp2(Double(power)), weight: defaultWeight, events: events))
        events = 0
      }
    }
    if var last = buckets.popLast() {
      last.events += events
      last.upperBound = .infinity
      return buckets + [last]
    }
    return [Bucket(upperBound: .infinity, weight: defaultWeight, events: events)]
  }

  /// One step of expectation maximization; returns the mean log likelihood before it.
  private mutating func maximize(_ heldOut: HeldOutStatistics) -> Double {
    var used = buckets.map { [Double](repeating: 0, count: $0.count) }
    var reached = used
    var bucketOf = [Int](repeating: 0, count: heldOut.contexts.count)
    for (i, context) in heldOut.contexts.enumerated() {
      bucketOf[i] = bucket(order: context.order, total: context.total)
    }
    var sum = 0.0
    var probabilities = [Double](repeating: 0, count: heldOut.order + 1)
    heldOut.forEachToken { events in
      probabilities[0] = 1 / Double(heldOut.vocabularySize)
      for (k, event) in events.enumerated() {
        guard let context = event.context else {
          probabilities[k + 1] = probabilities[k]
          continue
        }
        let weight = buckets[k][bucketOf[context]].weight
        let frequency = Double(event.count) / heldOut.contexts[context].total
        probabilities[k + 1] = weight * frequency + (1 - weight) * probabilities[k]
      }
      sum += log(probabilities[events.count])
      // The probability that the word came from order k or a lower one.
      var remaining = 1.0
      for (k, event) in events.enumerated().reversed() {
        guard let context = event.context else { continue }
        let bucket = bucketOf[context]
        let lower = (1 - buckets[k][bucket].weight) * probabilities[k] / probabilities[k + 1]
        reached[k][bucket] += remaining
        used[k][bucket] += remaining * (1 - lower)
        remaining *= lower
      }
    }
    for k in buckets.indices {
      for b in buckets[k].indices where reached[k][b] > 0 {
        buckets[k][b].weight = min(max(used[k][b] / reached[k][b], Self.margin), 1 - Self.margin)
      }
    }
    return sum / Double(heldOut.tokenCount)
  }

  private func bucket(order: Int, total: Double) -> Int {
    buckets[order - 1].firstIndex { total <= $0.upperBound } ?? 0
  }

  public func alpha(count: UInt32, context: ContextStatistics) -> Double {
    (1 - gamma(context: context)) * Double(count) / context.total
  }

  public func gamma(context: ContextStatistics) -> Double {
    1 - buckets[context.order - 1][bucket(order: context.order, total: context.total)].weight
  }

  public var record: [JSONValue.Member] {
    let orders = buckets.enumerated().map { index, buckets -> JSONValue in
      [
        "order": .integer(index + 1),
        "weights": .array(buckets.map { .number($0.weight) }),
        "context_counts_up_to": .array(buckets.dropLast().map { .number($0.upperBound) }),
        "held_out_tokens": .array(buckets.map { .integer($0.events) }),
      ]
    }
    return [.init("interpolation", .array(orders))]
  }

  public var warning: String? {
    let empty = buckets.enumerated().filter { order in order.element.contains { $0.events == 0 } }.map {
      "\($0.offset + 1)"
    }
    guard !empty.isEmpty else { return nil }
    return
      "there is no held-out text to estimate Jelinek-Mercer weights for order \(empty.joined(separator: ", ")) from; "
      + "using \(Self.defaultWeight) there"
  }
}
