import LanguageModels

/// How many of an order's n-grams have each small count: n₁, n₂, … of Good (1953) and of Chen and Goodman (1998, eq. 26).
public struct CountStatistics: Sendable, Equatable {
  /// The largest count that is looked at.
  public static let limit = 16
  /// `countsOfCounts[r]` n-grams have the count r, for r from 1 to `limit`; index 0 is not used.
  public private(set) var countsOfCounts = [Int](repeating: 0, count: limit + 1)

  /// No statistics yet.
  init() {}

  /// Looks at one n-gram's count.
  @inline(__always)
  mutating func add(_ count: UInt32) {
    if count >= 1 && count <= UInt32(Self.limit) { countsOfCounts[Int(count)] += 1 }
  }

  /// The statistics of `counts`; zeros are not n-grams.
  public init(of counts: some Sequence<UInt32>) {
    countsOfCounts.withUnsafeMutableBufferPointer { table in
      for count in counts where count >= 1 && count <= UInt32(Self.limit) { table[Int(count)] += 1 }
    }
  }

  /// n_r.
  public subscript(r: Int) -> Int { countsOfCounts[r] }

  /// n₁ to n_r, as the checkpoint records them.
  func record(upTo r: Int) -> JSONValue { .array((1...r).map { .integer(self[$0]) }) }

  /// n₁ to n_r, as warnings name them.
  func description(upTo r: Int) -> String { (1...r).map { "n\($0)=\(self[$0])" }.joined(separator: " ") }
}

/// What a smoothing method may know of one context h.
public struct ContextStatistics: Sendable {
  /// The order of the n-grams hw.
  public var order: Int
  /// Σ_w c(hw).
  public var total: Double
  /// N₁(h·), N₂(h·), N₃₊(h·): how many words follow h once, twice, more often.
  public var types: (once: Int, twice: Int, more: Int)
  /// Whether h is as long as a context of this model can be: of n − 1 words, or reaching back to the beginning of
  /// the sentence.
  public var isComplete: Bool
  /// V, the number of words that can follow.
  public var vocabularySize: Int

  /// What is known of a context whose words have these counts.
  @inline(__always)
  init(of counts: UnsafeBufferPointer<UInt32>, order: Int, isComplete: Bool, vocabularySize: Int) {
    (self.order, self.isComplete, self.vocabularySize) = (order, isComplete, vocabularySize)
    (total, types) = (0, (0, 0, 0))
    for count in counts {
      total += Double(count)
      switch count {
      case 0: break
      case 1: types.once += 1
      case 2: types.twice += 1
      default: types.more += 1
      }
    }
  }

  /// N₁₊(h·): how many different words follow h.
  public var distinct: Int { types.once + types.twice + types.more }
}

extension NGramCounts {
  /// The counts that smoothing works on, of every node.
  ///
  /// Raw: c(w₁…w_k). Adjusted (Kneser and Ney 1995): below the highest order, the number of different words that precede
  /// w₁…w_k, N₁₊(·w₁…w_k); raw for n-grams that begin with `<s>`, which nothing precedes.
  func counts(adjusted: Bool) -> [UInt32] {
    var result = counts
    result[vocabularySize] = 0  // <s> is never predicted
    guard adjusted else { return result }
    result.withUnsafeMutableBufferPointer { result in
      for k in 1..<max(1, order) {
        let end = firstAtSentenceStart[k - 1]
        for node in nodes(level: k).lowerBound..<end { result[node] = 0 }
        for suffix in suffixes[nodes(level: k + 1)] where suffix < end { result[Int(suffix)] += 1 }
      }
    }
    return result
  }
}
