import Glibc

/// BLEU (Papineni et al. 2002) of sentences: how many of their n-grams of 1 to 4 words stand in references.
///
///     BLEU = 100 · BP · exp(¼ Σₙ ln(mₙ / tₙ)),   BP = min(1, e^(1 − r/h))
///
/// mₙ: n-grams that stand in a reference, each counted at most as often as in one of them; tₙ: all n-grams; h: words; r: words of the
/// references, of several that of the nearest length, the shorter of two. The k-th mₙ that is zero counts as 2⁻ᵏ. These are the
/// numbers of sacreBLEU with `--tokenize none` and its smoothing `exp`. The numbers of several sentences add up.
public struct BLEU: Sendable, Equatable {
  /// The longest n-grams.
  public static let order = 4

  /// mₙ, from n = 1.
  public var matches = [Int](repeating: 0, count: order)
  /// tₙ, from n = 1.
  public var totals = [Int](repeating: 0, count: order)
  /// h.
  public var words = 0
  /// r.
  public var referenceWords = 0

  /// Of no sentence.
  public init() {}

  /// The n-grams of what a sentence is compared with.
  public struct References: Sendable {
    fileprivate var counts: NGrams = [:]
    fileprivate var lengths: [Int] = []

    /// One reference or several.
    public init(_ references: [[TokenID]]) {
      for reference in references {
        counts.merge(BLEU.ngrams(of: reference)) { max($0, $1) }
        lengths.append(reference.count)
      }
    }
  }

  /// Of one sentence.
  public init(of hypothesis: [TokenID], _ references: References) {
    for (ngram, count) in Self.ngrams(of: hypothesis) {
      let n = (1..<Self.order).first { ngram[$0] == Self.nothing } ?? Self.order
      totals[n - 1] += count
      matches[n - 1] += min(count, references.counts[ngram] ?? 0)
    }
    words = hypothesis.count
    let nearest = references.lengths.min {
      let (a, b) = (abs($0 - hypothesis.count), abs($1 - hypothesis.count))
      return a == b ? $0 < $1 : a < b
    }
    referenceWords = nearest ?? 0
  }

  /// How often each n-gram occurs; behind short ones stands `nothing`.
  fileprivate typealias NGrams = [SIMD4<TokenID>: Int]

  private static let nothing = TokenID.max

  private static func ngrams(of sentence: [TokenID]) -> NGrams {
    var counts: NGrams = [:]
    counts.reserveCapacity(order * sentence.count)
    for start in sentence.indices {
      var ngram = SIMD4(repeating: nothing)
      for n in 0..<min(order, sentence.count - start) {
        ngram[n] = sentence[start + n]
        counts[ngram, default: 0] += 1
      }
    }
    return counts
  }

  /// Adds those of other sentences.
  public mutating func add(_ other: BLEU) {
    for n in 0..<Self.order {
      matches[n] += other.matches[n]
      totals[n] += other.totals[n]
    }
    words += other.words
    referenceWords += other.referenceWords
  }

  /// BP.
  public var brevityPenalty: Double {
    if words >= referenceWords { return 1 }
    return words == 0 ? 0 : exp(1 - Double(referenceWords) / Double(words))
  }

  /// BLEU of all sentences together, from 0 to 100.
  public var score: Double { score(orders: Self.order) }

  /// BLEU of a single sentence: n-grams that are longer than it do not count.
  public var sentenceScore: Double {
    score(orders: max(1, totals.reduce(0) { $0 + ($1 > 0 ? 1 : 0) }))
  }

  /// Another measure that is called BLEU in lectures and textbooks, of a single sentence, from 0 to 1:
  ///
  ///     exp(min(0, 1 − r/h)) ∏ₙ (mₙ / tₙ)^(1/2ⁿ),   n up to `order`
  ///
  /// Longer n-grams weigh less, and nothing is smoothed: a sentence without a match of some n has 0. Those that are longer than it do
  /// not count. Its numbers have nothing to do with those of `score`.
  public func halvingScore(order: Int) -> Double {
    guard words > 0 else { return 0 }
    var result = exp(min(0, 1 - Double(referenceWords) / Double(words)))
    for n in 0..<min(order, Self.order) where totals[n] > 0 {
      result *= pow(Double(matches[n]) / Double(totals[n]), 1 / Double(2 << n))
    }
    return result
  }

  /// mₙ / tₙ in percent, the smoothed ones where nothing matches, as sacreBLEU prints them; 0 where there are no n-grams.
  public var precisions: [Double] {
    var smoothing = 1.0
    return (0..<Self.order).map { n in
      guard totals[n] > 0, matches.contains(where: { $0 > 0 }) else { return 0 }
      if matches[n] > 0 { return 100 * Double(matches[n]) / Double(totals[n]) }
      smoothing /= 2
      return 100 * smoothing / Double(totals[n])
    }
  }

  private func score(orders: Int) -> Double {
    guard matches.contains(where: { $0 > 0 }), !totals[..<orders].contains(0) else { return 0 }
    var smoothing = 1.0
    var sum = 0.0
    for n in 0..<orders {
      var count = Double(matches[n])
      if matches[n] == 0 {
        smoothing /= 2
        count = smoothing
      }
      sum += log(count / Double(totals[n]))
    }
    return 100 * brevityPenalty * exp(sum / Double(orders))
  }
}
