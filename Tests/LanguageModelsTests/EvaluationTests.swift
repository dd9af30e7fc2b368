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
