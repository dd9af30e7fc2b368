import LanguageModels
import TestSupport
import Testing

@testable import NGramModels

@Suite("Counts of texts with other rules")
struct TextRuleCountTests {
  private func reader(_ text: String, _ tokenizer: Tokenizer) -> SentenceReader {
    SentenceReader(["text"], tokenizer: tokenizer) { _ in ByteSource(Array(text.utf8), name: "text") }
  }

  @Test("Words that hold white space, and characters beside words, come through files of counts")
  func files() throws {
    let folder = try TemporaryFolder()
    var (bar, ascii) = (Tokenizer(), Tokenizer())
    (bar.separator, ascii.separator) = (.text("|"), .ascii)
    for (text, tokenizer) in [
      ("New York|a\\u{20}|New York\nb\t|\u{FEFF}c| \n", bar), ("a\u{A0}b c\nc a\u{A0}b\n", ascii),
      ("東京 is big\nbig 東\n", Tokenizer(unit: .mixed)), ("a ▁\\b\n", Tokenizer(unit: .char)),
    ] {
      _ = try CountFiles.count(
        reader(text, tokenizer), order: 2, context: .sentence, limit: nil, to: folder("counts")
      ) { _ in }
      let source = VocabularySource.counted(minimumCount: 1, maximumSize: nil)
      let counted = try CountedText(
        ByteSource(path: folder("counts")), order: 2, tokenizer: tokenizer, vocabulary: source)
      let (corpus, _, vocabulary) = try Corpus.build(from: reader(text, tokenizer), vocabulary: source)
      #expect(counted.vocabulary.tokens == vocabulary.tokens)
      #expect(counted.sizes.tokens == corpus.tokens.count)
      // The words of the counts are a vocabulary, too.
      let listed = try Vocabulary(file: folder("counts"), tokenizer: tokenizer)
      #expect(Set(listed.tokens) == Set(vocabulary.tokens))
    }
  }

  @Test("What is held out of a large text has the statistics that it has in memory", arguments: [0.1, 0.4])
  func holdout(fraction: Double) throws {
    let folder = try TemporaryFolder()
    let limit = CountingLimit(memory: 0, folder: folder(""), leastRoom: 64)
    let text = (0..<200).map { i in i % 5 == 2 ? "" : "w\(i % 7) é w\(i % 3)" }.joined(separator: "\r\n")
    for source in [
      VocabularySource.counted(minimumCount: 1, maximumSize: nil),
      .fixed(Vocabulary(unit: .word, tokens: ["w1", "w2"])),
    ] {
      let large = try LargeText(
        reader(text, Tokenizer()), context: .sentence, vocabulary: source,
        holdout: Holdout(fraction: fraction), limit: limit
      ) { _ in }
      let small = try Corpus.build(
        from: reader(text, Tokenizer()), vocabulary: source, holdout: Holdout(fraction: fraction)
      )
      .heldOut
      let (a, b) = (try #require(large.heldOut?.statistics), try #require(small?.statistics))
      #expect(a.sentenceBytes == b.sentenceBytes && a.sentenceBytes > 0)
      #expect(a.sentences == b.sentences && a.tokens == b.tokens && a.emptyLines == b.emptyLines)
    }
  }
}
