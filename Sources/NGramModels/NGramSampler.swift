import Glibc
import LanguageModels

/// Draws from p(w | h)^(1/T), normalized, in time that grows with the order and the logarithm of the number of words that follow a
/// context, not with the vocabulary.
///
/// With weights q(w | h) = p(w | h)^(1/T), a word that follows h is found by binary search in running sums of its siblings'
/// weights. A word that does not has the weight b(h)^(1/T) q(w | h′): it is drawn from h′, again and again until it is
/// none of those that follow h. On average that takes b(h) draws from h′ for one draw from h.
struct NGramSampler: Sendable {
  private let trie: NGramTrie
  /// For each node, the sum of q over its siblings up to and with itself.
  private let cumulative: [Float]
  /// For each context, Σ_w q(w | h); 1 at T = 1.
  private let totals: [Float]
  private let unigramTotal: Float

  /// Below this temperature the weights of rare words cannot be held in a `Float`.
  private static let minimumTemperature = 0.25
  /// Rejections in one draw before what is left of the probability counts as rounding error.
  private static let maximumRejections = 10_000

  /// Prepares the running sums: time in proportion to the number of n-grams.
  init?(trie: NGramTrie, temperature: Double) {
    guard temperature >= Self.minimumTemperature else { return nil }
    self.trie = trie
    let exponent = Float(1 / temperature)
    let weights = trie.logProbabilities.map { expf($0 * exponent) }
    var cumulative = weights
    var totals = [Float](repeating: 1, count: trie.innerCount)

    var sum = 0.0
    for word in 0..<trie.vocabularySize {
      sum += Double(weights[word])
      cumulative[word] = Float(sum)
    }
    unigramTotal = Float(sum)
    for node in 0..<trie.innerCount {
      var seen = 0.0
      var seenBelow = 0.0
      for child in trie.children(of: node) {
        seen += Double(weights[child])
        seenBelow += Double(weights[Int(trie.suffixes[child])])
        cumulative[child] = Float(seen)
      }
      if temperature == 1 { continue }
      let below = node <= trie.vocabularySize ? unigramTotal : totals[Int(trie.suffixes[node])]
      let unseen = Double(expf(trie.logBackoffs[node] * exponent)) * max(0, Double(below) - seenBelow)
      totals[node] = Float(seen + unseen)
    }
    self.cumulative = cumulative
    self.totals = totals
  }

  /// Draws the word after the context at `node`, of `order` words.
  func draw(node: Int, order: Int, _ generator: inout SeededGenerator) -> TokenID {
    var rejections = 0
    return draw(node: node, order: order, &generator, &rejections)
  }

  private func draw(
    node: Int, order: Int, _ generator: inout SeededGenerator, _ rejections: inout Int
  ) -> TokenID {
    guard order > 0 else {
      return trie.words[search(0..<trie.vocabularySize, Float(generator.uniform()) * unigramTotal)]
    }
    let children = trie.children(of: node)
    let suffix = Int(trie.suffixes[node])
    guard let last = children.last else {
      return draw(node: suffix, order: order - 1, &generator, &rejections)
    }
    let target = Float(generator.uniform()) * totals[node]
    while target >= cumulative[last], rejections < Self.maximumRejections {
      let word = draw(node: suffix, order: order - 1, &generator, &rejections)
      if trie.child(of: node, word: word) == nil { return word }
      rejections += 1
    }
    return trie.words[search(children, min(target, cumulative[last].nextDown))]
  }

  /// The first of `nodes` whose running sum is above `target`.
  private func search(_ nodes: Range<Int>, _ target: Float) -> Int {
    var (low, high) = (nodes.lowerBound, nodes.upperBound - 1)
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > target { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
