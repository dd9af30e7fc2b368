import LanguageModels

/// Random sentences in which frequent words, repeated phrases and rare words all occur.
public enum RandomText {
  /// Token numbers from 0 to `vocabularySize` − 1, each sentence with its end; UNK among them.
  public static func tokens(
    sentences: Int, vocabularySize: Int, seed: UInt64, maximumLength: Int = 12
  ) -> [TokenID] {
    var generator = SeededGenerator(seed: seed)
    var tokens: [TokenID] = []
    for _ in 0..<sentences {
      var previous: TokenID = 0
      for _ in 0..<Int.random(in: 1...maximumLength, using: &generator) {
        var token: TokenID
        if Double.random(in: 0..<1, using: &generator) < 0.5 {
          // Often the same word follows the same word.
          token = (previous * 7 + 3) % TokenID(vocabularySize)
        } else {
          // Zipf-like: the logarithm of the rank is uniform.
          let u = Double.random(in: 0..<1, using: &generator)
          token = TokenID(u * u * u * Double(vocabularySize))
        }
        if token == Vocabulary.endOfSentence { token = 2 }
        tokens.append(token)
        previous = token
      }
      tokens.append(Vocabulary.endOfSentence)
    }
    return tokens
  }
}
