import LanguageModels
import NGramModels
import TestSupport
import Testing

/// Counts by dictionary: slow and plain.
struct NaiveCounts {
  /// For each order from 1, the count of each n-gram; `<s>` is word V.
  private(set) var counts: [[[UInt32]: Int]]

  init(_ tokens: [TokenID], vocabularySize: Int, order: Int, context: ContextMode) {
    var sentences: [[UInt32]] = []
    switch context {
    case .sentence:
      var sentence: [UInt32] = []
      for token in tokens {
        if sentence.isEmpty { sentence = [UInt32(vocabularySize)] }
        sentence.append(token)
        if token == Vocabulary.endOfSentence {
          sentences.append(sentence)
          sentence = []
        }
      }
    case .stream: sentences = [[UInt32(vocabularySize)] + tokens]
    }
    counts = (1...order).map { k in
      var counts: [[UInt32]: Int] = [:]
      for sentence in sentences where sentence.count >= k {
        for i in 0...sentence.count - k { counts[Array(sentence[i..<i + k]), default: 0] += 1 }
      }
      return counts
    }
  }
}

@Suite("Counting")
struct CountingTests {
  @Test(
    "Counts, contexts and suffixes are those of a dictionary", arguments: ContextMode.allCases,
    [1, 2, 3, 5, 16])
  func counts(context: ContextMode, order: Int) {
    for (v, seed) in [(3, 1), (10, 2), (60, 3)] as [(Int, UInt64)] {
      let tokens = RandomText.tokens(sentences: 60, vocabularySize: v, seed: seed, maximumLength: 20)
      let model = NGramCounts(tokens: tokens, vocabularySize: v, order: order, context: context)
      let naive = NaiveCounts(tokens, vocabularySize: v, order: order, context: context)
      var lower: [[UInt32]] = [[]]
      for (k, level) in model.levels.enumerated() {
        // Spell out each n-gram from its context and its word.
        var ngrams: [[UInt32]] = []
        for (c, context) in lower.enumerated() {
          for i in Int(level.starts[c])..<Int(level.starts[c + 1]) {
            ngrams.append(context + [level.words[i]])
          }
        }
        for (i, ngram) in ngrams.enumerated() {
          let expected = naive.counts[k][ngram] ?? 0
          #expect(level.counts[i] == expected)
          if k > 0 { #expect(Array(ngram.dropFirst()) == lower[Int(level.suffixes[i])]) }
          #expect((i >= level.firstAtSentenceStart) == (ngram[0] == v))
        }
        // Every unigram has its place, seen or not; of the others, only those seen.
        let seen = k == 0 ? v + 1 : naive.counts[k].count
        #expect(level.count == seen)
        lower = ngrams
      }
    }
  }

  @Test("A text with sentences shorter than the order gives a shorter model")
  func shortText() {
    let model = NGramCounts(tokens: [2, 3, 1, 3, 1], vocabularySize: 4, order: 9)
    #expect(model.order == 4)  // <s> 2 3 </s>
  }
}
