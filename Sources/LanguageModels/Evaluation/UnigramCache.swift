import Glibc

/// A cache of the last N tokens (Kuhn and De Mori 1990), mixed into a model's probabilities:
///
///     p(w) = (1 − λ) p_model(w | h) + λ c(w) / n
///
/// where c(w) says how often w is among the last n tokens scored, n being N or, at the beginning, the number of tokens so far. Before
/// the first token, the model stands alone. The cache runs on across lines and texts, also where the model's context restarts: it is
/// there for what a text is about. Ends of sentences and UNK are tokens like all others, so the probabilities sum to one.
public struct UnigramCache: Sendable {
  /// N.
  public let size: Int
  /// λ.
  public let weight: Double
  private var counts: [UInt32]
  private var recent: [TokenID] = []
  private var oldest = 0

  /// An empty cache of `size` tokens, at least one, with a weight from 0 to 1.
  public init(size: Int, weight: Double, vocabularySize: Int) {
    self.size = size
    self.weight = weight
    counts = Array(repeating: 0, count: vocabularySize)
  }

  /// c(w) / n; `nil` while the cache is empty.
  public func probability(of token: TokenID) -> Double? {
    recent.isEmpty ? nil : Double(counts[Int(token)]) / Double(recent.count)
  }

  /// Takes in one more token, and forgets the oldest if there are too many.
  public mutating func add(_ token: TokenID) {
    if recent.count < size {
      recent.append(token)
    } else {
      counts[Int(recent[oldest])] -= 1
      recent[oldest] = token
      oldest = (oldest + 1) % size
    }
    counts[Int(token)] += 1
  }

  /// Mixes the cache into ln p of each of `tokens` in turn, and takes them in.
  public mutating func mix(_ tokens: ArraySlice<TokenID>, into logProbabilities: inout [Float]) {
    for (i, token) in tokens.enumerated() {
      if let cached = probability(of: token) {
        let p = exp(Double(logProbabilities[i]))
        logProbabilities[i] = Float(log((1 - weight) * p + weight * cached))
      }
      add(token)
    }
  }

  /// What Z = Σ_w p(w | h) becomes by mixing, (1 − λ) Z + λ, given ln Z of the contexts of the tokens that come next; to be called
  /// before these are taken in.
  public func mix(intoLogNormalizers logarithms: inout [Float]) {
    // Before the first token, the model stands alone.
    for i in logarithms.indices where i > 0 || !recent.isEmpty {
      logarithms[i] = Float(log((1 - weight) * exp(Double(logarithms[i])) + weight))
    }
  }

  /// The λ that makes a text likeliest, given its tokens and the model's ln p of each.
  ///
  /// The mean of ln p(w) is concave in λ, so the zero of its derivative is found by halving.
  public static func bestWeight(
    size: Int, vocabularySize: Int, tokens: [TokenID], logProbabilities: [Float]
  ) -> Double {
    var cache = UnigramCache(size: size, weight: 0, vocabularySize: vocabularySize)
    var pairs: [(model: Double, cache: Double)] = []
    for (token, logProbability) in zip(tokens, logProbabilities) {
      if let cached = cache.probability(of: token) { pairs.append((exp(Double(logProbability)), cached)) }
      cache.add(token)
    }
    return bestShare(of: pairs)
  }

  /// The λ from 0 to 1 that makes Σ ln((1 − λ) p_model + λ p_cache) largest.
  static func bestShare(of pairs: [(model: Double, cache: Double)]) -> Double {
    func slope(_ weight: Double) -> Double {
      pairs.reduce(0) { sum, pair in
        let mixed = (1 - weight) * pair.model + weight * pair.cache
        // What neither expects is impossible with every λ.
        return mixed > 0 ? sum + (pair.cache - pair.model) / mixed : sum
      }
    }
    var (low, high) = (0.0, 1.0)
    for _ in 0..<40 {
      let middle = (low + high) / 2
      if slope(middle) > 0 { low = middle } else { high = middle }
    }
    return low
  }
}
