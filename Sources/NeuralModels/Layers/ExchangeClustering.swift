import Glibc
import LanguageModels

/// Classes of tokens that stand in like places: those of the bigram class model p(w | v) = p(c_w | c_v) p(w | c_w) under which the text is
/// likeliest, found by moving one token after the other to its best class (Kneser and Ney 1993; Martin, Liermann and Ney 1998).
///
///     ln p(text) = Σ_{a,b} N(a, b) ln N(a, b) − 2 Σ_a N(a) ln N(a) + constant
struct ExchangeClustering {
  private(set) var classes: [Int]
  private let classCount: Int
  /// For each token, the tokens before and behind it, and how often.
  private let before: [[(token: Int, count: Int)]]
  private let behind: [[(token: Int, count: Int)]]
  private let counts: [Int]
  /// N(a, b) at a · C + b, and N(a).
  private var pairs: [Int]
  private var totals: [Int]

  /// Begins with classes by frequency.
  init(text: [TokenID], vocabularySize: Int, classCount: Int) {
    var counts = [Int](repeating: 0, count: vocabularySize)
    var bigrams: [UInt64: Int] = [:]
    for token in text { counts[Int(token)] += 1 }
    for (first, second) in zip(text, text.dropFirst()) {
      bigrams[UInt64(first) << 32 | UInt64(second), default: 0] += 1
    }
    var before = [[(token: Int, count: Int)]](repeating: [], count: vocabularySize)
    var behind = before
    // In a fixed order, so that the same text gives the same classes.
    for (key, count) in bigrams.sorted(by: { $0.key < $1.key }) {
      let (first, second) = (Int(key >> 32), Int(key & 0xFFFF_FFFF))
      behind[first].append((second, count))
      before[second].append((first, count))
    }
    (self.before, self.behind, self.counts, self.classCount) = (before, behind, counts, classCount)
    classes = SoftmaxOptions.classes(byFrequency: counts, classCount: classCount)
    pairs = [Int](repeating: 0, count: classCount * classCount)
    totals = [Int](repeating: 0, count: classCount)
    for (token, followers) in behind.enumerated() {
      totals[classes[token]] += counts[token]
      for (next, count) in followers { pairs[classes[token] * classCount + classes[next]] += count }
    }
  }

  /// Moves every token once, the frequent ones first, unless it is the last of its class.
  ///
  /// - Returns: how many found a better class.
  mutating func improve() -> Int {
    var moved = 0
    var sizes = [Int](repeating: 0, count: classCount)
    for value in classes { sizes[value] += 1 }
    let order = classes.indices.sorted { (counts[$1], $0) < (counts[$0], $1) }
    for token in order where sizes[classes[token]] > 1 && counts[token] > 0 {
      let old = classes[token]
      let (left, right, own) = neighbours(of: token)
      move(-1, token, old, left, right, own)
      var best = (class: old, gain: gain(token, of: old, left, right, own))
      for candidate in 0..<classCount where candidate != old {
        let gain = gain(token, of: candidate, left, right, own)
        if gain > best.gain + 1e-9 { best = (candidate, gain) }
      }
      move(1, token, best.class, left, right, own)
      if best.class != old {
        sizes[old] -= 1
        sizes[best.class] += 1
        classes[token] = best.class
        moved += 1
      }
    }
    return moved
  }

  /// How often the tokens of each class stand before and behind a token, and it behind itself, which neither counts.
  private func neighbours(of token: Int) -> (left: [(Int, Int)], right: [(Int, Int)], own: Int) {
    var own = 0
    func sums(_ list: [(token: Int, count: Int)]) -> [(Int, Int)] {
      var sums: [Int: Int] = [:]
      for (other, count) in list {
        if other == token { own = count } else { sums[classes[other], default: 0] += count }
      }
      return sums.sorted { $0.key < $1.key }
    }
    return (sums(before[token]), sums(behind[token]), own)
  }

  /// Counts a token in class c, if `sign` is 1, or no more in it, if that is −1.
  private mutating func move(
    _ sign: Int, _ token: Int, _ c: Int, _ left: [(Int, Int)], _ right: [(Int, Int)], _ own: Int
  ) {
    for (other, count) in left { pairs[other * classCount + c] += sign * count }
    for (other, count) in right { pairs[c * classCount + other] += sign * count }
    pairs[c * classCount + c] += sign * own
    totals[c] += sign * counts[token]
  }

  /// What the likelihood gains when a token that is in no class comes to class c.
  private func gain(
    _ token: Int, of c: Int, _ left: [(Int, Int)], _ right: [(Int, Int)], _ own: Int
  ) -> Double {
    func growth(_ n: Int, _ more: Int) -> Double { Self.entropy(n + more) - Self.entropy(n) }
    var result = -2 * growth(totals[c], counts[token])
    var inside = own
    for (other, count) in left {
      if other == c { inside += count } else { result += growth(pairs[other * classCount + c], count) }
    }
    for (other, count) in right {
      if other == c { inside += count } else { result += growth(pairs[c * classCount + other], count) }
    }
    return result + growth(pairs[c * classCount + c], inside)
  }

  /// n ln n
  private static func entropy(_ n: Int) -> Double { n > 0 ? Double(n) * log(Double(n)) : 0 }
}

extension SoftmaxOptions {
  /// Classes of tokens that stand in like places.
  public static func classes(byExchangeIn text: [TokenID], vocabularySize: Int, classCount: Int) -> [Int] {
    var clustering = ExchangeClustering(
      text: text, vocabularySize: vocabularySize, classCount: classCount)
    // What moves later moves little.
    for _ in 0..<10 {
      if clustering.improve() * 200 < vocabularySize { break }
    }
    return clustering.classes
  }
}
