import LanguageModels
import Testing

@Suite("Choice of weights")
struct LineSearchTests {
  /// Random lists: features that know something of the errors, and noise.
  private func lists(
    _ metric: RescoringMetric, features: Int, count: Int = 60, seed: UInt64
  ) -> CandidateLists {
    var generator = SeededGenerator(seed: seed)
    var lists = CandidateLists(metric: metric, featureCount: features)
    for _ in 0..<count {
      let reference = (0..<8).map { _ in TokenID.random(in: 0..<6, using: &generator) }
      var (all, sentences): ([[Double]], [[TokenID]]) = ([], [])
      for _ in 0..<10 {
        var sentence = reference
        let changes = Int.random(in: 0...4, using: &generator)
        for _ in 0..<changes {
          sentence[Int.random(in: 0..<8, using: &generator)] = TokenID.random(in: 0..<6, using: &generator)
        }
        if generator.uniform() < 0.3 { sentence.removeLast() }
        // Small numbers make totals meet, and the first hypothesis of equal ones must win.
        all.append(
          (0..<features).map { f in
            let noise = 8 * generator.uniform()
            return ((f == 0 ? 20 : 1) * (Double(-changes) * (f == 1 ? -1 : 1) + noise)).rounded() / 2
          })
        sentences.append(sentence)
      }
      lists.add(features: all, sentences: sentences, reference: reference)
    }
    return lists
  }

  private func merit(_ lists: CandidateLists, _ weights: [Double]) -> Double {
    let value = lists.value(lists.choice(weights))
    return lists.metric == .wer ? -value : value
  }

  @Test(
    "Of two features, the line search finds what no grid betters", arguments: RescoringMetric.allCases,
    [1, 2, 3] as [UInt64])
  func grid(metric: RescoringMetric, seed: UInt64) {
    let lists = lists(metric, features: 2, seed: seed)
    let found = merit(lists, lists.tunedWeights(from: [1, 0], restarts: 4, seed: 1))
    // All directions: the lengths of weights make no difference. No point of the grid is one where totals that meet are equal, and the
    // order of the list decides.
    let best = (0..<3600).reduce(-Double.infinity) { best, i in
      let angle = (Double(i) / 3600 * 4 - 2) * 2.0.squareRoot()
      let sides: [[Double]] = [[1, angle], [-1, angle], [0.05, angle], [-0.05, angle]]
      return sides.reduce(best) { max($0, merit(lists, $1)) }
    }
    #expect(found >= best - 1e-12, "\(found), grid \(best)")
    #expect(found > merit(lists, [1, 0]) && found > merit(lists, [1, 1]))
  }

  @Test("Of three features, it finds at least what a grid does", arguments: RescoringMetric.allCases)
  func gridOfThree(metric: RescoringMetric) {
    let lists = lists(metric, features: 3, count: 30, seed: 5)
    let found = lists.tunedWeights(from: [1, 1, 1], restarts: 20, seed: 3)
    var best = -Double.infinity
    for a in -10...10 {
      for b in -10...10 {
        for c in [-1.0, 1] {
          best = max(
            best, merit(lists, [Double(a) / 200 * 3.0.squareRoot(), Double(b) / 10 * 2.0.squareRoot(), c]))
        }
      }
    }
    #expect(merit(lists, found) >= best - 1e-12, "\(merit(lists, found)), grid \(best)")
    #expect(abs(found.reduce(0) { $0 + abs($1) } - 1) < 1e-12)
  }

  @Test("The same seed gives the same weights; the oracle is at least as good; errors are those of draws")
  func properties() {
    for metric in RescoringMetric.allCases {
      let lists = lists(metric, features: 3, seed: 9)
      let weights = lists.tunedWeights(from: [1, 0, 0], restarts: 5, seed: 2)
      #expect(weights == lists.tunedWeights(from: [1, 0, 0], restarts: 5, seed: 2))
      let (tuned, oracle) = (lists.choice(weights), lists.oracle)
      if metric == .wer {
        #expect(lists.value(oracle) <= lists.value(tuned))
      } else {
        #expect(lists.value(oracle) >= lists.value(tuned))
      }
      let errors = lists.standardErrors(tuned, oracle, seed: 1)
      #expect(errors.first > 0 && errors.difference < errors.first + errors.second)
      #expect(lists.standardErrors(tuned, tuned, seed: 1).difference == 0)
    }
    // Of n lists that are right or wrong, the standard error is √(p(1 − p)/n).
    let lists = lists(.exact, features: 2, count: 400, seed: 4)
    let choice = lists.choice([0.05, -1])
    let p = lists.value(choice)
    let expected = (p * (1 - p) / 400).squareRoot()
    #expect(p > 0.05 && abs(lists.standardErrors(choice, choice, seed: 7).first / expected - 1) < 0.1)
  }

  @Test("Features that are the same throughout, infinite ones and single hypotheses do no harm")
  func oddities() {
    var lists = CandidateLists(metric: .wer, featureCount: 2)
    lists.add(features: [[-.infinity, 3], [-2, 3]], sentences: [[1], [2]], reference: [2])
    lists.add(features: [[-5, 3]], sentences: [[]], reference: [1])
    let weights = lists.tunedWeights(from: [-1, 0], restarts: 2, seed: 1)
    #expect(lists.choice(weights) == [1, 0] && weights[1] == 0 && lists.value([1, 0]) == 0.5)
    #expect(lists.choice([0, 0]) == [0, 0])
  }
}
