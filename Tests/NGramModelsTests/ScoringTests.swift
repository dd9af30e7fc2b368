import LanguageModels
import TestSupport
import Testing

@testable import NGramModels

@Suite("Scoring")
struct ScoringTests {
  private func model(
    order: Int, _ context: ContextMode, cutoffs: [UInt32] = [], sentences: Int = 400
  ) -> NGramModel {
    let vocabulary = Vocabulary(unit: .word, tokens: (2..<60).map { "w\($0)" })
    var options = NGramModel.Options()
    (options.order, options.context, options.cutoffs) = (order, context, cutoffs)
    let tokens = RandomText.tokens(sentences: sentences, vocabularySize: 60, seed: 5)
    return NGramModel(tokens: tokens, vocabulary: vocabulary, options: options)
  }

  @Test(
    "Long texts score as token by token, bit for bit, in any pieces", arguments: ContextMode.allCases,
    [1, 2, 5])
  func longTexts(context: ContextMode, order: Int) {
    for cutoffs in [[], [0, 0, 1]] as [[UInt32]] where cutoffs.count <= order {
      // The largest model has more n-grams than its table has slots in a region.
      let model = model(order: order, context, cutoffs: cutoffs, sentences: order == 5 ? 12_000 : 400)
      #expect(order < 5 || !cutoffs.isEmpty || model.trie.words.count > 1 << 16)
      let text = RandomText.tokens(sentences: 6000, vocabularySize: 60, seed: 6)
      #expect(text.count > 30_000)
      let (scores, last) = model.scoresOneByOne(text, context)
      // The last pieces begin in the middle of sentences, and end there.
      for size in [text.count, 8192, 100, 12_345] {
        var state = model.initialState
        var found: [Float] = []
        for first in stride(from: 0, to: text.count, by: size) {
          let piece = text[first..<min(first + size, text.count)]
          model.score(piece, context: context, after: &state, into: &found)
        }
        #expect(found == scores)
        #expect(state == last)
      }
    }
  }

  @Test("The paths of a text tell its cross-entropy", arguments: ContextMode.allCases, [1, 3])
  func paths(context: ContextMode, order: Int) {
    let model = model(order: order, context)
    let text = RandomText.tokens(sentences: 500, vocabularySize: 60, seed: 7)
    let paths = HeldOutPaths(text, in: model)
    #expect(abs(paths.crossEntropy(model.trie) - model.crossEntropy(of: text)) < 1e-6)
  }

  @Test("A table is made when enough tokens were scored, and only then")
  func lazyTable() {
    let trie = model(order: 3, .sentence).trie
    let lazy = LazyQueryTable()
    #expect(lazy.value(for: trie, scoring: trie.words.count / 16 - 1) == nil)
    lazy.prepare(for: trie, scoring: 0)
    #expect(lazy.value(for: trie, scoring: 0) == nil)
    #expect(lazy.value(for: trie, scoring: 1) != nil)
  }
}
