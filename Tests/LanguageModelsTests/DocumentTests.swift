import LanguageModels
import TestSupport
import Testing

/// Documents of a text, which a line separates: each is scored as if it stood alone.
@Suite("Documents")
struct DocumentTests {
  /// A model that knows how many tokens it has read.
  private struct Counting: LanguageModel {
    let vocabulary = Vocabulary(unit: .word, tokens: ["a", "b", "c"])
    let defaultContext = ContextMode.stream
    let initialState = 0

    func logProbability(of token: TokenID, after state: Int) -> (Float, Int) {
      var all: [Float] = []
      logProbabilities(after: state, into: &all)
      return (all[Int(token)], state + 1)
    }

    func logProbabilities(after state: Int, into output: inout [Float]) {
      output = (0..<5).map { -1 - 0.01 * Float((state + 3 * $0) % 11) }
    }
  }

  /// A text that counts the tokens since its beginning.
  private final class CountingStream: TextStream {
    private var read = 0
    func score(_ tokens: ArraySlice<TokenID>, into output: inout [Float], watch: (Int) throws -> Void)
      rethrows
    {
      for _ in tokens {
        output.append(-1 - 0.1 * Float(read))
        read += 1
      }
    }
    func restart() { read = 0 }
  }

  private static let documents = ["a b\nc a a b\n", "b\n\nc c\n", "a b\nc a a b\n"]

  private func scorer(adapts: Bool) -> TextScorer<Counting> {
    TextScorer(
      model: Counting(), context: .stream, stream: adapts ? CountingStream() : nil,
      cache: UnigramCache(size: 4, weight: 0.3, vocabularySize: 5), accuracy: .all)
  }

  private func evaluate(_ text: String, adapts: Bool, byLine: Bool) throws -> TextScorer<Counting> {
    let folder = try TemporaryFolder()
    let reader = SentenceReader([try folder.write("text", text: text)], tokenizer: Tokenizer())
    reader.documentSeparator = "= ="
    var scorer = scorer(adapts: adapts)
    if byLine {
      while try scorer.nextLine(from: reader) != nil {}
    } else {
      try scorer.scoreAll(from: reader)
    }
    return scorer
  }

  @Test(
    "Contexts, caches, weights and judgements begin anew", arguments: [false, true], [false, true])
  func alone(adapts: Bool, byLine: Bool) throws {
    // A carriage return, and no line end at the end of the text.
    let text = Self.documents.joined(separator: "= =\r\n").dropLast() + "\n= =\n= ="
    let whole = try evaluate(String(text), adapts: adapts, byLine: byLine)
    var (sum, correct) = (Evaluation(), 0)
    for document in Self.documents {
      let one = try evaluate(document, adapts: adapts, byLine: byLine)
      sum.add(one.evaluation)
      correct += one.accuracy?.correct ?? 0
    }
    #expect(whole.evaluation.tokens == sum.tokens && whole.evaluation.sentences == sum.sentences)
    #expect(abs(whole.evaluation.crossEntropy - sum.crossEntropy) < 1e-9)
    #expect(whole.evaluation.bytes == sum.bytes && whole.evaluation.characters == sum.characters)
    #expect(whole.accuracy?.correct == correct)
  }
}
