import LanguageModels
import NGramModels

/// An n-gram model by dictionary, straight from the equations: α and γ of one method, interpolated or backed off by sums over the
/// whole vocabulary.
struct NaiveModel {
  let v: Int
  let order: Int
  let form: SmoothingForm
  /// For each order from 1, what the method takes for counts; `<s>` is word v.
  let counts: [[[UInt32]: Int]]
  /// α(w, h) by the count and the counts of all words that follow h, at the order of hw.
  let alpha: (_ count: Int, _ following: [Int], _ order: Int) -> Double

  /// Raw counts, or, for Kneser and Ney's methods, those of continuations.
  static func counts(_ tokens: [TokenID], v: Int, order: Int, adjusted: Bool) -> [[[UInt32]: Int]] {
    let raw = NaiveCounts(tokens, vocabularySize: v, order: order, context: .sentence).counts
    return (0..<order).map { k in
      if k == order - 1 || !adjusted { return raw[k].filter { $0.key != [UInt32(v)] } }
      var counts: [[UInt32]: Int] = [:]
      for ngram in raw[k + 1].keys { counts[Array(ngram.dropFirst()), default: 0] += 1 }
      for (ngram, count) in raw[k] where ngram[0] == v { counts[ngram] = k == 0 ? nil : count }
      return counts
    }
  }

  /// n_r of the n-grams of `order`.
  static func countsOfCounts(_ counts: [[[UInt32]: Int]], order: Int) -> [Double] {
    (0...20).map { r in Double(counts[order - 1].values.filter { $0 == r }.count) }
  }

  /// p(word | context), the context not longer than order − 1.
  func p(_ word: TokenID, _ context: [UInt32]) -> Double { distribution(context)[Int(word)] }

  func distribution(_ context: [UInt32]) -> [Double] {
    let lower =
      context.isEmpty
      ? [Double](repeating: 1 / Double(v), count: v) : distribution(Array(context.dropFirst()))
    let level = counts[context.count]
    let count = (0..<UInt32(v)).map { level[context + [$0]] ?? 0 }
    let following = count.filter { $0 > 0 }
    guard !following.isEmpty else { return lower }
    var alphas = count.map { $0 > 0 ? alpha($0, following, context.count + 1) : 0 }
    switch form {
    case .interpolated:
      let gamma = 1 - alphas.reduce(0, +)
      return zip(alphas, lower).map { $0 + gamma * $1 }
    case .backedOff:
      let unseenBelow = zip(count, lower).reduce(0) { $0 + ($1.0 == 0 ? $1.1 : 0) }
      if following.count == v {
        let sum = alphas.reduce(0, +)
        return alphas.map { $0 / sum }
      }
      if alphas.reduce(0, +) > 1 - 1e-9 {
        let total = Double(following.reduce(0, +))
        alphas = alphas.map { $0 * total / (total + 1) }
      }
      let backoff = (1 - alphas.reduce(0, +)) / unseenBelow
      return (0..<v).map { count[$0] > 0 ? alphas[$0] : backoff * lower[$0] }
    }
  }
}
