/// chrF (Popović 2015): how many n-grams of 1 to 6 characters sentences share with their references, white space left out.
///
///     chrF = 100 (1 + β²) P R / (β² P + R),   β = 2
///
/// P and R: the means over n of matches by n-grams of the hypotheses, and of the references, of those n that both have. A match
/// counts at most as often as it occurs in both. These are the numbers of sacreBLEU's `chrF2` of one reference; those of several sentences
/// add up.
public struct ChrF: Sendable, Equatable {
  /// The longest n-grams.
  public static let order = 6
  private static let beta = 2.0

  /// n-grams that both have, from n = 1.
  public private(set) var matches = [Int](repeating: 0, count: order)
  /// n-grams of the hypotheses whose references have some.
  public private(set) var hypothesisTotals = [Int](repeating: 0, count: order)
  /// n-grams of the references.
  public private(set) var referenceTotals = [Int](repeating: 0, count: order)

  /// Of no sentence.
  public init() {}

  /// Of one sentence: the characters of both.
  public init(of hypothesis: [UInt32], reference: [UInt32]) {
    for n in 1...Self.order {
      let (own, right) = (Self.ngrams(n, of: hypothesis), Self.ngrams(n, of: reference))
      for (ngram, count) in own { matches[n - 1] += min(count, right[ngram] ?? 0) }
      hypothesisTotals[n - 1] = right.isEmpty ? 0 : max(0, hypothesis.count - n + 1)
      referenceTotals[n - 1] = max(0, reference.count - n + 1)
    }
  }

  /// How often each n-gram occurs.
  private static func ngrams(_ n: Int, of text: [UInt32]) -> [SIMD8<UInt32>: Int] {
    var counts: [SIMD8<UInt32>: Int] = [:]
    guard text.count >= n else { return counts }
    for start in 0...text.count - n {
      var ngram = SIMD8<UInt32>()
      for i in 0..<n { ngram[i] = text[start + i] }
      counts[ngram, default: 0] += 1
    }
    return counts
  }

  /// Adds those of other sentences.
  public mutating func add(_ other: ChrF) {
    for n in 0..<Self.order {
      matches[n] += other.matches[n]
      hypothesisTotals[n] += other.hypothesisTotals[n]
      referenceTotals[n] += other.referenceTotals[n]
    }
  }

  /// chrF of all sentences together, from 0 to 100.
  public var score: Double {
    var (precision, recall, orders) = (0.0, 0.0, 0.0)
    for n in 0..<Self.order where hypothesisTotals[n] > 0 && referenceTotals[n] > 0 {
      precision += Double(matches[n]) / Double(hypothesisTotals[n])
      recall += Double(matches[n]) / Double(referenceTotals[n])
      orders += 1
    }
    guard precision + recall > 0 else { return 0 }
    (precision, recall) = (precision / orders, recall / orders)
    let square = Self.beta * Self.beta
    return 100 * (1 + square) * precision * recall / (square * precision + recall)
  }
}
