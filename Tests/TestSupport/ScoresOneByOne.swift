import LanguageModels

extension LanguageModel {
  /// ln p of each token, asked for one after the other, and the state after the last.
  public func scoresOneByOne(_ tokens: [TokenID], _ context: ContextMode) -> ([Float], State) {
    var state = initialState
    var scores: [Float] = []
    for token in tokens {
      let (score, next) = logProbability(of: token, after: state)
      scores.append(score)
      state = context == .sentence && token == Vocabulary.endOfSentence ? initialState : next
    }
    return (scores, state)
  }
}
