import Glibc
import LanguageModels

extension Filler {
  /// The likeliest fillings of a sentence.
  ///
  /// Gaps are filled from left to right, and a gap that is still open reads as UNK:
  ///
  ///     p(filling) = Π_g p(token in gap g | the sentence with the gaps before g filled)
  ///
  /// which sums to one over all fillings. The likeliest fillings of the gaps so far go on to the next. Each choice must be one token; the
  /// choices of a gap share its probability.
  public func fill(_ sentence: GappedSentence, _ search: GapSearch) -> GapFillings {
    var result = GapFillings(best: [], compared: 0, isComplete: true)
    guard !sentence.gaps.isEmpty else { return result }
    var (tokens, places) = (sentence.parts[0], [Int]())
    for part in sentence.parts.dropFirst() {
      places.append(tokens.count)
      tokens += [Vocabulary.unknown] + part
    }
    var open = [GapFilling()]
    var distributions: [Float] = []
    for (number, gap) in sentence.gaps.enumerated() {
      let texts = open.map { filling in
        var text = tokens
        for (place, added) in zip(places, filling.tokens) { text[place] = added[0] }
        return text
      }
      logDistributions(texts, gap: places[number], into: &distributions)
      let size = vocabulary.count
      var next: [GapFilling] = []
      result.compared = 0
      for (row, filling) in open.enumerated() {
        let (best, compared) = extensions(
          of: filling, gap, distributions[row * size..<(row + 1) * size], search)
        next += best
        result.compared += compared
      }
      next.sort { $0.precedes($1) }
      let isLast = number == sentence.gaps.count - 1
      if !isLast, result.compared > search.width { result.isComplete = false }
      open = Array(next.prefix(isLast ? search.count : search.width))
    }
    result.best = open
    return result
  }

  /// The fillings with a token, or choice, of one gap more that can be among the best, and how many were compared, given ln p of all tokens
  /// there.
  private func extensions(
    of filling: GapFilling, _ gap: GappedSentence.Gap, _ logProbabilities: ArraySlice<Float>,
    _ search: GapSearch
  ) -> (best: [GapFilling], compared: Int) {
    var row = Array(logProbabilities)
    let best: [(token: TokenID, choice: Int?)]
    let (values, compared): ([Float], Int)
    switch gap {
    case .anyToken:
      let others = row.indices.filter { !search.allows(TokenID($0)) }
      for token in others { row[token] = -.infinity }
      best = LargestTokens.find(max(search.count, search.width), of: row.count, row, .scalar).map {
        ($0, nil)
      }
      (values, compared) = (row, row.count - others.count)
    case .choices(let choices):
      best = choices.enumerated().map { ($1[0], $0) }
      (values, compared) = (best.map { row[Int($0.token)] }, choices.count)
    }
    let largest = Double(values.max() ?? 0)
    let normalizer = largest + log(values.reduce(0) { $0 + exp(Double($1) - largest) })
    let fillings = best.map { token, choice in
      filling.adding(
        [token], choice: choice,
        logProbability: filling.logProbability + Double(row[Int(token)]) - normalizer)
    }
    return (fillings, compared)
  }
}
