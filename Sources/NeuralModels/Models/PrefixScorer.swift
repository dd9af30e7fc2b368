import LanguageModels

/// Scores sentences of which many begin alike, as the candidates of a list do: what they share goes through the network once.
///
/// The sentences are followed token by token side by side, a row for each different beginning.
struct PrefixScorer {
  let text: [TokenID]
  /// The places of the sentences in the text, their ends included, in the order of their tokens.
  private let sentences: [Range<Int>]
  /// So many tokens from the beginning each has in common with the one before it.
  private let shared: [Int]

  /// How many sentences are followed side by side.
  static let capacity = 1024
  /// Sharing pays if this part of all tokens need not be scored again.
  private static let leastShare = 0.1

  /// `nil` if the sentences share too little.
  init?(_ text: [TokenID], _ sentences: [Range<Int>]) {
    let sorted = sentences.sorted { text[$0].lexicographicallyPrecedes(text[$1]) }
    var shared = [Int](repeating: 0, count: sorted.count)
    for i in sorted.indices.dropFirst() {
      shared[i] = zip(text[sorted[i - 1]], text[sorted[i]]).prefix { $0 == $1 }.count
    }
    let (common, all) = (shared.reduce(0, +), sorted.reduce(0) { $0 + $1.count })
    guard Double(common) > Self.leastShare * Double(all) else { return nil }
    (self.text, self.sentences, self.shared) = (text, sorted, shared)
  }

  /// Writes ln p of the tokens of all sentences, each from the initial state, to their places in `scores`; `watch` hears how many after every step.
  func score(_ model: NeuralModel, into scores: inout [Float], watch: (Int) throws -> Void) rethrows {
    for first in stride(from: 0, to: sentences.count, by: Self.capacity) {
      let group = first..<min(first + Self.capacity, sentences.count)
      let rows = NetworkRows(model, capacity: group.count)
      rows.append(model.initialState)
      // The row of each sentence that goes on.
      var places = group.map { (sentence: $0, row: 0) }
      var step = 0
      while !places.isEmpty {
        // A sentence whose beginning is that of the sentence before it has what was found for that.
        var targets: [(row: Int, token: TokenID)] = []
        var found: [Int] = []
        for (sentence, row) in places {
          if targets.isEmpty || shared[sentence] <= step {
            targets.append((row, text[sentences[sentence].lowerBound + step]))
          }
          found.append(targets.count - 1)
        }
        let logProbabilities = rows.logProbabilities(of: targets)
        for (place, target) in zip(places, found) {
          scores[sentences[place.sentence].lowerBound + step] = logProbabilities[target]
        }
        let scored = places.count
        step += 1
        // Those that have ended leave; the others are rows of their own where their beginnings differ.
        var kept: [(sentence: Int, row: Int)] = []
        var sources: [Int] = []
        var last: Int?
        for (place, target) in zip(places, found) where sentences[place.sentence].count > step {
          if last != target { sources.append(target) }
          last = target
          kept.append((place.sentence, sources.count - 1))
        }
        places = kept
        if !sources.isEmpty {
          rows.gather(sources.map { targets[$0].row })
          rows.advance(by: sources.map { targets[$0].token })
        }
        try watch(scored)
      }
    }
  }
}
