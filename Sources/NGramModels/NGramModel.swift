import LanguageModels

/// A back-off n-gram model (Katz 1987, in the form of an ARPA file):
///
///     ln p(w | h) = ln p(hw)                   if the n-gram hw is in the model
///                   ln b(h) + ln p(w | h′)     otherwise, h′ being h without its first word
///
/// Interpolated smoothing is stored in the same form: the probability of every seen n-gram has the lower orders in it.
public struct NGramModel: LanguageModel {
  /// The n-gram that the next word is looked up under: the longest suffix of the words so far that the model holds.
  public struct State: Sendable, Equatable {
    /// Its node; without meaning if `order` is 0.
    var node: UInt32
    /// Its length.
    var order: UInt8
  }

  public let vocabulary: Vocabulary
  public let defaultContext: ContextMode
  /// The probabilities.
  public let trie: NGramTrie
  /// How they were estimated.
  public let smoothing: Smoothing
  /// Options and estimated parameters of the smoothing, for the checkpoint.
  let smoothingRecord: [JSONValue.Member]
  /// The order that was asked for; the text may have been too short for it.
  public let requestedOrder: Int

  /// How to train.
  public struct Options: Sendable {
    /// n, from 1 to 16.
    public var order = 3
    /// What becomes of unseen n-grams.
    public var smoothing = Smoothing.modifiedKneserNey
    /// δ of additive smoothing.
    public var delta = 1.0
    /// Whether n-grams reach across sentences.
    public var context = ContextMode.sentence

    /// Order 3, modified Kneser–Ney.
    public init() {}
  }

  /// Trains on `tokens`, in which every sentence ends with the end of sentence.
  ///
  /// `notice` is called with a sentence for the user where the text is too small for what was asked; `progress` with
  /// the order being counted.
  public init(
    tokens: [TokenID], vocabulary: Vocabulary, options: Options, notice: (String) -> Void = { _ in },
    progress: (Int) -> Void = { _ in }
  ) {
    let model = NGramCounts(
      tokens: tokens, vocabularySize: vocabulary.count, order: options.order, context: options.context,
      progress: progress)
    if model.order < options.order {
      notice(
        "no sentence is long enough for n-grams of order \(options.order); the model has order \(model.order)"
      )
    }
    let counts = model.counts(adjusted: options.smoothing.usesContinuationCounts)
    let method = options.smoothing.method(
      statistics: counts.map { CountStatistics(of: $0) }, delta: options.delta)
    if let warning = method.warning { notice(warning) }
    self.vocabulary = vocabulary
    defaultContext = options.context
    smoothing = options.smoothing
    smoothingRecord = method.record
    requestedOrder = options.order
    trie = Self.estimate(method, model, counts)
  }

  private static func estimate(
    _ method: some SmoothingMethod, _ model: NGramCounts, _ counts: [[UInt32]]
  ) -> NGramTrie {
    NGramEstimator(method: method, model: model, counts: counts).estimate()
  }

  init(
    vocabulary: Vocabulary, context: ContextMode, trie: NGramTrie, smoothing: Smoothing,
    record: [JSONValue.Member], requestedOrder: Int
  ) {
    self.vocabulary = vocabulary
    defaultContext = context
    self.trie = trie
    self.smoothing = smoothing
    smoothingRecord = record
    self.requestedOrder = requestedOrder
  }

  // MARK: Queries

  public var initialState: State {
    trie.order == 1 ? State(node: 0, order: 0) : State(node: UInt32(trie.vocabularySize), order: 1)
  }

  public func logProbability(of token: TokenID, after state: State) -> (Float, State) {
    let found = look(up: token, after: state)
    return (found.logProbability, found.next)
  }

  public func matchedOrder(of token: TokenID, after state: State) -> Int? {
    look(up: token, after: state).order
  }

  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float]
  ) {
    for token in tokens {
      let found = look(up: token, after: state)
      output.append(found.logProbability)
      state = context == .sentence && token == Vocabulary.endOfSentence ? initialState : found.next
    }
  }

  @inline(__always)
  private func look(
    up token: TokenID, after state: State
  ) -> (logProbability: Float, order: Int, next: State) {
    var order = Int(state.order)
    var node = Int(state.node)
    var weight: Float = 0
    while order > 0 {
      if let child = trie.child(of: node, word: token) {
        let next =
          order + 1 < trie.order
          ? State(node: UInt32(child), order: UInt8(order + 1))
          : State(node: trie.suffixes[child], order: UInt8(order))
        return (weight + trie.logProbabilities[child], order + 1, next)
      }
      weight += trie.logBackoffs[node]
      order -= 1
      if order > 0 { node = Int(trie.suffixes[node]) }
    }
    let next = State(node: token, order: trie.order == 1 ? 0 : 1)
    return (weight + trie.logProbabilities[Int(token)], 1, next)
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

  public func makeTokenSampler(
    temperature: Double
  ) -> (@Sendable (State, inout SeededGenerator) -> TokenID)? {
    guard let sampler = NGramSampler(trie: trie, temperature: temperature) else { return nil }
    return { state, generator in sampler.draw(node: Int(state.node), order: Int(state.order), &generator) }
  }
}
