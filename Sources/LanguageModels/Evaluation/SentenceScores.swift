extension LanguageModel {
  /// ln p of each of `sentences`, which come without their ends: Σ ln p of its tokens and of its end, from the initial state, in nats.
  ///
  /// Models that work in batches score them side by side.
  ///
  /// - Parameter watch: hears from time to time how many more tokens are scored, and stops the scoring when it throws.
  public func logProbabilities(
    ofSentences sentences: [[TokenID]], watch: (Int) throws -> Void
  ) rethrows -> [Double] {
    var results: [Double] = []
    results.reserveCapacity(sentences.count)
    var tokens: [TokenID] = []
    var scores: [Float] = []
    var first = 0
    while first < sentences.count {
      tokens.removeAll(keepingCapacity: true)
      var end = first
      while end < sentences.count, tokens.count < sentenceBlockSize {
        tokens += sentences[end]
        tokens.append(Vocabulary.endOfSentence)
        end += 1
      }
      scores.removeAll(keepingCapacity: true)
      var state = initialState
      try score(tokens[...], context: .sentence, after: &state, into: &scores, watch: watch)
      var place = 0
      for sentence in sentences[first..<end] {
        results.append(scores[place...place + sentence.count].reduce(0) { $0 + Double($1) })
        place += sentence.count + 1
      }
      first = end
    }
    return results
  }
}

/// Tokens of sentences that are scored at once, but for the rest of the last sentence.
private let sentenceBlockSize = 1 << 16
