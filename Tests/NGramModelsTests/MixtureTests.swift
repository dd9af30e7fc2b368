import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NGramModels

/// Linear mixtures, of models that are made here.
@Suite("Mixtures")
struct MixtureTests {
  /// A model of order `order` of a text over the words w0, w1, … of which it knows those from `first` on.
  private func model(_ order: Int, seed: UInt64, words: Range<Int>) -> NGramModel {
    var options = NGramModel.Options()
    (options.order, options.smoothing) = (order, .wittenBell)
    let tokens = RandomText.tokens(
      sentences: 200, vocabularySize: words.count + 2, seed: seed, maximumLength: 9)
    let vocabulary = Vocabulary(unit: .word, tokens: words.map { "w\($0)" })
    return NGramModel(tokens: tokens, vocabulary: vocabulary, options: options)
  }

  private func mixture(
    _ models: [NGramModel], _ weights: MixtureWeights? = nil, shares: [Double]? = nil
  ) -> Mixture {
    Mixture(
      models, tokens: SharedVocabulary(models.map(\.vocabulary), shares: shares),
      weights: weights ?? MixtureWeights(equal: models.count))
  }

  private func text(_ vocabulary: Vocabulary, seed: UInt64 = 9) -> [TokenID] {
    RandomText.tokens(sentences: 60, vocabularySize: vocabulary.count, seed: seed, maximumLength: 9)
  }

  private func scores(_ model: some LanguageModel, _ tokens: [TokenID], _ context: ContextMode) -> [Float] {
    var (state, scores) = (model.initialState, [Float]())
    model.score(tokens[...], context: context, after: &state, into: &scores)
    return scores
  }

  @Test("A mixture of one model is that model")
  func one() {
    let model = model(3, seed: 1, words: 0..<20)
    let mixture = mixture([model])
    let tokens = text(model.vocabulary)
    for (a, b) in zip(scores(mixture, tokens, .sentence), scores(model, tokens, .sentence)) {
      #expect(abs(a - b) < 1e-5)
    }
  }

  @Test("Words are matched by their text, and all probabilities sum to one")
  func vocabularies() {
    let models = [
      model(3, seed: 1, words: 0..<20), model(2, seed: 2, words: 10..<30), model(1, seed: 3, words: 5..<9),
    ]
    let mixture = mixture(models, MixtureWeights([0.5, 0.3, 0.2]), shares: [0.25, 0.5, 0.9])
    #expect(mixture.vocabulary.count == 32)
    #expect(mixture.tokens.members.map(\.missing) == [10, 10, 26])
    #expect(SumCheck().run(mixture).allSatisfy { $0.passes(tolerance: 1e-5) && $0.zeros == 0 })
    // w12 is token 14 of the first model and token 4 of the second; the third takes it for one of 26 words that it does not know.
    let token = mixture.vocabulary.id(of: "w12")
    let unigram = { (model: NGramModel, token: TokenID) in
      exp(Double(model.logProbability(of: token, after: model.initialState).0))
    }
    let expected =
      0.5 * unigram(models[0], 14) + 0.3 * unigram(models[1], 4) + 0.2 * unigram(models[2], 0) * 0.9 / 26
    let (found, _) = mixture.logProbability(of: token, after: mixture.initialState)
    #expect(abs(exp(Double(found)) - expected) < 1e-6)
  }

  @Test("A text scores the same at once and token by token", arguments: ContextMode.allCases, [false, true])
  func bulk(context: ContextMode, byOrder: Bool) {
    let models = [model(3, seed: 1, words: 0..<20), model(2, seed: 2, words: 10..<30)]
    let weights = MixtureWeights(sets: byOrder ? [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]] : [[0.3, 0.7]])
    let mixture = mixture(models, weights)
    let tokens = text(mixture.vocabulary)
    let atOnce = scores(mixture, tokens, context)
    var state = mixture.initialState
    for (token, score) in zip(tokens, atOnce) {
      let (one, next) = mixture.logProbability(of: token, after: state)
      #expect(abs(one - score) < 1e-5)
      state = context == .sentence && token == Vocabulary.endOfSentence ? mixture.initialState : next
    }
    #expect(SumCheck().run(mixture).allSatisfy { $0.passes(tolerance: 1e-5) })
  }

  @Test("EM finds the weights that a grid finds")
  func weights() throws {
    let models = [
      model(3, seed: 1, words: 0..<20), model(2, seed: 2, words: 0..<20), model(1, seed: 3, words: 0..<20),
    ]
    let mixture = mixture(models)
    // A text of which each model has made a part.
    let parts = zip(models, [120, 60, 20]).map { model, count in
      Sampler(model: model, options: SamplingOptions(), seed: 5).samples(count, after: model.initialState)
        .flatMap { $0.map(\.token) }
    }
    let evidence = try mixture.evidence(of: parts.flatMap { $0 }, context: .sentence) { _ in }
    let found = evidence.bestWeights().weights.sets[0]
    let logs = evidence.logProbabilities
    func likelihood(_ a: Double, _ b: Double) -> Double {
      logs[0].indices.reduce(0) {
        let (x, y, z) = (
          exp(Double(logs[0][$1])), exp(Double(logs[1][$1])), exp(Double(logs[2][$1]))
        )
        return $0 + log(a * x + b * y + (1 - a - b) * z)
      }
    }
    var best = (value: -Double.infinity, a: 0.0, b: 0.0)
    // A grid around nothing in particular, then one of a thousandth around its best.
    for (center, step, size) in [((0.5, 0.5), 0.02, 25), ((-1, -1), 0.001, 25)] {
      let (x, y) = center.0 < 0 ? (best.a, best.b) : (0.5, 0.5)
      for i in -size...size {
        for j in -size...size {
          let (a, b) = (x + Double(i) * step, y + Double(j) * step)
          guard a >= 0, b >= 0, a + b <= 1 else { continue }
          let value = likelihood(a, b)
          if value > best.value { best = (value, a, b) }
        }
      }
    }
    #expect(abs(found[0] - best.a) <= 0.001 && abs(found[1] - best.b) <= 0.001)
    #expect(likelihood(found[0], found[1]) >= best.value - 1e-6)
  }

  @Test("The share of unknown tokens is counted in the text")
  func shares() {
    let models = [model(2, seed: 1, words: 0..<5), model(2, seed: 2, words: 0..<8)]
    var tokens = SharedVocabulary(models.map(\.vocabulary))
    // Three tokens that only the second knows, one that none knows, and others.
    let text = ["w5", "w5", "w7", "w1", "nothing", "w2"].map { tokens.vocabulary.id(of: $0) }
    tokens.chooseShares(by: text)
    #expect(tokens.members[0].share == 4 / 6.0)
    #expect(tokens.members[1].missing == 0)
  }

  /// Models of orders 3, 2 and 4 that are mixed.
  private func threeModels(_ words: [Range<Int>]) -> Mixture {
    let models = zip([3, 2, 4], words).enumerated().map { i, of in
      model(of.0, seed: UInt64(i + 1), words: of.1)
    }
    return mixture(models, MixtureWeights([0.5, 0.2, 0.3]))
  }

  @Test("A static mixture is the mixture where it has the n-gram")
  func staticMixture() {
    let mixture = threeModels([0..<12, 0..<12, 0..<12])
    let model = NGramModel(mixture: mixture)
    #expect(model.trie.order == 4)
    var (dynamic, fixed) = (mixture.initialState, model.initialState)
    var (matched, others) = (0, 0)
    for token in text(mixture.vocabulary) {
      let difference = abs(
        mixture.logProbability(of: token, after: dynamic).0 - model.logProbability(of: token, after: fixed).0)
      // The n-gram that the context and the token are is in the trie.
      if model.matchedOrder(of: token, after: fixed) == model.contextOrder(of: fixed) + 1 {
        #expect(difference < 1e-5)
        matched += 1
      } else if difference > 1e-3 {
        others += 1
      }
      (dynamic, fixed) = (mixture.advance(dynamic, by: token), model.advance(fixed, by: token))
      if token == Vocabulary.endOfSentence { (dynamic, fixed) = (mixture.initialState, model.initialState) }
    }
    #expect(matched > 100 && others > 10)
  }

  @Test("A static mixture sums to one", arguments: [[0..<12, 0..<12, 0..<12], [0..<12, 6..<18, 0..<4]])
  func staticSums(words: [Range<Int>]) {
    let model = NGramModel(mixture: threeModels(words))
    #expect(SumCheck().run(model).allSatisfy { $0.passes(tolerance: 1e-4) })
  }

  @Test("A text that is read in pieces, with members that do not adapt, scores the same")
  func stream() throws {
    let models = [model(3, seed: 1, words: 0..<20), model(2, seed: 2, words: 10..<30)]
    let mixture = mixture(models, MixtureWeights(sets: [[0.9, 0.1], [0.2, 0.8]]))
    let tokens = text(mixture.vocabulary)
    let stream = try mixture.makeStream(Adaptation(), context: .sentence)
    for _ in 0..<2 {
      var output: [Float] = []
      stream.score(tokens[..<17], into: &output) { _ in }
      stream.score(tokens[17...], into: &output) { _ in }
      #expect(zip(output, scores(mixture, tokens, .sentence)).allSatisfy { abs($0 - $1) < 1e-5 })
      stream.restart()
    }
  }
}
