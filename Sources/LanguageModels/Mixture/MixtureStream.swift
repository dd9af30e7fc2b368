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
    var ahead = initialState
    let orders = orders(of: tokens[...], context: context, after: &ahead)
    let all = try members.enumerated().map { i, member in
      try member.cacheScores(
        of: tokens, adaptation, flatnesses: flatnesses, context: member.context(in: context),
        watch: { try watch(i == 0 ? $0 : 0) })
    }
    return (0...flatnesses.count).map { number in weights.mix(all.map { $0[number] }, orders: orders) }
  }

  /// ln p of each of `tokens` by each member alone, from the beginning of a text to which it adapts, if that is asked for; and what weights can
  /// depend on.
  public func evidence(
    of tokens: [TokenID], context: ContextMode, _ adaptation: Adaptation = Adaptation(),
    watch: (Int) throws -> Void
  ) throws -> MixtureEvidence {
    prepare(toScore: tokens.count)
    let stream = try makeMixtureStream(adaptation, context: context)
    var ahead = initialState
    return MixtureEvidence(
      logProbabilities: try stream.memberScores(of: tokens[...], watch: watch),
      orders: allOrders(of: tokens[...], context: context, after: &ahead))
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
    let orders = mixture.orders(of: tokens, context: context, after: &state)
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
