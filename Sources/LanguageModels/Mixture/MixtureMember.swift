/// A model of a mixture, whatever its states are; it takes and gives tokens of the mixture's vocabulary.
protocol MixtureMember: Sendable {
  /// The model.
  var model: any LanguageModel { get }
  /// Its tokens.
  var tokens: SharedVocabulary.Member { get }
  /// Its state at the beginning.
  var initialState: any Sendable { get }

  func logProbability(of token: TokenID, after state: any Sendable) -> Float
  func logProbabilities(after states: [any Sendable], into output: inout [Float])
  func advance(_ states: [any Sendable], by tokens: [TokenID]) -> [any Sendable]
  func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout any Sendable,
    into output: inout [Float], watch: (Int) throws -> Void) rethrows
  /// Appends ln Σ p of the context of each token.
  func logNormalizers(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: any Sendable,
    into output: inout [Float])
  /// The length of the context that the model holds in this state; `nil` if it has no n-grams.
  func contextOrder(of state: any Sendable) -> Int?
  /// The same before each of some tokens, which the state moves behind; 0 and no move without n-grams.
  func contextOrders(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout any Sendable
  ) -> [Int]
  func matchedOrder(of token: TokenID, after state: any Sendable) -> Int
  func makeStream(_ adaptation: Adaptation, context: ContextMode) throws -> any TextStream
  /// As an `AdaptableModel` has it; of a model without neural caches, the same again and again.
  func cacheScores(
    of tokens: [TokenID], _ adaptation: Adaptation, flatnesses: [Double], context: ContextMode,
    watch: (Int) throws -> Void
  ) throws -> [[Float]]
}

extension MixtureMember {
  /// What the context of this member is where that of the mixture is `context`: in a stream, each model follows its own convention.
  func context(in context: ContextMode) -> ContextMode {
    context == .sentence ? .sentence : model.defaultContext
  }
}

/// Makes a member of `model`.
func makeMember(_ model: some LanguageModel, _ tokens: SharedVocabulary.Member) -> any MixtureMember {
  TypedMember(typed: model, tokens: tokens)
}

/// A model of a mixture whose type is known.
private struct TypedMember<Model: LanguageModel>: MixtureMember {
  let typed: Model
  let tokens: SharedVocabulary.Member

  var model: any LanguageModel { typed }
  var initialState: any Sendable { typed.initialState }

  /// A state that this member gave.
  private func state(_ state: any Sendable) -> Model.State {
    guard let state = state as? Model.State else { preconditionFailure("the state is one of this model") }
    return state
  }

  private func own(_ tokens: ArraySlice<TokenID>) -> ArraySlice<TokenID> {
    self.tokens.own == nil ? tokens : tokens.map { self.tokens.own($0) }[...]
  }

  func logProbability(of token: TokenID, after state: any Sendable) -> Float {
    tokens.logProbability(
      typed.logProbability(of: tokens.own(token), after: self.state(state)).0, of: token)
  }

  func logProbabilities(after states: [any Sendable], into output: inout [Float]) {
    typed.logProbabilities(after: states.map(state), into: &output)
    guard let own = tokens.own else { return }
    let (size, costs) = (typed.vocabulary.count, tokens.costs)
    let hasMissing = tokens.missing > 0
    var all: [Float] = []
    all.reserveCapacity(states.count * own.count)
    for row in states.indices {
      for (token, id) in own.enumerated() {
        var value = output[row * size + Int(id)]
        if hasMissing, id == Vocabulary.unknown {
          value += token == Int(Vocabulary.unknown) ? costs.unknown : costs.missing
        }
        all.append(value)
      }
    }
    output = all
  }

  func advance(_ states: [any Sendable], by tokens: [TokenID]) -> [any Sendable] {
    typed.advance(states.map(state), by: Array(own(tokens[...])))
  }

  func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout any Sendable,
    into output: inout [Float], watch: (Int) throws -> Void
  ) rethrows {
    var own = self.state(state)
    let first = output.count
    try typed.score(self.own(tokens), context: context, after: &own, into: &output, watch: watch)
    state = own
    adjust(tokens, in: &output, from: first)
  }

  /// Turns ln p of the model's own tokens into those of `tokens`.
  private func adjust(_ tokens: ArraySlice<TokenID>, in output: inout [Float], from first: Int) {
    if self.tokens.missing == 0 { return }
    for (i, token) in tokens.enumerated() {
      output[first + i] = self.tokens.logProbability(output[first + i], of: token)
    }
  }

  func logNormalizers(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: any Sendable,
    into output: inout [Float]
  ) {
    if typed.sumsToOne {
      output += repeatElement(0, count: tokens.count)
    } else if let unnormalized = typed as? any UnnormalizedModel<Model.State> {
      unnormalized.logNormalizers(of: own(tokens), context: context, after: self.state(state), into: &output)
    }
  }

  // MARK: N-grams

  private var ngrams: (any OrderReporting<Model.State>)? { typed as? any OrderReporting<Model.State> }

  func contextOrder(of state: any Sendable) -> Int? { ngrams?.contextOrder(of: self.state(state)) }

  func contextOrders(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout any Sendable
  ) -> [Int] {
    guard let ngrams else { return [Int](repeating: 0, count: tokens.count) }
    var own = self.state(state)
    defer { state = own }
    return self.own(tokens).map { token in
      let order = ngrams.contextOrder(of: own)
      let isEnd = context == .sentence && token == Vocabulary.endOfSentence
      own = isEnd ? typed.initialState : typed.advance(own, by: token)
      return order
    }
  }

  func matchedOrder(of token: TokenID, after state: any Sendable) -> Int {
    ngrams?.matchedOrder(of: tokens.own(token), after: self.state(state)) ?? 0
  }

  // MARK: Streams

  func makeStream(_ adaptation: Adaptation, context: ContextMode) throws -> any TextStream {
    let stream: any TextStream =
      if !adaptation.isEmpty, let adaptable = typed as? any AdaptableModel {
        try adaptable.makeStream(adaptation, context: context)
      } else {
        ModelStream(typed, context: context)
      }
    return tokens.own == nil ? stream : TranslatedStream(stream, tokens)
  }

  func cacheScores(
    of tokens: [TokenID], _ adaptation: Adaptation, flatnesses: [Double], context: ContextMode,
    watch: (Int) throws -> Void
  ) throws -> [[Float]] {
    guard let adaptable = typed as? any AdaptableModel else {
      var (state, scores) = (initialState, [Float]())
      try score(tokens[...], context: context, after: &state, into: &scores, watch: watch)
      return [[Float]](repeating: scores, count: flatnesses.count + 1)
    }
    var all = try adaptable.cacheScores(
      of: Array(own(tokens[...])), adaptation, flatnesses: flatnesses, context: context, watch: watch)
    for i in all.indices { adjust(tokens[...], in: &all[i], from: 0) }
    return all
  }
}

/// A text whose tokens are those of a mixture, by a model with tokens of its own.
private final class TranslatedStream: TextStream {
  private let stream: any TextStream
  private let tokens: SharedVocabulary.Member

  init(_ stream: any TextStream, _ tokens: SharedVocabulary.Member) {
    (self.stream, self.tokens) = (stream, tokens)
  }

  func score(_ tokens: ArraySlice<TokenID>, into output: inout [Float], watch: (Int) throws -> Void) rethrows
  {
    let first = output.count
    try stream.score(tokens.map { self.tokens.own($0) }[...], into: &output, watch: watch)
    for (i, token) in tokens.enumerated() {
      output[first + i] = self.tokens.logProbability(output[first + i], of: token)
    }
  }

  func restart() { stream.restart() }
}
