import Kernels
import LanguageModels
import Tensors

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

  /// Writes ln p of the tokens of all sentences, each from the initial state, to their places in `scores`; `watch` hears how many from time to time.
  func score(_ model: NeuralModel, into scores: inout [Float], watch: (Int) throws -> Void) rethrows {
    var waiting = ScoredTokens(featureSize: model.featureSize)
    for first in stride(from: 0, to: sentences.count, by: Self.capacity) {
      let group = first..<min(first + Self.capacity, sentences.count)
      let rows = NetworkRows(model, capacity: group.count)
      rows.append(model.initialState)
      // The sentences that go on, and the row of each.
      var places = group.map { (sentence: $0, row: 0) }
      var step = 0
      while !places.isEmpty {
        // Where a token stands behind a beginning that the sentence before has too, and is its token, it is the same row.
        var targets: [(row: Int, token: TokenID)] = []
        var next: [(sentence: Int, row: Int)] = []
        var sources: [(row: Int, token: TokenID)] = []
        var isGoingOn = false
        for (sentence, row) in places {
          let place = sentences[sentence].lowerBound + step
          if targets.isEmpty || shared[sentence] <= step {
            targets.append((row, text[place]))
            isGoingOn = false
          }
          waiting.places.append((waiting.tokens.count + targets.count - 1, place))
          guard step + 1 < sentences[sentence].count else { continue }
          if !isGoingOn { sources.append((row, text[place])) }
          isGoingOn = true
          next.append((sentence, sources.count - 1))
        }
        waiting.append(targets, of: rows)
        if waiting.isFull { try waiting.score(by: model, into: &scores, watch: watch) }
        (places, step) = (next, step + 1)
        if !sources.isEmpty {
          rows.gather(sources.map(\.row))
          rows.advance(by: sources.map(\.token))
        }
      }
    }
    try waiting.score(by: model, into: &scores, watch: watch)
  }
}

/// Tokens that wait to be scored, many at once, by the features before them.
private struct ScoredTokens {
  var tokens: [TokenID] = []
  /// Which of them stands at which place of the text.
  var places: [(token: Int, text: Int)] = []
  private let features = AlignedBuffer()
  private let featureSize: Int
  private static let size = 2048

  init(featureSize: Int) {
    self.featureSize = featureSize
    features.reserve((Self.size + PrefixScorer.capacity) * featureSize)
  }

  var isFull: Bool { tokens.count >= Self.size }

  /// Adds tokens behind rows.
  mutating func append(_ targets: [(row: Int, token: TokenID)], of rows: NetworkRows) {
    rows.copyFeatures(targets.lazy.map(\.row), to: features.pointer + tokens.count * featureSize)
    tokens += targets.map(\.token)
  }

  /// Scores them, and forgets them.
  mutating func score(
    by model: NeuralModel, into scores: inout [Float], watch: (Int) throws -> Void
  ) rethrows {
    let x = MatrixView(features.pointer, rows: tokens.count, columns: featureSize)
    let found = model.network.withLock { $0.network.output.logProbabilities(x, targets: tokens) }
    for place in places { scores[place.text] = found[place.token] }
    let count = places.count
    tokens.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    try watch(count)
  }
}
