import Glibc
import LanguageModels

/// A back-off n-gram model (Katz 1987, in the form of an ARPA file):
///
///     ln p(w | h) = ln p(hw)                   if the n-gram hw is in the model
///                   ln b(h) + ln p(w | h′)     otherwise, h′ being h without its first word
///
/// Interpolated smoothing is stored in the same form: the probability of every seen n-gram has the lower orders in it.
public struct NGramModel: UnnormalizedModel, TokenDrawing, OrderReporting, BulkScoring {
  /// The n-gram that the next word is looked up under: the longest suffix of the words so far that the model holds.
  public struct State: Sendable, Equatable {
    /// Its node; without meaning if `order` is 0.
    var node: UInt32
    /// Its length.
    var order: UInt8
    /// How many words more the context would have if the model held it; counted only where scores depend on it.
    var missing: UInt8 = 0
  }

  public let vocabulary: Vocabulary
  public let defaultContext: ContextMode
  /// The probabilities.
  public let trie: NGramTrie
  /// How they were estimated; `nil` where that is not known.
  public let smoothing: Smoothing?
  /// Options and estimated parameters of the smoothing, for the checkpoint.
  let smoothingRecord: [JSONValue.Member]
  /// What finds n-grams in long texts.
  let queryTable: LazyQueryTable
  /// What the probabilities sum to after each context.
  let contextTotals: LazyContextTotals
  /// The order that was asked for; the text may have been too short for it.
  public let requestedOrder: Int
  /// How an ARPA file had the numbers, where they are to be written so again.
  let digits: WrittenDigits?

  init(
    vocabulary: Vocabulary, context: ContextMode, trie: NGramTrie, smoothing: Smoothing?,
    record: [JSONValue.Member], requestedOrder: Int, digits: WrittenDigits? = nil
  ) {
    self.vocabulary = vocabulary
    defaultContext = context
    self.trie = trie
    self.smoothing = smoothing
    smoothingRecord = record
    self.requestedOrder = requestedOrder
    self.digits = digits
    queryTable = LazyQueryTable()
    contextTotals = LazyContextTotals()
  }

  /// The model with other numbers, which are no longer rounded, and a member more in its record.
  func replacing(_ trie: NGramTrie, record name: String, _ value: JSONValue) -> NGramModel {
    NGramModel(
      vocabulary: vocabulary, context: defaultContext, trie: trie, smoothing: smoothing,
      record: smoothingRecord.filter { ![name, Self.quantizationRecord].contains($0.name) } + [
        .init(name, value)
      ],
      requestedOrder: requestedOrder)
  }

  /// False for stupid back-off only.
  public var isNormalized: Bool { smoothing?.isNormalized ?? true }

  /// Of models of the estimator's own numbers; not of rounded ones, nor of those that came from elsewhere.
  public var sumsToOne: Bool { smoothing != nil && isNormalized && quantizationBits == nil }

  /// Whether `<s>` is the context of a sentence's first word.
  private(set) var knowsSentenceStart = true

  /// The model for sentences that begin without `<s>`: of their first words, it knows nothing that comes before.
  public var withoutSentenceStart: NGramModel {
    var model = self
    model.knowsSentenceStart = false
    return model
  }

  /// Whether long texts can be scored by nodes alone, which know no empty context.
  var scoresByNodes: Bool { isNormalized && trie.order > 1 && knowsSentenceStart }

  // MARK: Queries

  public var initialState: State {
    trie.order == 1 || !knowsSentenceStart
      ? State(node: 0, order: 0) : State(node: UInt32(trie.vocabularySize), order: 1)
  }

  public func logProbability(of token: TokenID, after state: State) -> (Float, State) {
    let found = look(up: token, after: state)
    return isNormalized ? (found.logProbability, found.next) : score(found, after: state)
  }

  /// One token less than the n-grams have.
  public var contextLength: Int? { trie.order - 1 }

  public func contextOrder(of state: State) -> Int { Int(state.order) }

  public func matchedOrder(of token: TokenID, after state: State) -> Int {
    look(up: token, after: state).order
  }

  /// Stupid back-off takes its factor for every word that the context is shortened by, also where the model does not hold the
  /// context.
  private func score(
    _ found: (logProbability: Float, order: Int, next: State), after state: State
  ) -> (Float, State) {
    var next = found.next
    let length = min(trie.order - 1, Int(state.order) + Int(state.missing) + 1)
    next.missing = UInt8(length - Int(next.order))
    return (found.logProbability + penalty(of: state), next)
  }

  /// ln of the factor for the part of the context that the model does not hold.
  private func penalty(of state: State) -> Float {
    isNormalized ? 0 : Float(state.missing) * Float(log(StupidBackoff.factor))
  }

  /// The cross-entropy of `tokens` in nats per token, in the model's own context.
  public func crossEntropy(of tokens: [TokenID]) -> Double {
    var state = initialState
    var scores: [Float] = []
    scores.reserveCapacity(tokens.count)
    score(tokens[...], context: defaultContext, after: &state, into: &scores)
    return -scores.reduce(0) { $0 + Double($1) } / Double(tokens.count)
  }

  @inline(__always)
  private func look(
    up token: TokenID, after state: State
  ) -> (logProbability: Float, order: Int, next: State) {
    var weight: Float = 0
    let found = find(token, after: state) { weight += trie.logBackoffs[$0] }
    return (weight + trie.logProbabilities[found.node], found.order, found.next)
  }

  /// The node whose probability `token` gets after `state`, its order, and the state behind it.
  ///
  /// - Parameter shorten: called with the node of each context that the token does not follow.
  @inline(__always)
  func find(
    _ token: TokenID, after state: State, shorten: (Int) -> Void
  ) -> (node: Int, order: Int, next: State) {
    var order = Int(state.order)
    var node = Int(state.node)
    while order > 0 {
      if let child = trie.child(of: node, word: token) {
        let next =
          order + 1 < trie.order
          ? State(node: UInt32(child), order: UInt8(order + 1))
          : State(node: trie.suffixes[child], order: UInt8(order))
        return (child, order + 1, next)
      }
      shorten(node)
      order -= 1
      if order > 0 { node = Int(trie.suffixes[node]) }
    }
    return (Int(token), 1, State(node: token, order: trie.order == 1 ? 0 : 1))
  }

  public func logProbabilities(after state: State, into output: inout [Float]) {
    output = Array(trie.logProbabilities[..<trie.vocabularySize])
    // From the shortest context to the longest: what follows a context replaces what came from the shorter ones,
    // which are weighted down.
    for node in contexts(of: state).reversed() {
      let backoff = trie.logBackoffs[node]
      if backoff != 0 { for word in output.indices { output[word] += backoff } }
      for child in trie.children(of: node) {
        output[Int(trie.words[child])] = trie.logProbabilities[child]
      }
    }
    let penalty = penalty(of: state)
    if penalty != 0 { for word in output.indices { output[word] += penalty } }
  }

  /// The nodes of the context and its suffixes, longest first.
  private func contexts(of state: State) -> [Int] {
    var nodes: [Int] = []
    var node = state.node
    for _ in 0..<state.order {
      nodes.append(Int(node))
      node = trie.suffixes[Int(node)]
    }
    return nodes
  }

  public func logNormalizer(after state: State) -> Float {
    if sumsToOne { return 0 }
    let totals = contextTotals.value(for: trie)
    return penalty(of: state) + (state.order == 0 ? totals.logUnigrams : totals.logContexts[Int(state.node)])
  }

  public func makeTokenSampler(
    temperature: Double
  ) -> (@Sendable (State, inout SeededGenerator) -> TokenID)? {
    guard isNormalized,
      let sampler = NGramSampler(trie: trie, temperature: temperature, sumsToOne: sumsToOne)
    else { return nil }
    return { state, generator in sampler.draw(node: Int(state.node), order: Int(state.order), &generator) }
  }
}
