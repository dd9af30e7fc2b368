import LanguageModels

/// Which numbers of a back-off model the probability of a held-out text is made of:
///
///     ln p(text) = Σ_i n_i ln p_i + Σ_h m_h ln b_h
///
/// over the n-grams i that tokens are found under, and the contexts h that they do not follow. That depends on the n-grams of a model
/// only, not on its numbers.
struct HeldOutPaths {
  /// The nodes i, with n_i.
  private let found: [(node: Int, count: Double)]
  /// The nodes h, with m_h.
  private let shortened: [(node: Int, count: Double)]
  private let tokenCount: Int

  /// Looks up `tokens` in the n-grams of `model`, in its own context.
  init(_ tokens: [TokenID], in model: NGramModel) {
    var found = [UInt32](repeating: 0, count: model.trie.words.count)
    var shortened = [UInt32](repeating: 0, count: model.trie.logBackoffs.count)
    var state = model.initialState
    for token in tokens {
      let (node, _, next) = model.find(token, after: state) { shortened[$0] += 1 }
      found[node] += 1
      let isEnd = model.defaultContext == .sentence && token == Vocabulary.endOfSentence
      state = isEnd ? model.initialState : next
    }
    func used(_ counts: [UInt32]) -> [(node: Int, count: Double)] {
      counts.indices.filter { counts[$0] > 0 }.map { ($0, Double(counts[$0])) }
    }
    self.found = used(found)
    self.shortened = used(shortened)
    tokenCount = tokens.count
  }

  /// The cross-entropy of the text in nats per token, by the numbers of `trie`, which must have the same n-grams.
  func crossEntropy(_ trie: NGramTrie) -> Double {
    let sum =
      found.reduce(0) { $0 + $1.count * Double(trie.logProbabilities[$1.node]) }
      + shortened.reduce(0) { $0 + $1.count * Double(trie.logBackoffs[$1.node]) }
    return -sum / Double(tokenCount)
  }
}
