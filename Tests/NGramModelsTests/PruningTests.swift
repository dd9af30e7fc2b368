import Foundation
import LanguageModels
import NGramModels
import TestSupport
import Testing

@Suite("Pruning and quantization")
struct PruningTests {
  private let v = 30

  private func tokens() -> [TokenID] {
    RandomText.tokens(sentences: 200, vocabularySize: v, seed: 41, maximumLength: 9)
  }

  private func options(
    _ smoothing: Smoothing, _ form: SmoothingForm, _ order: Int, cutoffs: [UInt32] = []
  ) -> NGramModel.Options {
    var options = NGramModel.Options()
    options.order = order
    options.smoothing = smoothing
    options.form = form
    options.cutoffs = cutoffs
    return options
  }

  /// The largest distance of Σ_w p(w | h) from one, over contexts of all kinds.
  private func worstSum(_ model: NGramModel, _ tokens: [TokenID]) -> Double {
    var (worst, all) = (0.0, [Float]())
    for context in SmoothingTests.contexts(tokens, v) {
      model.logProbabilities(after: state(model, after: context), into: &all)
      worst = max(worst, abs(all.reduce(0) { $0 + exp(Double($1)) } - 1))
    }
    return worst
  }

  private func crossEntropy(_ model: NGramModel, _ tokens: [TokenID]) -> Double {
    model.evaluate(tokens, context: model.defaultContext) { _ in }.crossEntropy
  }

  @Test("A pruned model sums to one and comes back from its checkpoint", arguments: SmoothingTests.methods)
  func sums(method: (Smoothing, SmoothingForm)) throws {
    guard method.0.isNormalized else { return }
    let tokens = tokens()
    let whole = train(tokens, v, options(method.0, method.1, 4))
    let size = whole.trie.levelCounts.reduce(0, +)
    let cut = train(tokens, v, options(method.0, method.1, 4, cutoffs: [0, 1, 2]))
    for model in [cut, whole.pruned(threshold: 1e-4), whole.pruned(to: size / 3), whole.pruned(to: v + 1)] {
      #expect(model.trie.levelCounts.reduce(0, +) < size)
      #expect(worstSum(model, tokens) < 1e-5)
      #expect(try readBack(model).configuration == model.configuration)
    }
    #expect(whole.pruned(to: v + 1).trie.levelCounts == [v + 1])
    #expect(whole.pruned(to: size / 3).trie.levelCounts.reduce(0, +) == size / 3)
    #expect(whole.pruned(to: size).trie.levelCounts == whole.trie.levelCounts)
    #expect(whole.pruned(threshold: 0).trie.levelCounts == whole.trie.levelCounts)
  }

  @Test("Cut-offs leave out n-grams by their count in the text, and give their mass to the lower order")
  func cutoffs() {
    let tokens = tokens()
    let order = 3
    let raw = NaiveCounts(tokens, vocabularySize: v, order: order, context: .sentence).counts
    let adjusted = NaiveModel.counts(tokens, v: v, order: order, adjusted: true)
    let model = train(
      tokens, v, options(.modifiedKneserNey, .interpolated, order, cutoffs: [0, 1, 2]))
    let discounts = model.configuration["discounts"]?.elements?.map {
      $0["values"]?.elements?.compactMap(\.doubleValue) ?? []
    }
    // As in KenLM: counts and discounts of the whole text, without α of what is left out.
    func p(_ word: UInt32, _ context: [UInt32]) -> Double {
      let lower = context.isEmpty ? 1 / Double(v) : p(word, Array(context.dropFirst()))
      let k = context.count
      let total = (0..<UInt32(v)).reduce(0) { $0 + (adjusted[k][context + [$1]] ?? 0) }
      guard total > 0 else { return lower }
      func alpha(_ word: UInt32) -> Double {
        let ngram = context + [word]
        guard let count = adjusted[k][ngram], k == 0 || raw[k][ngram, default: 0] > k else { return 0 }
        return (Double(count) - (discounts?[k][min(count, 3) - 1] ?? 0)) / Double(total)
      }
      let gamma = 1 - (0..<UInt32(v)).reduce(0) { $0 + alpha($1) }
      return alpha(word) + gamma * lower
    }
    for context in SmoothingTests.contexts(tokens, v) {
      let history = Array(([UInt32(v)] + context).suffix(order - 1))
      let state = state(model, after: context)
      for word in 0..<TokenID(v) {
        let found = exp(Double(model.logProbability(of: word, after: state).0))
        #expect(abs(found / p(word, history) - 1) < 1e-4)
      }
    }
  }

  @Test("The cost of an n-gram is the relative entropy of the model without it")
  func cost() {
    // A bigram model; p(h) is the unigram probability. Costs are found by pruning with thresholds just above and below them.
    let tokens = RandomText.tokens(sentences: 40, vocabularySize: 8, seed: 42, maximumLength: 6)
    let model = train(tokens, 8, options(.wittenBell, .interpolated, 2))
    let bigrams = model.trie.levelCounts[1]
    var costs: [Double] = []
    for context in [Vocabulary.endOfSentence] + (0..<TokenID(8)).filter({ $0 != 1 }) {
      // p(h) of the sentence's beginning is that of its end.
      var unigrams: [Float] = []
      let start = context == Vocabulary.endOfSentence ? model.initialState : state(model, after: [context])
      let one = train(tokens, 8, options(.wittenBell, .interpolated, 1))
      one.logProbabilities(after: one.initialState, into: &unigrams)
      let q = unigrams.map { exp(Double($0)) }
      var all: [Float] = []
      model.logProbabilities(after: start, into: &all)
      let p = all.map { exp(Double($0)) }
      let seen = (0..<8).filter { model.matchedOrder(of: TokenID($0), after: start) == 2 }
      for left in seen {
        // The distribution without the n-gram, by its definition; D is the relative entropy to the full one, times p(h).
        let rest = seen.filter { $0 != left }
        let backoff = (1 - rest.reduce(0) { $0 + p[$1] }) / (1 - rest.reduce(0) { $0 + q[$1] })
        let pruned = (0..<8).map { rest.contains($0) ? p[$0] : backoff * q[$0] }
        let divergence = zip(p, pruned).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
        costs.append(exp(q[Int(context)] * divergence) - 1)
      }
    }
    #expect(costs.count == bigrams)
    costs.sort()
    for i in stride(from: 0, to: costs.count - 1, by: 3) where costs[i + 1] - costs[i] > 1e-6 {
      let left = model.pruned(threshold: (costs[i] + costs[i + 1]) / 2).trie.levelCounts
      #expect((left.count > 1 ? left[1] : 0) == bigrams - i - 1)
    }
  }

  @Test(
    "The fewer n-grams, the higher the perplexity; the best ones stay",
    arguments: [Smoothing.wittenBell, .modifiedKneserNey])
  func monotony(smoothing: Smoothing) {
    let tokens = tokens()
    let whole = train(tokens, v, options(smoothing, .interpolated, 3))
    let size = whole.trie.levelCounts.reduce(0, +)
    // On the training text itself, so that every n-gram helps.
    let entropies = [size, size / 2, size / 4, v + 1].map { crossEntropy(whole.pruned(to: $0), tokens) }
    #expect(entropies == entropies.sorted())
    // Half of the n-grams, chosen, lose less than half of what all bring.
    #expect(entropies[1] - entropies[0] < (entropies[3] - entropies[0]) / 4)
  }

  @Test("Eight bits change little, take a byte each, and come back", arguments: SmoothingTests.methods)
  func quantization(method: (Smoothing, SmoothingForm)) throws {
    let tokens = tokens()
    let whole = train(tokens, v, options(method.0, method.1, 4))
    let model = whole.quantized(bits: 8)
    #expect(model.trie.words == whole.trie.words)
    let read = try readBack(model)
    #expect(read.configuration["quantize"] == 8)
    let (mean, largest) = model.distance(from: whole)
    #expect(mean < 0.01 && largest < 0.2)
    for level in 1..<4 {
      let nodes = model.trie.levelStarts[level]..<model.trie.levelStarts[level + 1]
      #expect(Set(model.trie.logProbabilities[nodes]).count <= 256)
    }
    // ln 1 and ln 0 stay what they are.
    for (a, b) in zip(whole.trie.logBackoffs, model.trie.logBackoffs) where a == 0 || a == -.infinity {
      #expect(a == b)
    }
    let words = whole.trie.levelStarts[1]
    #expect(model.trie.logProbabilities[..<words] == whole.trie.logProbabilities[..<words])
    let codes = try #require(model.tensors.first { $0.name == "probability_codes" })
    #expect(codes.dataType == .uint8 && codes.byteCount == model.trie.words.count - words)
    #expect(whole.quantized(bits: 2).distance(from: whole).mean >= mean)
  }
}
