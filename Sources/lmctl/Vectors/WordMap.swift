import Charts
import LanguageModels
import NeuralModels

/// Words by the first two principal components of their vectors.
struct WordMap {
  let model: VectorModel
  let vectors: TokenVectors
  /// Which weights the vectors are.
  let place: TokenVectors.Place
  /// How many words are shown if none are named.
  let size: Int

  /// Draws `words`, or the most frequent ones if there are none, and writes the picture to `path`.
  func write(_ words: [String], to path: String) throws {
    let tokens = try words.isEmpty ? mostFrequent : distinct(words)
    guard tokens.count >= 3 else {
      throw UsageError(
        "a map takes at least 3 words, not \(tokens.count); name more, or none for the most frequent")
    }
    let components = PrincipalComponents(of: tokens.map { vectors.direction(of: $0) }, count: 2)
    let titles = zip(["first", "second"], components.shares).map { which, share in
      "\(which) principal component, \(Format.fixed(100 * share, 1)) % of the variance"
    }
    let what = place == .input ? "embeddings" : "output weights"
    let map = PointMap(
      title: "\(ChartText.names(ofFiles: [model.path])[0]): \(what) of \(tokens.count) tokens",
      xTitle: titles[0], yTitle: titles[1],
      points: zip(tokens, components.coordinates).map { token, place in
        PointMap.Point(model.vocabulary.displayName(of: token), x: place[0], y: place[1])
      })
    try PictureFile.write(SVGPointMap(map), to: path)
  }

  /// The first of the vocabulary, which is ordered by falling count, behind <unk> and the end of sentence.
  private var mostFrequent: [TokenID] {
    Array((0..<TokenID(model.vocabulary.count)).dropFirst(2).prefix(size))
  }

  private func distinct(_ words: [String]) throws -> [TokenID] {
    var tokens: [TokenID] = []
    for word in words {
      let token = try model.token(word)
      if !tokens.contains(token) { tokens.append(token) }
    }
    return tokens
  }
}
