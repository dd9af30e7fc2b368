import Glibc
import LanguageModels

/// Draws from p(w | h)^(1/T), normalized, in time that grows with the order and the logarithm of the number of words that follow a
/// context, not with the vocabulary.
///
/// With weights q(w | h) = p(w | h)^(1/T) that sum to Z(h), a word that follows h is found by binary search in running sums of its siblings'
/// weights. A word that does not has the weight b(h)^(1/T) q(w | h′): it is drawn from h′, again and again until it is
/// none of those that follow h. On average that takes b(h) draws from h′ for one draw from h. Where T is 1 and the model sums to one, Z is
/// 1, and need not be known.
struct NGramSampler: Sendable {
  private let trie: NGramTrie
  /// For each node, the sum of q over its siblings up to and with itself.
  private let cumulative: [Float]
  /// Z(h) of each context; `nil` if that is 1.
  private let totals: [Float]?
  private let unigramTotal: Float
  /// 1/T.
  private let exponent: Float

  /// Below this temperature the weights of rare words cannot be held in a `Float`.
  private static let minimumTemperature = 0.25
  /// Rejections in one draw after which the words that do not follow are looked through one by one.
  private static let maximumRejections = 10_000

  /// Prepares the running sums: time in proportion to the number of n-grams.
  ///
  /// - Parameter sumsToOne: whether Σ_w p(w | h) is 1 after every context.
  init?(trie: NGramTrie, temperature: Double, sumsToOne: Bool) {
    guard temperature >= Self.minimumTemperature, 1 / temperature >= Double(Float.leastNormalMagnitude) else {
      return nil
    }
    self.trie = trie
    let exponent = Float(1 / temperature)
    self.exponent = exponent
    let weights = trie.logProbabilities.map { expf($0 * exponent) }
    var cumulative = weights
    var sum = 0.0
    for word in 0..<trie.vocabularySize {
      sum += Double(weights[word])
      cumulative[word] = Float(sum)
    }
    unigramTotal = Float(sum)
    for node in 0..<trie.innerCount {
      var seen = 0.0
      for child in trie.children(of: node) {
        seen += Double(weights[child])
        cumulative[child] = Float(seen)
      }
    }
    self.cumulative = cumulative
    let isPlain = sumsToOne && temperature == 1
    totals =
      isPlain
      ? nil : ContextTotals(trie, weights: weights, exponent: Double(exponent)).contexts.map { Float($0) }
    guard totals?.allSatisfy(\.isFinite) ?? true else { return nil }
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
    let total = totals?[node] ?? 1
    // Nothing is possible here, so that a sentence can only end.
    if total == 0 { return Vocabulary.endOfSentence }
    let children = trie.children(of: node)
    let suffix = Int(trie.suffixes[node])
    guard let last = children.last else {
      return draw(node: suffix, order: order - 1, &generator, &rejections)
    }
    let target = Float(generator.uniform()) * total
    while target >= cumulative[last], rejections < Self.maximumRejections {
      let word = draw(node: suffix, order: order - 1, &generator, &rejections)
      if trie.child(of: node, word: word) == nil { return word }
      rejections += 1
    }
    if target >= cumulative[last], let word = drawUnseen(node, order: order, &generator) { return word }
    return trie.words[search(children, min(target, cumulative[last].nextDown))]
  }

  /// Draws one of the words that do not follow the context at `node`, by their weights after the context without its first word; `nil` if
  /// none has any, and what seemed to be left for them is rounding error.
  private func drawUnseen(_ node: Int, order: Int, _ generator: inout SeededGenerator) -> TokenID? {
    var weights = (0..<trie.vocabularySize).map { Double(expf(trie.logProbabilities[$0] * exponent)) }
    var shorter: [Int] = []
    for _ in 1..<order { shorter.append(Int(trie.suffixes[shorter.last ?? node])) }
    for context in shorter.reversed() {
      let backoff = Double(expf(trie.logBackoffs[context] * exponent))
      for word in weights.indices { weights[word] *= backoff }
      for child in trie.children(of: context) {
        weights[Int(trie.words[child])] = Double(expf(trie.logProbabilities[child] * exponent))
      }
    }
    for child in trie.children(of: node) { weights[Int(trie.words[child])] = 0 }
    var rest = generator.uniform() * weights.reduce(0, +)
    return weights.firstIndex { weight in
      rest -= weight
      return rest < 0
    }.map { TokenID($0) }
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
