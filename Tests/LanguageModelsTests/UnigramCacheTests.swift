import Foundation
import LanguageModels
import TestSupport
import Testing

@Suite("Unigram cache")
struct UnigramCacheTests {
  private let probabilities: [Float] = [0.1, 0.2, 0.3, 0.25, 0.15]

  @Test("Mixed probabilities are those of the definition, and sum to one", arguments: [1, 3, 1000])
  func definition(size: Int) {
    let tokens = RandomText.tokens(sentences: 20, vocabularySize: 5, seed: 31)
    var cache = UnigramCache(size: size, weight: 0.3, vocabularySize: 5)
    for (i, token) in tokens.enumerated() {
      let recent = tokens[max(0, i - size)..<i]
      var sum = 0.0
      for word in 0..<TokenID(5) {
        var mixed = [Float(log(Double(probabilities[Int(word)])))]
        var copy = cache
        copy.mix([word], into: &mixed)
        let share = Double(recent.filter { $0 == word }.count) / Double(recent.count)
        let p = Double(probabilities[Int(word)])
        let expected = i == 0 ? p : 0.7 * p + 0.3 * share
        #expect(abs(exp(Double(mixed[0])) - expected) < 1e-6)
        sum += exp(Double(mixed[0]))
      }
      #expect(abs(sum - 1) < 1e-5)
      cache.add(token)
    }
  }

  @Test("Mixing many tokens at once is mixing each")
  func blocks() {
    let tokens = RandomText.tokens(sentences: 20, vocabularySize: 5, seed: 32)
    let scores = tokens.map { Float(log(Double(probabilities[Int($0)]))) }
    var (whole, parts) = (scores, [Float]())
    var cache = UnigramCache(size: 7, weight: 0.2, vocabularySize: 5)
    var again = cache
    cache.mix(tokens[...], into: &whole)
    for start in stride(from: 0, to: tokens.count, by: 3) {
      let range = start..<min(start + 3, tokens.count)
      var part = Array(scores[range])
      again.mix(tokens[range], into: &part)
      parts += part
    }
    #expect(whole == parts)
  }

  @Test("The best weight is better than its neighbours, and 0 where a cache does not help")
  func bestWeight() {
    let tokens = RandomText.tokens(sentences: 300, vocabularySize: 5, seed: 33)
    let scores = tokens.map { Float(log(Double(probabilities[Int($0)]))) }
    func crossEntropy(_ weight: Double) -> Double {
      var mixed = scores
      var cache = UnigramCache(size: 50, weight: weight, vocabularySize: 5)
      cache.mix(tokens[...], into: &mixed)
      return -mixed.reduce(0) { $0 + Double($1) }
    }
    let best = UnigramCache.bestWeight(size: 50, vocabularySize: 5, tokens: tokens, logProbabilities: scores)
    #expect(best > 0.01 && best < 0.99)
    for step in [-0.01, 0.01] { #expect(crossEntropy(best) < crossEntropy(best + step)) }
    // A model that knows what comes: nothing is gained by what came before.
    let certain = [Float](repeating: -1e-6, count: tokens.count)
    #expect(
      UnigramCache.bestWeight(size: 50, vocabularySize: 5, tokens: tokens, logProbabilities: certain) < 1e-6)
  }
}
