import Glibc
import LanguageModels

/// One trie of the n-grams of several models: a static mixture, as SRILM's `ngram -mix-lm` makes it.
///
///     p(w | h) = Σᵢ λᵢ pᵢ(w | h)   for each n-gram hw of any of the models
///
/// where pᵢ backs off in its own model; new back-off weights let every context sum to one:
///
///     b(h) = (1 − Σ_seen p(w | h)) / (1 − Σ_seen p(w | h′))
///
/// For n-grams of the trie, that is the mixture itself; for others, the mixture would back off in each model by itself.
struct MixedTrie {
  private let models: [NGramModel]
  private let tokens: SharedVocabulary
  private let weights: [Double]

  /// Where each model is after the context of a node.
  private struct Place {
    var state: NGramModel.State
    /// Whether the model holds just this context, word by word.
    var isExact: Bool
  }

  private var levelStarts = [0]
  private var words: [UInt32] = []
  private var suffixes: [UInt32] = []
  private var firstChildren: [UInt32] = []
  private var logProbabilities: [Float] = []
  private var logBackoffs: [Float] = []
  /// Of the nodes of the last level: [nodes × models].
  private var places: [Place] = []
  /// For each model, what its tokens are in the trie.
  private let numbers: [[TokenID]]

  /// - Parameter weights: λ.
  init(_ models: [NGramModel], tokens: SharedVocabulary, weights: [Double]) {
    (self.models, self.tokens, self.weights) = (models, tokens, weights)
    numbers = zip(models, tokens.members).map { model, member in
      guard let own = member.own else { return Array(0..<TokenID(model.vocabulary.count)) }
      var numbers = [TokenID](repeating: 0, count: model.vocabulary.count)
      for (token, id) in own.enumerated() where !member.isMissing(TokenID(token)) {
        numbers[Int(id)] = TokenID(token)
      }
      return numbers
    }
  }

  /// The trie.
  mutating func make() -> NGramTrie {
    addUnigrams()
    let order = models.reduce(0) { max($0, $1.trie.order) }
    for level in 1..<max(1, order) { addChildren(ofLevel: level, isLast: level + 1 == order) }
    return NGramTrie(
      levelStarts: levelStarts, words: words, suffixes: suffixes, firstChildren: closedChildren,
      logProbabilities: logProbabilities, logBackoffs: logBackoffs)
  }

  /// The children end behind the last level.
  private var closedChildren: [UInt32] { firstChildren + [UInt32(words.count)] }

  /// ln Σᵢ λᵢ pᵢ(token), each model being where it is, and where it is then.
  private func mix(_ token: TokenID, after places: ArraySlice<Place>) -> (Float, [Place]) {
    var p = 0.0
    var next: [Place] = []
    for (i, place) in places.enumerated() {
      let member = tokens.members[i]
      let (logProbability, state) = models[i].logProbability(of: member.own(token), after: place.state)
      p += weights[i] * exp(Double(member.logProbability(logProbability, of: token)))
      // A model that holds the n-gram is behind one word more, unless it has no longer contexts.
      let isExact = place.isExact && !member.isMissing(token) && state.order == place.state.order + 1
      next.append(Place(state: state, isExact: isExact))
    }
    return (min(0, Float(log(p))), next)
  }

  private mutating func addUnigrams() {
    let v = tokens.vocabulary.count
    let nowhere = models.map { _ in Place(state: NGramModel.State(node: 0, order: 0), isExact: true) }
    for token in 0..<TokenID(v) {
      let (logProbability, next) = mix(token, after: nowhere[...])
      logProbabilities.append(logProbability)
      places += next
    }
    logProbabilities.append(-.infinity)
    places += models.map { Place(state: $0.initialState, isExact: $0.trie.order > 1) }
    words = Array(0...UInt32(v))
    suffixes = [UInt32](repeating: 0, count: v + 1)
    levelStarts.append(v + 1)
  }

  private mutating func addChildren(ofLevel level: Int, isLast: Bool) {
    let nodes = levelStarts[level - 1]..<levelStarts[level]
    let count = models.count
    var nextPlaces: [Place] = []
    for node in nodes {
      firstChildren.append(UInt32(words.count))
      let here = places[(node - nodes.lowerBound) * count..<(node - nodes.lowerBound + 1) * count]
      var (seen, seenBelow) = (0.0, 0.0)
      for token in followers(of: here) {
        let (logProbability, next) = mix(token, after: here)
        let below =
          level == 1
          ? Int(token)
          : child(of: Int(suffixes[node]), word: token)
        seen += exp(Double(logProbability))
        seenBelow += exp(Double(logProbabilities[below]))
        words.append(token)
        suffixes.append(UInt32(below))
        logProbabilities.append(logProbability)
        if !isLast { nextPlaces += next }
      }
      logBackoffs.append(backoff(after: here, seen: seen, below: seenBelow))
    }
    levelStarts.append(words.count)
    places = nextPlaces
  }

  /// ln b(h) of the context that the models are behind, given Σ p(w | h) and Σ p(w | h′) over what follows it.
  private func backoff(after places: ArraySlice<Place>, seen: Double, below: Double) -> Float {
    if seen == 0 { return 0 }
    let (rest, restBelow) = (1 - seen, 1 - below)
    if min(rest, restBelow) > Self.smallestRest { return Float(log(rest / restBelow)) }
    // What single precision leaves of such a difference is noise: the models' own weights say more.
    var weight = 0.0
    for (i, place) in places.enumerated() {
      let trie = models[i].trie
      let isHeld = place.isExact && place.state.order > 0 && Int(place.state.node) < trie.innerCount
      weight += weights[i] * (isHeld ? exp(Double(trie.logBackoffs[Int(place.state.node)])) : 1)
    }
    return Float(log(weight))
  }

  private static let smallestRest = 1e-5

  /// The tokens that follow a context in any model that holds it, in order.
  private func followers(of places: ArraySlice<Place>) -> [TokenID] {
    var all: [TokenID] = []
    for (i, place) in places.enumerated() where place.isExact && place.state.order > 0 {
      let trie = models[i].trie
      if Int(place.state.node) >= trie.innerCount { continue }
      for child in trie.children(of: Int(place.state.node)) { all.append(numbers[i][Int(trie.words[child])]) }
    }
    all.sort()
    var unique: [TokenID] = []
    for token in all where unique.last != token { unique.append(token) }
    return unique
  }

  /// The node of an n-gram of a level that is whole: the suffix of one that a model holds is one that it holds, too.
  private func child(of node: Int, word: TokenID) -> Int {
    let children = Int(firstChildren[node])..<Int(firstChildren[node + 1])
    let child = children.partitionPoint { words[$0] < word }
    precondition(child < children.upperBound && words[child] == word, "suffixes of n-grams are n-grams")
    return child
  }
}

extension NGramModel {
  /// One n-gram model of the n-grams of all members of `mixture`, all of which are n-gram models: a static mixture.
  public init(mixture: Mixture) {
    let models = mixture.models.compactMap { $0 as? NGramModel }
    precondition(models.count == mixture.models.count, "all members have n-grams")
    let weights = mixture.weights.sets[0]
    var mixed = MixedTrie(models, tokens: mixture.tokens, weights: weights)
    self.init(
      vocabulary: mixture.vocabulary, context: models[0].defaultContext, trie: mixed.make(), smoothing: nil,
      record: [.init("mixed", .array(weights.map { .number($0) }))],
      requestedOrder: models.reduce(0) { max($0, $1.requestedOrder) })
  }
}
