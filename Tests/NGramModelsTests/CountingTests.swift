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
  func counts(context: ContextMode, order: Int) throws {
    for (v, seed) in [(3, 1), (10, 2), (60, 3)] as [(Int, UInt64)] {
      let tokens = RandomText.tokens(sentences: 60, vocabularySize: v, seed: seed, maximumLength: 20)
      let model = try NGramCounts(tokens: tokens, vocabularySize: v, order: order, context: context)
      let naive = NaiveCounts(tokens, vocabularySize: v, order: order, context: context)
      var lower: [[UInt32]] = []
      for k in 0..<model.order {
        let nodes = model.nodes(level: k + 1)
        // Spell out each n-gram from its context and its word.
        var ngrams: [[UInt32]] = k == 0 ? nodes.map { [model.words[$0]] } : []
        for (c, context) in lower.enumerated() where k > 0 {
          for i in model.children(of: model.nodes(level: k).lowerBound + c) {
            ngrams.append(context + [model.words[i]])
          }
        }
        // Every unigram has its place, seen or not; of the others, only those seen.
        #expect(ngrams.count == nodes.count)
        #expect(nodes.count == (k == 0 ? v + 1 : naive.counts[k].count))
        for (i, ngram) in zip(nodes, ngrams) {
          let expected = naive.counts[k][ngram] ?? 0
          #expect(model.counts[i] == expected)
          if k > 0 {
            let suffix = Int(model.suffixes[i]) - model.nodes(level: k).lowerBound
            #expect(Array(ngram.dropFirst()) == lower[suffix])
          }
          #expect((i >= model.firstAtSentenceStart[k]) == (ngram[0] == v))
        }
        lower = ngrams
      }
    }
  }

  @Test("A text with sentences shorter than the order gives a shorter model")
  func shortText() throws {
    let model = try NGramCounts(tokens: [2, 3, 1, 3, 1], vocabularySize: 4, order: 9)
    #expect(model.order == 4)  // <s> 2 3 </s>
  }
}
