extension Mixture {
  /// A text by a mixture whose members adapt to it, those that can.
  public func makeStream(_ adaptation: Adaptation, context: ContextMode) throws -> any TextStream {
    try makeMixtureStream(adaptation, context: context)
  }

  private func makeMixtureStream(_ adaptation: Adaptation, context: ContextMode) throws -> MixtureStream {
    MixtureStream(
      self, context: context,
      try members.map { try $0.makeStream(adaptation, context: $0.context(in: context)) })
  }

  /// A mixture is as linear in the share of its members' caches as they are.
  public func cacheScores(
    of tokens: [TokenID], _ adaptation: Adaptation, flatnesses: [Double], context: ContextMode,
    watch: (Int) throws -> Void
  ) throws -> [[Float]] {
    let orders = orders(of: tokens[...], context: context, after: initialState)
    let all = try members.enumerated().map { i, member in
      try member.cacheScores(
        of: tokens, adaptation, flatnesses: flatnesses, context: member.context(in: context),
        watch: { try watch(i == 0 ? $0 : 0) })
    }
    return (0...flatnesses.count).map { number in weights.mix(all.map { $0[number] }, orders: orders) }
  }

  /// The evidence of a text by members that adapt to it, each for itself.
  public func evidence(
    of tokens: [TokenID], context: ContextMode, _ adaptation: Adaptation, watch: (Int) throws -> Void
  ) throws -> MixtureEvidence {
    let stream = try makeMixtureStream(adaptation, context: context)
    return MixtureEvidence(
      logProbabilities: try stream.memberScores(of: tokens[...], watch: watch),
      orders: allOrders(of: tokens[...], context: context, after: initialState))
  }
}

/// A text by the members of a mixture, each of which reads it for itself.
final class MixtureStream: TextStream {
  private let mixture: Mixture
  private let context: ContextMode
  private let streams: [any TextStream]
  /// Of the members as they are, for what the weights depend on.
  private var state: Mixture.State

  init(_ mixture: Mixture, context: ContextMode, _ streams: [any TextStream]) {
    (self.mixture, self.context, self.streams) = (mixture, context, streams)
    state = mixture.initialState
  }

  func score(_ tokens: ArraySlice<TokenID>, into output: inout [Float], watch: (Int) throws -> Void) rethrows
  {
    let orders = mixture.orders(of: tokens, context: context, after: state)
    if mixture.weights.dependOnOrder { state = mixture.state(of: state, behind: tokens, context: context) }
    let all = try memberScores(of: tokens, watch: watch)
    output += mixture.weights.mix(all, orders: orders)
  }

  func memberScores(of tokens: ArraySlice<TokenID>, watch: (Int) throws -> Void) rethrows -> [[Float]] {
    var all: [[Float]] = []
    for (i, stream) in streams.enumerated() {
      var scores: [Float] = []
      try stream.score(tokens, into: &scores, watch: { try watch(i == 0 ? $0 : 0) })
      all.append(scores)
    }
    return all
  }

  func restart() {
    for stream in streams { stream.restart() }
    state = mixture.initialState
  }
}

extension Mixture {
  /// What the members that the weights depend on know behind `tokens`; nothing else of a state is moved.
  fileprivate func state(of state: State, behind tokens: ArraySlice<TokenID>, context: ContextMode) -> State {
    guard let i = firstWithNGrams else { return state }
    var state = state
    let member = members[i]
    let restarts = member.context(in: context) == .sentence
    for token in tokens {
      state.members[i] =
        restarts && token == Vocabulary.endOfSentence
        ? member.initialState : member.advance([state.members[i]], by: [token])[0]
    }
    return state
  }
}
