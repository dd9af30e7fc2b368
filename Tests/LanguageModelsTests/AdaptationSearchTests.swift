import Foundation
import LanguageModels
import TestSupport
import Testing

/// The choice of an adaptation's constants, of a model whose likelihood is a known function of them.
@Suite("Choice of constants")
struct AdaptationSearchTests {
  /// ln p falls with the squares of what the constants are away from the best, in octaves; p of the cache alone is best with one flatness.
  private struct Model: AdaptableModel {
    let toy = ToyModel([0.25, 0.25, 0.25, 0.25])
    let rate: Double
    let decay: Double
    let flatness: Double
    /// What passes over the text are counted by.
    let counter = Counter()

    final class Counter: @unchecked Sendable {
      var streams = 0
      var trials = 0
    }

    var vocabulary: Vocabulary { toy.vocabulary }
    var defaultContext: ContextMode { .stream }
    var initialState: Int { 0 }
    func logProbability(of token: TokenID, after state: Int) -> (Float, Int) {
      toy.logProbability(of: token, after: state)
    }
    func logProbabilities(after state: Int, into output: inout [Float]) {
      toy.logProbabilities(after: state, into: &output)
    }

    /// −ln p of each token by the model without a cache.
    private func cost(_ adaptation: Adaptation) -> Double {
      guard let dynamic = adaptation.dynamic else { return 2 }
      if dynamic.rate > 8 * rate { return .nan }
      return 2 + pow(log2(dynamic.rate / rate), 2) / 8 + pow(log2(dynamic.decay / decay), 2) / 8
    }

    /// p of token i by the cache alone: every third token is one that it has seen.
    private func cached(_ i: Int, _ flatness: Double) -> Double {
      i % 3 == 0 ? 0.9 * exp(-abs(log2(flatness / self.flatness))) : 1e-4
    }

    func makeStream(_ adaptation: Adaptation, context: ContextMode) throws -> any TextStream {
      counter.streams += 1
      return Stream { i in
        let p = exp(-cost(adaptation))
        guard let cache = adaptation.cache else { return p }
        return (1 - cache.weight) * p + cache.weight * cached(i, cache.flatness)
      }
    }

    func cacheScores(
      of tokens: [TokenID], _ adaptation: Adaptation, flatnesses: [Double], context: ContextMode,
      watch: (Int) throws -> Void
    ) throws -> [[Float]] {
      counter.trials += 1
      let plain = Float(-cost(adaptation))
      return [tokens.map { _ in plain }]
        + flatnesses.map { flatness in tokens.indices.map { Float(log(cached($0, flatness))) } }
    }
  }

  private final class Stream: TextStream {
    let probability: (Int) -> Double
    init(_ probability: @escaping (Int) -> Double) { self.probability = probability }
    func score(_ tokens: ArraySlice<TokenID>, into output: inout [Float], watch: (Int) throws -> Void)
      rethrows
    {
      for i in tokens.indices { output.append(Float(log(probability(i)))) }
    }
    func restart() {}
  }

  private let tokens = [TokenID](repeating: 2, count: 300)

  private var start: Adaptation {
    var adaptation = Adaptation()
    var dynamic = DynamicEvaluation()
    (dynamic.rate, dynamic.decay) = (1e-4, 1e-3)
    adaptation.dynamic = dynamic
    adaptation.cache = NeuralCache()
    return adaptation
  }

  @Test(
    "Rate and decay end within half an octave of the best, from above and from below",
    arguments: [(7e-4, 1e-4), (2e-5, 1.1e-2), (1e-4, 1e-3)])
  func dynamic(rate: Double, decay: Double) throws {
    let model = Model(rate: rate, decay: decay, flatness: 1)
    var start = start
    start.cache = nil
    let best = try AdaptationSearch().run(model, from: start, on: tokens, context: .stream) { _, _ in }
    let found = try #require(best.adaptation.dynamic)
    #expect(abs(log2(found.rate / rate)) <= 0.51 && abs(log2(found.decay / decay)) <= 0.51)
    #expect(abs(best.loss - 2) < 0.1)
  }

  @Test("Where the first weights run away, a smaller rate is found")
  func runaway() throws {
    let model = Model(rate: 1e-5, decay: 1e-3, flatness: 1)
    var start = start
    start.cache = nil
    let best = try AdaptationSearch().run(model, from: start, on: tokens, context: .stream) { _, _ in }
    #expect(abs(log2((best.adaptation.dynamic?.rate ?? 1) / 1e-5)) <= 0.51)
  }

  @Test("Flatness and share are at least those of a grid, for one pass over the text")
  func cache() throws {
    let model = Model(rate: 1e-4, decay: 1e-3, flatness: 1.3)
    var start = start
    start.dynamic = nil
    var tried = 0
    let best = try AdaptationSearch().run(model, from: start, on: tokens, context: .stream) { _, _ in
      tried += 1
    }
    #expect(model.counter.trials == 1 && model.counter.streams == 0 && tried > 5)
    for share in stride(from: 0.02, to: 0.9, by: 0.02) {
      for octave in -4...5 {
        var other = start
        other.cache?.weight = share
        other.cache?.flatness = NeuralCache().flatness * exp2(Double(octave))
        var scores: [Float] = []
        try model.makeStream(other, context: .stream).score(tokens[...], into: &scores) { _ in }
        let loss = -scores.reduce(0) { $0 + Double($1) } / Double(scores.count)
        #expect(best.loss < loss + 1e-6)
      }
    }
  }

  @Test("What is given stays")
  func given() throws {
    let model = Model(rate: 1e-3, decay: 1e-1, flatness: 5)
    var search = AdaptationSearch()
    (search.choosesRate, search.choosesFlatness) = (false, false)
    let best = try search.run(model, from: start, on: tokens, context: .stream) { _, _ in }
    #expect(best.adaptation.dynamic?.rate == start.dynamic?.rate)
    #expect(best.adaptation.cache?.flatness == start.cache?.flatness)
    #expect(best.adaptation.dynamic?.decay != start.dynamic?.decay)
    #expect(best.adaptation.cache?.weight != start.cache?.weight)
  }
}
