import Foundation
import LanguageModels
import TestSupport
import Testing

/// A model whose numbers are given for every last word, and need not sum to one.
private struct ScoreModel: UnnormalizedModel {
  let vocabulary: Vocabulary
  let defaultContext = ContextMode.sentence
  let isNormalized = true
  let sumsToOne = false
  /// For each last word, p of each word.
  let rows: [[Float]]
  /// What is added to ln p of a word that is asked for alone.
  var bias: Float = 0

  init(_ rows: [[Float]]) {
    self.rows = rows
    vocabulary = Vocabulary(unit: .word, tokens: (2..<rows.count).map { "w\($0)" })
  }

  var initialState: Int { Int(Vocabulary.endOfSentence) }

  func logProbability(of token: TokenID, after state: Int) -> (Float, Int) {
    (log(rows[state][Int(token)]) + bias, Int(token))
  }

  func logProbabilities(after state: Int, into output: inout [Float]) { output = rows[state].map { log($0) } }
}

@Suite("Sums")
struct SumTests {
  /// After UNK, </s>, w2, w3; they sum to 0.5, 1.5, 1, 2.
  private let rows: [[Float]] = [
    [0.1, 0.1, 0.1, 0.2], [0.5, 0.25, 0.25, 0.5], [0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.5, 0.5],
  ]

  @Test("The sums after the contexts of a text are measured, where a model need not sum to one")
  func normalization() throws {
    let model = ScoreModel(rows)
    let tokens: [TokenID] = [2, 3, 1, 0, 2, 2, 1]
    // Contexts: start, w2, w3; start, UNK, w2, w2.
    let sums = [1.5, 1, 2, 1.5, 0.5, 1, 1]
    let evaluation = model.evaluate(tokens, context: .sentence) { _ in }
    let folder = try TemporaryFolder()
    let path = try folder.write("text", text: "w2 w3\nx w2 w2\n")
    var scorer = TextScorer(model: model, context: .sentence)
    try scorer.scoreAll(from: SentenceReader([path], tokenizer: Tokenizer()))
    for evaluation in [evaluation, scorer.evaluation] {
      let found = try #require(evaluation.normalization)
      #expect(found.contexts == 7)
      #expect(abs(found.smallest - 0.5) < 1e-6 && abs(found.largest - 2) < 1e-6)
      #expect(abs(found.mean - sums.reduce(0, +) / 7) < 1e-6)
      #expect(abs(found.largestDeviation - 1) < 1e-6)
      let meanLogarithm = sums.reduce(0) { $0 + log($1) } / 7
      #expect(abs(found.meanLogarithm - meanLogarithm) < 1e-6)
      #expect(abs(evaluation.normalizedCrossEntropy - evaluation.crossEntropy - meanLogarithm) < 1e-6)
      #expect(abs(log(evaluation.normalizedPerplexity) - evaluation.normalizedCrossEntropy) < 1e-6)
    }
    let toy = ToyModel([0.1, 0.2, 0.3, 0.4]).evaluate(tokens, context: .sentence) { _ in }
    #expect(toy.normalization == nil && toy.normalizedCrossEntropy == toy.crossEntropy)
  }

  @Test("A cache brings the sums nearer to one by its share")
  func cache() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("text", text: "w2 w3\n")
    let cache = UnigramCache(size: 10, weight: 0.4, vocabularySize: 4)
    var scorer = TextScorer(model: ScoreModel(rows), context: .sentence, cache: cache)
    try scorer.scoreAll(from: SentenceReader([path], tokenizer: Tokenizer()))
    let found = try #require(scorer.evaluation.normalization)
    // The cache is empty before the first token.
    #expect(abs(found.mean - (1.5 + (0.6 * 1 + 0.4) + (0.6 * 2 + 0.4)) / 3) < 1e-6)
  }

  @Test("A check finds sums, numbers that are none, and answers that contradict each other")
  func check() {
    var check = SumCheck()
    check.contexts = 50
    for result in check.run(ToyModel([0.1, 0.2, 0.3, 0.4])) {
      #expect(result.contexts == 50 && result.passes() && result.worst < 1e-6 && result.zeros == 0)
    }
    let wrong = check.run(ScoreModel(rows))
    #expect(wrong.map(\.kind) == SumCheck.Kind.allCases)
    for result in wrong {
      #expect(!result.passes() && abs(result.worst - 1) < 1e-6)
      #expect(abs(result.smallest - 0.5) < 1e-6 && abs(result.largest - 2) < 1e-6)
      #expect(result.largestDisagreement < 1e-6)
    }
    let uniform = [[Float]](repeating: [0.25, 0.25, 0.25, 0.25], count: 4)
    var biased = ScoreModel(uniform)
    biased.bias = 0.1
    #expect(check.run(biased).allSatisfy { !$0.passes() && $0.worst < 1e-6 && $0.largestDisagreement > 0.02 })
    var broken = uniform
    broken[2] = [0, 0.5, .nan, 0.5]
    let found = check.run(ScoreModel(broken))
    #expect(found.allSatisfy { !$0.passes() && $0.worst == .infinity && $0.zeros > 0 })
    // A vocabulary of nothing but UNK and </s>.
    #expect(check.run(ToyModel([0.5, 0.5])).allSatisfy { $0.passes() })
  }

  @Test("Draws follow p/Σp where probabilities do not sum to one")
  func sampling() {
    let n = 20_000
    for (options, weights) in [
      (SamplingOptions(), [0.5, 0.25, 0.25, 0.5]),
      (SamplingOptions(topP: 1), [0.5, 0.25, 0.25, 0.5]),
      (SamplingOptions(topK: 2), [0.5, 0, 0, 0.5]),
    ] {
      let sampler = Sampler(model: ScoreModel(rows), options: options, seed: 3)
      var generator = SeededGenerator(seed: 3)
      var counts = [Double](repeating: 0, count: 4)
      for _ in 0..<n { counts[Int(sampler.draw(after: 1, using: &generator))] += 1 }
      for (count, weight) in zip(counts, weights) {
        let q = weight / weights.reduce(0, +)
        #expect(abs(count / Double(n) - q) <= 5 * (q * (1 - q) / Double(n)).squareRoot())
      }
    }
  }

  @Test(
    "Temperatures too small for their inverse take the likeliest token",
    arguments: [0, .leastNonzeroMagnitude, 1e-300, 1e-46, 1e-39, 1e-38])
  func smallTemperature(t: Double) {
    var options = SamplingOptions()
    options.temperature = t
    for topP in [nil, 0.9] {
      options.topP = topP
      let sampler = Sampler(model: ToyModel([0.1, 0.2, 0.4, 0.3]), options: options, seed: 1)
      var generator = SeededGenerator(seed: 1)
      #expect((0..<20).allSatisfy { _ in sampler.draw(after: 0, using: &generator) == 2 })
    }
  }

  @Test("What is impossible stays so at any temperature", arguments: [2, 1e30, 1e300])
  func largeTemperature(t: Double) {
    var options = SamplingOptions()
    options.temperature = t
    let sampler = Sampler(model: ToyModel([0, 0.2, 0.5, 0.3]), options: options, seed: 1)
    var generator = SeededGenerator(seed: 1)
    let drawn = Set((0..<300).map { _ in sampler.draw(after: 0, using: &generator) })
    #expect(drawn == [1, 2, 3])
  }
}

extension SamplingOptions {
  fileprivate init(topK: Int? = nil, topP: Double? = nil) {
    self.init()
    self.topK = topK
    self.topP = topP
  }
}
