import Foundation
import LanguageModels
import TestSupport
import Testing

@Suite("Evaluation")
struct EvaluationTests {
  @Test("Every figure follows from its definition")
  func figures() throws {
    let folder = try TemporaryFolder()
    // UNK, </s>, w2, w3.
    let p: [Float] = [0.1, 0.2, 0.3, 0.4]
    let path = try folder.write("text", text: "w2 w3\n\nx w2\n")
    let reader = SentenceReader([path], tokenizer: Tokenizer())
    var scorer = TextScorer(model: ToyModel(p), context: .sentence)
    while try scorer.nextLine(from: reader) != nil {}
    let e = scorer.evaluation
    let costs = [p[2], p[3], p[1], p[0], p[2], p[1]].map { -log(Double($0)) }
    let sum = costs.reduce(0, +)
    let mean = sum / 6
    let tolerance = 1e-6
    #expect(e.sentences == 2 && e.tokens == 6 && e.unknown == 1 && e.impossible == 0)
    #expect(abs(e.crossEntropy - mean) < tolerance)
    #expect(abs(e.crossEntropyBits - mean / log(2)) < tolerance)
    #expect(abs(e.perplexity - exp(mean)) < 10 * tolerance)
    // 6 bytes of the first sentence and 5 of the second, line ends and not the empty line included.
    #expect(abs(e.bitsPerByte - sum / log(2) / 11) < tolerance)
    #expect(abs(e.perplexityExcludingUnknown - exp((sum - costs[3]) / 5)) < 10 * tolerance)
    #expect(abs(e.perplexityExcludingEOS - exp((sum - 2 * costs[2]) / 4)) < 10 * tolerance)
    let variance = costs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 6
    #expect(abs(e.standardError - (variance / 6).squareRoot()) < tolerance)
  }

  @Test("A uniform model has the perplexity V on any text")
  func uniform() {
    let v = 7
    var evaluation = Evaluation()
    let cost = [Float](repeating: Float(-log(Double(v))), count: 5)
    evaluation.add([2, 3, 4, 0, 1], logProbabilities: cost[...])
    #expect(abs(evaluation.perplexity - Double(v)) < 1e-5)
    #expect(evaluation.standardError < 1e-3)
  }

  @Test("Probability zero is counted and makes the perplexity infinite, unless it is left out")
  func impossible() {
    var evaluation = Evaluation()
    evaluation.add([0, 2, 1], logProbabilities: [-.infinity, -1, -1])
    #expect(evaluation.impossible == 1)
    #expect(evaluation.perplexity == .infinity)
    #expect(abs(evaluation.perplexityExcludingUnknown - exp(1)) < 1e-6)
  }
}

@Suite("Sampling")
struct SamplingTests {
  /// UNK, </s>, then the words.
  private let p: [Float] = [0.05, 0.15, 0.4, 0.1, 0.3]

  /// How often each token is drawn in n draws.
  private func frequencies(_ options: SamplingOptions, n: Int = 20_000, seed: UInt64 = 1) -> [Double] {
    var sampler = Sampler(model: ToyModel(p), options: options, seed: seed)
    var counts = [Double](repeating: 0, count: p.count)
    for _ in 0..<n { counts[Int(sampler.draw(after: 0))] += 1 }
    return counts.map { $0 / Double(n) }
  }

  /// Five standard deviations of a frequency in n draws.
  private func expect(_ frequencies: [Double], match weights: [Double], n: Int = 20_000) {
    let total = weights.reduce(0, +)
    for (frequency, weight) in zip(frequencies, weights) {
      let q = weight / total
      #expect(abs(frequency - q) <= 5 * (q * (1 - q) / Double(n)).squareRoot())
    }
  }

  @Test("Draws follow the distribution, sharpened or flattened by the temperature", arguments: [0.3, 1, 2])
  func temperature(t: Double) {
    var options = SamplingOptions()
    options.temperature = t
    expect(frequencies(options), match: p.map { pow(Double($0), 1 / t) })
  }

  @Test("Temperature 0 takes the likeliest token")
  func greedy() {
    var options = SamplingOptions()
    options.temperature = 0
    #expect(frequencies(options, n: 50) == [0, 0, 1, 0, 0])
  }

  @Test("Top-k, top-p and the ban of <unk> leave the rest in proportion")
  func truncation() {
    var options = SamplingOptions()
    options.topK = 2
    expect(frequencies(options), match: [0, 0, 0.4, 0, 0.3])
    options.topK = nil
    options.topP = 0.71
    expect(frequencies(options), match: [0, 0.15, 0.4, 0, 0.3])
    options.topP = nil
    options.drawsUnknown = false
    expect(frequencies(options), match: [0, 0.15, 0.4, 0.1, 0.3])
  }

  @Test("Temperature comes first, then top-k, then top-p of what top-k leaves")
  func order() {
    var options = SamplingOptions()
    // Of p² = (0.0025, 0.0225, 0.16, 0.01, 0.09), the two likeliest hold 0.877, of p only 0.7: before the temperature, three would be kept.
    options.temperature = 0.5
    options.topP = 0.8
    expect(frequencies(options), match: [0, 0, 0.16, 0, 0.09])
    // Of the two likeliest, the first holds 0.571: before top-k, which it holds 0.4 of, both would be kept.
    options.temperature = 1
    options.topK = 2
    options.topP = 0.5
    expect(frequencies(options), match: [0, 0, 1, 0, 0])
    // Flattened by T = 4, that first one holds 0.518 of the two, and 0.6 needs both; at T = 1, 0.571 would too, and at T = 0.5, 0.64 would not.
    options.topP = 0.6
    options.temperature = 4
    expect(frequencies(options), match: [0, 0, pow(0.4, 0.25), 0, pow(0.3, 0.25)])
    options.temperature = 0.5
    expect(frequencies(options), match: [0, 0, 1, 0, 0])
  }

  @Test(
    "A stretch has so many tokens, over ends of sentences; a model of nothing but <unk> ends every sentence at once"
  )
  func stretch() {
    for (model, count) in [(ToyModel(p), 500), (ToyModel([1, 0, 0]), 7)] {
      var options = SamplingOptions()
      options.drawsUnknown = false
      var sampler = Sampler(model: model, options: options, seed: 3)
      for context in ContextMode.allCases {
        var state = model.initialState
        var tokens: [TokenID] = []
        sampler.stretch(of: count, context: context, after: &state) { token, _ in tokens.append(token) }
        #expect(tokens.count == count && !tokens.contains(Vocabulary.unknown))
        // The state of this model counts the tokens since it was initial.
        let sinceEnd = tokens.reversed().prefix { $0 != Vocabulary.endOfSentence }.count
        #expect(state == (context == .stream ? count : sinceEnd))
        #expect(tokens.contains(Vocabulary.endOfSentence))
      }
    }
  }

  @Test("Scores are those of the distribution without <unk>, at any temperature")
  func scores() {
    for (drawsUnknown, temperature) in [(false, 1), (true, 1), (false, 0.5), (true, 0.5)] {
      var options = SamplingOptions()
      (options.drawsUnknown, options.temperature) = (drawsUnknown, temperature)
      var sampler = Sampler(model: ToyModel(p), options: options, seed: 5)
      var state = 0
      sampler.stretch(of: 200, context: .stream, after: &state) { token, score in
        #expect(abs(exp(Double(score)) - Double(p[Int(token)]) / (drawsUnknown ? 1 : 0.95)) < 1e-6)
      }
    }
  }

  @Test("The same seed draws the same; another one does not")
  func seeds() {
    func draw(_ seed: UInt64) -> [TokenID] {
      var sampler = Sampler(model: ToyModel(p), options: SamplingOptions(), seed: seed)
      return (0..<100).map { _ in sampler.draw(after: 0) }
    }
    #expect(draw(3) == draw(3))
    #expect(draw(3) != draw(4))
  }
}
