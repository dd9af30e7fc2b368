import LanguageModels
import Synchronization
import Tensors

/// A trained network as a language model.
///
/// The network's buffers serve one caller at a time.
public final class NeuralModel: LanguageModel {
  /// What the network remembers after the tokens so far, what it makes of them for the next one, and the last of them.
  public struct State: Sendable, Equatable {
    /// The state of its layers.
    var values: [Float]
    /// The features that the output layer turns into the distribution of the next token.
    var features: [Float]
    /// The tokens that the network is given.
    var window: [TokenID]
  }

  public let vocabulary: Vocabulary
  /// The shape of the network.
  public let configuration: NeuralConfiguration
  public let initialState: State
  let network: Mutex<Box>
  /// What dynamic evaluation scales its steps by; `nil` if that is not known.
  public var statistics: GradientStatistics? { network.withLock { $0.statistics } }

  /// A network goes from thread to thread only behind a lock.
  struct Box: @unchecked Sendable {
    let network: NextTokenNetwork
    fileprivate(set) var statistics: GradientStatistics?
    /// Those whose states are in the layers of the network.
    fileprivate(set) weak var rows: NetworkRows?

    /// The network, for somebody who overwrites the states of its layers: `rows`, which then have theirs there, or anyone else.
    mutating func taken(by rows: NetworkRows? = nil) -> NextTokenNetwork {
      self.rows?.leave(network)
      self.rows = rows
      return network
    }
  }

  init(
    _ network: NextTokenNetwork, vocabulary: Vocabulary, configuration: NeuralConfiguration,
    statistics: GradientStatistics? = nil
  ) {
    self.vocabulary = vocabulary
    self.configuration = configuration
    // Before a text stands an end of sentence, as in training.
    let window = [TokenID](repeating: Vocabulary.endOfSentence, count: network.window)
    network.resetState(rows: 1)
    let features = network.advance(windows: window)
    initialState = State(values: network.state(row: 0), features: features.numbers(row: 0), window: window)
    self.network = Mutex(Box(network: network, statistics: statistics))
  }

  /// The convention that it was trained with.
  public var defaultContext: ContextMode { configuration.context }

  /// How many numbers were trained.
  public var parameterCount: Int? { network.withLock { $0.network.arena.parameterCount } }

  public func logProbability(of token: TokenID, after state: State) -> (Float, State) {
    var all: [Float] = []
    logProbabilities(after: state, into: &all)
    return (all[Int(token)], advance(state, by: token))
  }

  public func logProbabilities(after state: State, into output: inout [Float]) {
    logProbabilities(after: [state], into: &output)
  }

  public func logProbabilities(after states: [State], into output: inout [Float]) {
    network.withLock { $0.network.logDistributions(features: states.flatMap(\.features), into: &output) }
  }

  public func advance(_ state: State, by token: TokenID) -> State { advance([state], by: [token])[0] }

  public func advance(_ states: [State], by tokens: [TokenID]) -> [State] {
    let windows = zip(states, tokens).map { Array($0.window.dropFirst() + [$1]) }
    return network.withLock { box in
      let network = box.taken()
      network.resetState(rows: states.count)
      for (row, state) in states.enumerated() { network.setState(state.values, row: row) }
      let features = network.advance(windows: windows.flatMap { $0 })
      return windows.indices.map { row in
        State(values: network.state(row: row), features: features.numbers(row: row), window: windows[row])
      }
    }
  }

  /// Takes the statistics of its gradients from a text.
  ///
  /// - Parameter steps: the tokens of each row that a batch has.
  public func measureStatistics(on tokens: [TokenID], steps: Int, watch: (Int) throws -> Void) rethrows {
    let context = configuration.context
    try network.withLock { box in
      box.statistics = try box.taken().gradientStatistics(
        of: tokens, context: context, steps: steps, watch: watch)
    }
  }

  // MARK: Many tokens at once

  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float]
  ) {
    score(tokens, context: context, after: &state, into: &output) { _ in }
  }

  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float],
    watch: (Int) throws -> Void
  ) rethrows {
    guard let first = tokens.first, let last = tokens.last else { return }
    let text = Array(tokens)
    var scores = [Float](repeating: 0, count: text.count)
    // The first token is what the state says; all others have tokens of this text before them.
    scores[0] = logProbability(of: first, after: state).0
    var segments = context == .sentence ? sentences(text, after: state) : stretches(text, after: state)
    var end = state
    try watch(1)
    // The first goes on from the state, and the last may not have ended.
    let whole = context == .sentence ? segments.dropFirst().dropLast().map(\.targets) : []
    if let shared = PrefixScorer(text, whole) {
      try shared.score(self, into: &scores, watch: watch)
      segments.removeSubrange(1..<segments.count - 1)
    }
    try network.withLock { box in
      let network = box.taken()
      for group in SegmentScorer.groups(of: segments) {
        let scorer = SegmentScorer(network: network, text: text, segments: group)
        end.values = try scorer.score(into: &scores, watch: watch)
      }
    }
    if context == .sentence, last == Vocabulary.endOfSentence {
      state = initialState
    } else {
      // What the window of the last segment holds: in sentence context, nothing from before its sentence.
      let (before, floor) = segments.last.map { ($0.before, $0.floor) } ?? (state.window, 0)
      end.window = Array((before + text[floor..<text.count - 1]).suffix(state.window.count))
      state = advance(end, by: last)
    }
    output += scores
  }

  /// Each sentence by itself; the first goes on from `state`.
  private func sentences(_ text: [TokenID], after state: State) -> [Segment] {
    var segments: [Segment] = []
    var start = 0
    for (i, token) in text.enumerated() where token == Vocabulary.endOfSentence || i == text.count - 1 {
      segments.append(
        start == 0
          ? Segment(targets: 1..<i + 1, warmUp: 0, values: state.values, floor: 0, before: state.window)
          : Segment(targets: start..<i + 1, warmUp: 0, values: zeros, floor: start, before: ends))
      start = i + 1
    }
    return segments
  }

  /// In a stream, texts are scored in stretches of this many tokens side by side.
  static let stretchLength = 2048
  /// Every stretch of a stream is begun this many tokens early, from a state of zeros, to get its context. Every token is thus predicted from at least as
  /// many tokens before it, whatever the batch.
  static let warmUpLength = 256

  public var shortestContext: Int? { Self.warmUpLength }

  private func stretches(_ text: [TokenID], after state: State) -> [Segment] {
    stride(from: 0, to: text.count, by: Self.stretchLength).map { first in
      let end = min(text.count, first + Self.stretchLength)
      return first == 0
        ? Segment(targets: 1..<end, warmUp: 0, values: state.values, floor: 0, before: state.window)
        : Segment(
          targets: first - Self.warmUpLength..<end, warmUp: Self.warmUpLength, values: zeros, floor: 0,
          before: state.window)
    }
  }

  /// B and T of the batches in which a text is scored.
  static func scoringShape(tokens: Int, context: ContextMode) -> (rows: Int, steps: Int) {
    let stretches = context == .stream ? (tokens + stretchLength - 1) / stretchLength : tokens
    return (max(1, min(SegmentScorer.rows, stretches)), SegmentScorer.steps)
  }

  /// How many tokens go through the network when a text is scored, those read for context among them.
  static func scoringWork(tokens: Int, _ context: ContextMode) -> Double {
    let early = context == .stream ? Double(warmUpLength) * Double((tokens - 1) / stretchLength) : 0
    return Double(tokens) + early
  }

  private var zeros: [Float] { [Float](repeating: 0, count: initialState.values.count) }
  private var ends: [TokenID] { initialState.window }
}

extension NeuralModel {
  /// A network before its training, with the first weights that `seed` decides.
  public convenience init(
    untrained configuration: NeuralConfiguration, vocabulary: Vocabulary, seed: UInt64, engine: Engine
  ) {
    let network = configuration.makeNetwork(vocabularySize: vocabulary.count, engine: engine)
    var generator = SeededGenerator(seed: seed)
    network.initialize(using: &generator)
    self.init(network, vocabulary: vocabulary, configuration: configuration)
  }
}

extension MatrixView {
  /// The numbers of a row.
  fileprivate func numbers(row: Int) -> [Float] {
    Array(UnsafeBufferPointer(start: self.row(row), count: columns))
  }
}
