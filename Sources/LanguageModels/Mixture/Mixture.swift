import Glibc

/// A linear mixture of language models (Jelinek and Mercer 1980):
///
///     p(w | h) = Σᵢ λᵢ pᵢ(w | h)
///
/// The weights may depend on the length of the context that the first n-gram model among the members holds: where it has seen much of
/// what came before, it deserves more. Tokens are matched by their text (`SharedVocabulary`). In a stream, each member follows its own
/// convention: an n-gram model begins anew with each sentence while a recurrent one goes on.
public struct Mixture: UnnormalizedModel, OrderReporting, BulkScoring, AdaptableModel {
  /// The state of each member, in their order.
  public struct State: Sendable {
    var members: [any Sendable]
  }

  /// What all members know together.
  public let tokens: SharedVocabulary
  /// λ.
  public let weights: MixtureWeights
  let members: [any MixtureMember]
  public let initialState: State

  /// A mixture of `models`.
  ///
  /// - Parameters:
  ///   - tokens: made of the models' vocabularies.
  ///   - weights: one for each model, in the same order.
  public init(_ models: [any LanguageModel], tokens: SharedVocabulary, weights: MixtureWeights) {
    precondition(models.count == tokens.members.count && weights.count == models.count, "all have one size")
    self.tokens = tokens
    self.weights = weights
    members = models.indices.map { i in
      let model = models[i]
      return makeMember(model, tokens.members[i])
    }
    initialState = State(members: members.map(\.initialState))
  }

  /// The models.
  public var models: [any LanguageModel] { members.map(\.model) }

  public var vocabulary: Vocabulary { tokens.vocabulary }

  /// That of a member whose context runs on, if there is one.
  public var defaultContext: ContextMode {
    members.contains { $0.model.defaultContext == .stream } ? .stream : .sentence
  }

  /// That of the member that sees least.
  public var shortestContext: Int? { members.compactMap(\.model.shortestContext).min() }

  /// That of the member that looks furthest back.
  public var contextLength: Int? {
    let lengths = members.compactMap(\.model.contextLength)
    return lengths.count == members.count ? lengths.max() : nil
  }

  public var isNormalized: Bool { members.allSatisfy(\.model.isNormalized) }
  public var sumsToOne: Bool { members.allSatisfy(\.model.sumsToOne) }

  // MARK: One token

  public func logProbability(of token: TokenID, after state: State) -> (Float, State) {
    let λ = weights.values(order: contextOrder(of: state))
    var p = 0.0
    for (i, member) in members.enumerated() {
      p += λ[i] * exp(Double(member.logProbability(of: token, after: state.members[i])))
    }
    return (Float(log(p)), advance(state, by: token))
  }

  public func logProbabilities(after state: State, into output: inout [Float]) {
    logProbabilities(after: [state], into: &output)
  }

  public func logProbabilities(after states: [State], into output: inout [Float]) {
    let size = vocabulary.count
    var sums = [Float](repeating: 0, count: states.count * size)
    let λ = states.map { weights.values(order: contextOrder(of: $0)) }
    for (i, member) in members.enumerated() {
      member.logProbabilities(after: states.map { $0.members[i] }, into: &output)
      for row in states.indices {
        let weight = Float(λ[row][i])
        for place in row * size..<(row + 1) * size { sums[place] += weight * expf(output[place]) }
      }
    }
    for place in sums.indices { sums[place] = logf(sums[place]) }
    output = sums
  }

  public func advance(_ state: State, by token: TokenID) -> State { advance([state], by: [token])[0] }

  public func advance(_ states: [State], by tokens: [TokenID]) -> [State] {
    var next = states
    for (i, member) in members.enumerated() {
      let own = member.advance(states.map { $0.members[i] }, by: tokens)
      let restarts = member.model.defaultContext == .sentence
      for (row, token) in tokens.enumerated() {
        next[row].members[i] =
          restarts && token == Vocabulary.endOfSentence ? member.initialState : own[row]
      }
    }
    return next
  }

  // MARK: N-grams

  public func contextOrder(of state: State) -> Int {
    for (member, state) in zip(members, state.members) {
      if let order = member.contextOrder(of: state) { return order }
    }
    return 0
  }

  /// That of the first member that has n-grams.
  public func matchedOrder(of token: TokenID, after state: State) -> Int {
    guard let i = firstWithNGrams else { return 0 }
    return members[i].matchedOrder(of: token, after: state.members[i])
  }

  /// The member whose contexts the weights may depend on.
  var firstWithNGrams: Int? {
    members.indices.first { members[$0].contextOrder(of: members[$0].initialState) != nil }
  }

  /// Whether there is a member that weights can depend on.
  public var hasNGrams: Bool { firstWithNGrams != nil }

  // MARK: Many tokens

  public func prepare(toScore tokens: Int) {
    for member in members { (member.model as? any BulkScoring)?.prepare(toScore: tokens) }
  }

  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float]
  ) {
    score(tokens, context: context, after: &state, into: &output) { _ in }
  }

  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float],
    watch: (Int) throws -> Void
  ) rethrows {
    var ahead = state
    let orders = orders(of: tokens, context: context, after: &ahead)
    let all = try memberScores(of: tokens, context: context, after: &state, watch: watch)
    output += weights.mix(all, orders: orders)
  }

  /// ln p of each token by each member.
  private func memberScores(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State,
    watch: (Int) throws -> Void
  ) rethrows -> [[Float]] {
    var all: [[Float]] = []
    for (i, member) in members.enumerated() {
      var scores: [Float] = []
      scores.reserveCapacity(tokens.count)
      // Who watches hears of each token once.
      try member.score(
        tokens, context: member.context(in: context), after: &state.members[i], into: &scores,
        watch: { try watch(i == 0 ? $0 : 0) })
      all.append(scores)
    }
    return all
  }

  /// What the weights of each token depend on; nothing if they do not. Of `state`, only what that depends on moves behind the tokens.
  func orders(of tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State) -> [Int] {
    weights.dependOnOrder ? allOrders(of: tokens, context: context, after: &state) : []
  }

  /// What the weights of each token can depend on; nothing if no member has n-grams.
  func allOrders(of tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State) -> [Int] {
    guard let i = firstWithNGrams else { return [] }
    return members[i].contextOrders(
      of: tokens, context: members[i].context(in: context), after: &state.members[i])
  }

  /// ln Σᵢ λᵢ Zᵢ of the context of each token.
  public func logNormalizers(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: State, into output: inout [Float]
  ) {
    let all = members.enumerated().map { i, member in
      var logs: [Float] = []
      member.logNormalizers(
        of: tokens, context: member.context(in: context), after: state.members[i], into: &logs)
      return logs
    }
    var ahead = state
    output += weights.mix(all, orders: orders(of: tokens, context: context, after: &ahead))
  }

  /// The mixture with other weights.
  public func with(_ weights: MixtureWeights) -> Mixture {
    Mixture(models, tokens: tokens, weights: weights)
  }
}
