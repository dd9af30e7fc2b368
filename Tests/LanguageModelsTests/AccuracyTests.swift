import LanguageModels
import TestSupport
import Testing

/// How often the likeliest token is right, against one token after the other.
@Suite("Accuracy")
struct AccuracyTests {
  /// Its state is the last token; the likeliest token is the one that follows it in the vocabulary, and two more are as likely after w4.
  private struct Successor: LanguageModel {
    let vocabulary = Vocabulary(unit: .word, tokens: ["a", "b", "c", "d", "e"])
    let defaultContext = ContextMode.stream
    let initialState: TokenID = 2

    func logProbability(of token: TokenID, after state: TokenID) -> (Float, TokenID) {
      var all: [Float] = []
      logProbabilities(after: state, into: &all)
      return (all[Int(token)], token)
    }

    func logProbabilities(after state: TokenID, into output: inout [Float]) {
      output = (0..<TokenID(vocabulary.count)).map { w in
        if state == 6 { return w == 3 || w == 5 ? -1 : -3 }
        return w == (state + 1) % 7 ? -0.5 : -3
      }
    }
  }

  private func naive(_ lines: [[TokenID]], _ place: TokenAccuracy.Place, _ context: ContextMode) -> [Bool] {
    let model = Successor()
    var (state, before) = (model.initialState, Vocabulary.endOfSentence)
    var hits: [Bool] = []
    for line in lines {
      if context == .sentence { (state, before) = (model.initialState, Vocabulary.endOfSentence) }
      for (i, token) in (line + [Vocabulary.endOfSentence]).enumerated() {
        var all: [Float] = []
        model.logProbabilities(after: state, into: &all)
        let guess = all.firstIndex(of: all.max() ?? 0) ?? 0
        let isPlace =
          switch place {
          case .all: true
          case .lineEnd: i == line.count - 1
          case .after(let mark): before == mark
          }
        if isPlace { hits.append(guess == Int(token)) }
        (state, before) = (token, token)
      }
    }
    return hits
  }

  @Test("All tokens, ends of lines, and those behind a mark", arguments: [ContextMode.stream, .sentence])
  func places(context: ContextMode) throws {
    var generator = SeededGenerator(seed: 4)
    let lines = (0..<300).map { _ in
      (0..<1 + Int(generator.uniform() * 7)).map { _ in TokenID(2 + Int(generator.uniform() * 5)) }
    }
    let model = Successor()
    let text = lines.map { $0.map { model.vocabulary[$0] }.joined(separator: " ") + "\n" }.joined()
    let folder = try TemporaryFolder()
    let path = try folder.write("text", text: text)
    for place in [TokenAccuracy.Place.all, .lineEnd, .after(4)] {
      let hits = naive(lines, place, context)
      for isWhole in [true, false] {
        let reader = SentenceReader([path], tokenizer: Tokenizer())
        var scorer = TextScorer(model: model, context: context, accuracy: place)
        if isWhole {
          try scorer.scoreAll(from: reader)
        } else {
          while try scorer.nextLine(from: reader) != nil {}
        }
        let accuracy = try #require(scorer.accuracy)
        #expect(accuracy.judged == hits.count && accuracy.correct == hits.filter { $0 }.count)
        #expect(accuracy.correct > 0 && accuracy.correct < accuracy.judged)
        let p = accuracy.share
        #expect(abs(accuracy.standardError - (p * (1 - p) / Double(hits.count)).squareRoot()) < 1e-12)
      }
    }
    withExtendedLifetime(folder) {}
  }

  @Test("Chance is the most frequent token of the places")
  func chance() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("text", text: "a b\nc b\nb d\na b\n")
    var scorer = TextScorer(model: Successor(), context: .sentence, accuracy: .lineEnd)
    try scorer.scoreAll(from: SentenceReader([path], tokenizer: Tokenizer()))
    #expect(scorer.accuracy?.judged == 4 && scorer.accuracy?.chance == 0.75)
    withExtendedLifetime(folder) {}
  }
}
