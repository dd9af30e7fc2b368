import LanguageModels
import TestSupport
import Testing

@testable import NGramModels

@Suite("Lines that are held out")
struct HoldoutTests {
  /// Lines that are all different, with an empty one now and then, in two texts.
  private static let lines = (0..<9000).map { i in
    i % 70 == 3 ? "" : "w\(i)" + String(repeating: " é", count: i % 3)
  }

  private func reader(_ lines: [String]) -> SentenceReader {
    SentenceReader(["text"], tokenizer: Tokenizer()) { _ in
      ByteSource(Array((lines.joined(separator: "\r\n") + "\n").utf8), name: "text")
    }
  }

  @Test(
    "As many lines as promised, none of them trained on, none lost, the same in memory and with a bound of it",
    arguments: Holdout.Lines.allCases, [0.0001, 0.05, 1.0 / 3, 0.5, 0.93])
  func parts(which: Holdout.Lines, fraction: Double) throws {
    let folder = try TemporaryFolder()
    let limit = CountingLimit(memory: 0, folder: folder(""), leastRoom: 64)
    let source = VocabularySource.fixed(Vocabulary(unit: .word, tokens: (0..<9000).map { "w\($0)" } + ["é"]))
    for count in [1, 2, 17, 4200, 9000] {
      let lines = Array(Self.lines[..<count])
      let sentences = lines.filter { !$0.isEmpty }
      let promised = Int((Double(sentences.count) * fraction).rounded(.up))
      let holdout = Holdout(fraction: fraction, lines: which, seed: 5)
      guard promised < sentences.count else {
        #expect(throws: FileError.self) {
          try Corpus.build(from: reader(lines), vocabulary: source, holdout: holdout)
        }
        continue
      }
      let (training, part, vocabulary) = try Corpus.build(
        from: reader(lines), vocabulary: source, holdout: holdout)
      let heldOut = try #require(part)
      func text(_ tokens: [TokenID]) -> [String] {
        tokens.split(separator: Vocabulary.endOfSentence).map {
          $0.map { vocabulary[$0] }.joined(separator: " ")
        }
      }
      let (kept, taken) = (text(training.tokens), text(heldOut.tokens))
      #expect(taken.count == promised && heldOut.sentences == promised)
      // Together they are the text, each part in its order.
      let isTaken = Set(taken)
      #expect(
        kept == sentences.filter { !isTaken.contains($0) } && taken == sentences.filter(isTaken.contains))
      // Each part's statistics are those of its lines.
      for (corpus, lines) in [(training, kept), (heldOut, taken)] {
        #expect(corpus.statistics.tokens == corpus.tokens.count && corpus.statistics.sentences == lines.count)
        #expect(corpus.statistics.sentenceBytes == lines.reduce(0) { $0 + $1.utf8.count + 1 })
      }
      #expect(training.statistics.emptyLines + heldOut.statistics.emptyLines == lines.count - sentences.count)
      for context in ContextMode.allCases {
        let large = try LargeText(
          reader(lines), context: context, vocabulary: source, holdout: holdout, limit: limit
        ) { _ in }
        #expect(large.heldOut?.tokens == heldOut.tokens)
        #expect(large.heldOut?.statistics.sentenceBytes == heldOut.statistics.sentenceBytes)
        #expect(large.sizes.tokens == training.tokens.count && large.sizes.sentences == kept.count)
        // The same model of what is left, with <s> where it belongs.
        guard count == 4200 else { continue }
        var options = NGramModel.Options()
        (options.order, options.context) = (2, context)
        let expected = NGramModel(tokens: training.tokens, vocabulary: vocabulary, options: options)
        let model = try large.train(options).load()
        #expect(
          model.trie.words == expected.trie.words
            && model.trie.logProbabilities == expected.trie.logProbabilities)
      }
    }
  }

  @Test(
    "Every n-th line is at equal distances; chance takes other lines for each seed, from all parts of the text"
  )
  func choices() throws {
    func taken(_ holdout: Holdout) throws -> [Int] {
      let lines = (0..<9000).map { "w\($0)" }
      let (_, heldOut, vocabulary) = try Corpus.build(
        from: reader(lines), vocabulary: .fixed(Vocabulary(unit: .word, tokens: lines)), holdout: holdout)
      return (heldOut?.tokens ?? []).filter { $0 != Vocabulary.endOfSentence }.compactMap {
        Int(vocabulary[$0].dropFirst())
      }
    }
    let every = try taken(Holdout(fraction: 0.1, lines: .every))
    #expect(every == Array(stride(from: 0, to: 9000, by: 10)))
    #expect(try taken(Holdout(fraction: 0.1)) == Array(8100..<9000))
    let random = try (1...20).map { try taken(Holdout(fraction: 0.1, lines: .random, seed: $0)) }
    #expect(try random[0] == taken(Holdout(fraction: 0.1, lines: .random, seed: 1)))
    #expect(Set(random).count == 20)
    // Of 20 · 900 lines, as many from each tenth of the text, but for five standard deviations.
    for tenth in 0..<10 {
      let count = random.joined().filter { $0 / 900 == tenth }.count
      #expect(abs(count - 1800) < 5 * 43)
    }
  }
}
