import LanguageModels

/// A text of which every position begins an n-gram: its words with `<s>`, which is word V, where sentences begin.
///
/// Or a list of n-grams with weights, each of which stands there as its weight, its words, and a V behind them.
struct PaddedText: Sendable {
  /// V, the number of words without `<s>`.
  let vocabularySize: Int
  /// The words; an n-gram goes up to the next V, or to the end.
  let words: [UInt32]
  /// Where the n-grams begin, if they are weighted; the weight stands before. `nil`: at each of the first `beginnings` words.
  let starts: [UInt32]?
  /// How many of the words begin an n-gram, if they are not weighted.
  let beginnings: Int

  var isWeighted: Bool { starts != nil }

  /// A text in which every sentence ends with the end of sentence.
  init(tokens: [TokenID], vocabularySize: Int, context: ContextMode) {
    var words: [UInt32] = []
    words.reserveCapacity(tokens.count + tokens.count / 8)
    var isStart = true
    for token in tokens {
      if isStart { words.append(UInt32(vocabularySize)) }
      words.append(token)
      isStart = context == .sentence && token == Vocabulary.endOfSentence
    }
    self.vocabularySize = vocabularySize
    self.words = words
    beginnings = words.count
    starts = nil
  }

  /// A text with its `<s>`, of which the first `beginnings` words begin an n-gram.
  init(text words: [UInt32], beginnings: Int, vocabularySize: Int) {
    self.words = words
    self.beginnings = beginnings
    self.vocabularySize = vocabularySize
    starts = nil
  }

  /// Weighted n-grams.
  init(weighted words: [UInt32], starts: [UInt32], vocabularySize: Int) {
    self.words = words
    self.starts = starts
    beginnings = 0
    self.vocabularySize = vocabularySize
  }
}
