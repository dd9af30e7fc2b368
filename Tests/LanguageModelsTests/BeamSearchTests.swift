import Foundation
import LanguageModels
import TestSupport
import Testing

/// A model that has another distribution after every text, decided by a seed: over UNK, the end of sentence, and two words.
private struct TreeModel: LanguageModel {
  let vocabulary = Vocabulary(unit: .word, tokens: ["a", "b"])
  let defaultContext = ContextMode.sentence
  let seed: UInt64

  var initialState: [TokenID] { [] }

  func logProbabilities(after state: [TokenID], into output: inout [Float]) {
    var generator = SeededGenerator(seed: state.reduce(seed) { 31 &* $0 &+ UInt64($1) &+ 1 })
    let weights = (0..<4).map { _ in generator.uniform() + 0.01 }
    let total = weights.reduce(0, +)
    output = weights.map { Float(log($0 / total)) }
  }

  func logProbability(of token: TokenID, after state: [TokenID]) -> (Float, [TokenID]) {
    var all: [Float] = []
    logProbabilities(after: state, into: &all)
    return (all[Int(token)], state + [token])
  }
}

/// Rows of a model that is always the same, which count the steps that they take.
private final class CountingRows: StateRows {
  private let logs: [Float]
  private(set) var count = 0
  private(set) var steps = 0
  let giveLogits = false
  let functions = RowFunctions.scalar

  init(_ p: [Float]) { logs = p.map { log($0) } }

  func append(_ state: Int) { count += 1 }
  func replace(_ row: Int, by state: Int) {}
  func remove(_ row: Int) { count -= 1 }
  func state(_ row: Int) -> Int { 0 }
  func advance(by tokens: [TokenID]) { steps += 1 }

  func forEachDistribution(_ body: @Sendable (_ row: Int, UnsafeMutableBufferPointer<Float>) -> Void) {
    for row in 0..<count {
      var x = logs
      x.withUnsafeMutableBufferPointer { body(row, $0) }
    }
  }
}

@Suite("Beam search")
struct BeamSearchTests {
  private static let penalties: [LengthPenalty] = [
    .none, .power(0.75), .power(1), .power(3), .gnmt(0.6), .gnmt(4),
  ]

  /// Every text of at most `length` tokens that has ended, and every one of that length that has not, best first: by going through all.
  private func all(
    _ model: TreeModel, length: Int, _ penalty: LengthPenalty, includesUnknown: Bool
  ) -> [(tokens: [TokenID], score: Double)] {
    var found: [(tokens: [TokenID], score: Double)] = []
    func visit(_ tokens: [TokenID], _ logProbability: Double) {
      var logs: [Float] = []
      model.logProbabilities(after: tokens, into: &logs)
      let rest = includesUnknown ? 0 : log(1 - exp(Double(logs[0])))
      for token in TokenID(includesUnknown ? 0 : 1)..<4 {
        let (next, sum) = (tokens + [token], logProbability + Double(logs[Int(token)]) - rest)
        if token == Vocabulary.endOfSentence || next.count == length {
          let l = Double(next.count)
          let divisor =
            switch penalty {
            case .none: 1.0
            case .power(let alpha): pow(l, alpha)
            case .gnmt(let alpha): pow(5 + l, alpha) / pow(6, alpha)
            }
          found.append((next, sum / divisor))
        } else {
          visit(next, sum)
        }
      }
    }
    visit([], 0)
    return found.sorted { $0.score > $1.score }
  }

  @Test(
    "A beam that holds every text finds what going through all of them finds, in that order",
    arguments: penalties)
  func exhaustive(penalty: LengthPenalty) {
    for seed in 1...6 as ClosedRange<UInt64> {
      for (includesUnknown, length) in [(false, 5), (true, 4)] {
        let model = TreeModel(seed: seed)
        let expected = all(model, length: length, penalty, includesUnknown: includesUnknown)
        var search = BeamSearch(width: 256, count: expected.count)
        (search.maximumTokens, search.penalty) = (length, penalty)
        search.includesUnknown = includesUnknown
        let found = model.likeliestContinuations(after: [], search)
        #expect(found.map(\.tokens) == expected.map(\.tokens), "seed \(seed)")
        #expect(zip(found, expected).allSatisfy { abs($0.score - $1.score) < 1e-5 })
        #expect(found.allSatisfy { $0.isEnded || $0.tokens.count == length })
        // Who wants fewer gets the first of them, though the search ends earlier.
        for count in [1, 4] {
          search.count = count
          #expect(model.likeliestContinuations(after: [], search) == Array(found.prefix(count)))
        }
      }
    }
  }

  @Test("A beam of one takes the likeliest token each time, whatever the penalty", arguments: penalties)
  func greedy(penalty: LengthPenalty) {
    for seed in 1...20 as ClosedRange<UInt64> {
      for drawsUnknown in [false, true] {
        let model = TreeModel(seed: seed)
        var options = SamplingOptions()
        (options.temperature, options.maximumTokens, options.drawsUnknown) = (0, 9, drawsUnknown)
        let sample = Sampler(model: model, options: options, seed: 1).samples(after: [2])[0]
        var search = BeamSearch(width: 1)
        (search.maximumTokens, search.penalty, search.includesUnknown) = (9, penalty, drawsUnknown)
        let found = model.likeliestContinuations(after: [2], search)
        #expect(found.map(\.tokens) == [sample.map(\.token)])
        #expect(found[0].logProbability == sample.reduce(0) { $0 + Double($1.logProbability) })
      }
    }
  }

  @Test("Of what is equally likely, the lower token is taken first")
  func ties() {
    let model = ToyModel([0.25, 0.25, 0.25, 0.25])
    var search = BeamSearch(width: 16, count: 5)
    (search.maximumTokens, search.includesUnknown) = (2, true)
    #expect(
      model.likeliestContinuations(after: 0, search).map(\.tokens) == [
        [1], [0, 0], [0, 1], [0, 2], [0, 3],
      ])
    search.includesUnknown = false
    #expect(
      model.likeliestContinuations(after: 0, search).map(\.tokens) == [
        [1], [2, 1], [2, 2], [2, 3], [3, 1],
      ])
    (search.width, search.count) = (2, 3)
    // The end takes one of two places in the first step.
    #expect(model.likeliestContinuations(after: 0, search).map(\.tokens) == [[1], [2, 1], [2, 2]])
  }

  @Test(
    "A search ends as soon as nothing open can come before the last of the best",
    arguments: [
      // ln 0.1 of one open token is below ln 0.9 of the end, and two ends need one more step.
      (LengthPenalty.none, 1, 100, 0), (.none, 2, 100, 1),
      // With ln p / L, k open tokens may come to k ln 0.1 / 100, which is below ln 0.9 from k = 5 on; of 10 tokens at most, at once.
      (.power(1), 1, 100, 4), (.power(1), 1, 10, 0),
      // The divisor of 100 tokens is 105/6: k ln 0.1 / 17.5 < ln 0.9 at k = 1.
      (.gnmt(1), 1, 100, 0), (.gnmt(2), 1, 100, 14),
    ])
  func bound(penalty: LengthPenalty, count: Int, maximumTokens: Int, steps: Int) {
    let rows = CountingRows([0, 0.9, 0.1])
    rows.append(0)
    var search = BeamSearch(width: 2, count: count)
    (search.maximumTokens, search.penalty) = (maximumTokens, penalty)
    let found = search.run(rows)
    let expected: [[TokenID]] = [[1], [2, 1]]
    #expect(found.map(\.tokens) == Array(expected.prefix(count)))
    #expect(rows.steps == steps)
  }

  @Test("Where nothing has any probability, a sentence ends")
  func nothing() {
    let found = ToyModel([1, 0, 0]).likeliestContinuations(after: 0, BeamSearch(width: 3, count: 2))
    #expect(found.map(\.tokens) == [[Vocabulary.endOfSentence]] && found[0].logProbability == -.infinity)
  }

  @Test("The likeliest tokens are in falling order, of equal ones the lower first, and share what UNK had")
  func likeliest() {
    let model = ToyModel([0.2, 0.1, 0.3, 0.1, 0.3])
    func found(_ k: Int, _ includesUnknown: Bool, where isWanted: ((TokenID) -> Bool)? = nil) -> [LikelyToken]
    {
      model.likeliestTokens(k, after: 0, includesUnknown: includesUnknown, where: isWanted)
    }
    #expect(found(9, true).map(\.token) == [2, 4, 0, 1, 3])
    #expect(found(9, false).map(\.token) == [2, 4, 1, 3])
    #expect(found(2, false).map(\.token) == [2, 4])
    let p = found(9, false).map { exp(Double($0.logProbability)) }
    #expect(zip(p, [0.375, 0.375, 0.125, 0.125]).allSatisfy { abs($0 - $1) < 1e-6 })
    // What is not wanted keeps its share.
    #expect(found(2, false, where: { $0 != 2 }) == Array(found(9, false)[1...2]))
    #expect(found(9, true, where: { $0 == 3 }).map(\.logProbability) == [Float(log(Double(Float(0.1))))])
  }
}
