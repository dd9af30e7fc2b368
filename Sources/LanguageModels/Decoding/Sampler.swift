/// What a sampler is told when it has room for one more sample.
public enum NextSample<State: Sendable>: Sendable {
  /// Draw what comes after this state.
  case begin(State)
  /// There is none now; ask again after the next tokens.
  case later
  /// There are no more.
  case none
}

/// One token of a sample.
public struct SampledToken: Sendable {
  /// The number of the sample, in the order in which they were begun.
  public var sample: Int
  public var token: TokenID
  /// ln p(token) by the model, whatever the temperature, top-k and top-p; where UNK is not drawn, that of the distribution without UNK:
  /// ln p − ln(1 − p(UNK)).
  public var logProbability: Float
  /// Whether the sample is whole.
  public var isLast: Bool
}

/// Draws from a language model: each token from p(w | h) / Σ_v p(v | h), also where the model's own probabilities do not
/// sum to one (see `TokenDraw` for how the options change that).
///
/// Sample i is decided by the seed, by i and by the state that it begins after, and by nothing else: many are drawn side by side, as rows of
/// one step of the model, and a row that is whole makes room for the next sample.
public struct Sampler<Model: LanguageModel> {
  private let model: Model
  private let options: SamplingOptions
  private let seed: UInt64
  private let tokenDraw: TokenDraw
  private let drawFast: (@Sendable (Model.State, inout SeededGenerator) -> TokenID)?
  /// How many samples are drawn side by side.
  private let width: Int

  /// A sampler whose every draw `seed` decides.
  ///
  /// - Parameter rows: how many samples are drawn side by side; as many as pay, if `nil`.
  public init(model: Model, options: SamplingOptions, seed: UInt64, rows: Int? = nil) {
    (self.model, self.options, self.seed) = (model, options, seed)
    tokenDraw = TokenDraw(options)
    let drawing = tokenDraw.isPlain ? model as? any TokenDrawing<Model.State> : nil
    drawFast = drawing?.makeTokenSampler(temperature: options.temperature)
    width = rows ?? Self.usualRows(vocabularySize: model.vocabulary.count)
    precondition(width > 0, "there is a row to draw in")
  }

  /// How many samples are drawn side by side where nobody says: enough for products with them to take longer than the reading of
  /// weights, and no more than stay in a cache with all their probabilities.
  public static func usualRows(vocabularySize: Int) -> Int { min(96, max(4, (2 << 20) / vocabularySize)) }

  /// Draws samples until there are no more.
  ///
  /// - Parameters:
  ///   - next: says what the next sample begins after; with `mustDecide`, nothing else is left to do, and it must not say `later`.
  ///   - emit: takes the tokens of each sample in order, those of different samples in turn.
  public func run(
    _ next: (_ mustDecide: Bool) throws -> NextSample<Model.State>, emit: (SampledToken) throws -> Void
  ) rethrows {
    if let drawFast { return try runOneByOne(drawFast, next, emit) }
    var running: [Running] = []
    var (begun, isOver) = (0, false)
    let rows = model.makeStateRows(capacity: width)
    while true {
      refill: while !isOver, running.count < width {
        switch try next(running.isEmpty) {
        case .begin(let state):
          rows.append(state)
          running.append(Running(sample: begun, generator: SeededGenerator(seed: seed, stream: begun)))
          begun += 1
        case .later: break refill
        case .none: isOver = true
        }
      }
      if running.isEmpty { return }
      drawTokens(of: &running, rows)
      for one in running { try emit(one.sampled) }
      for row in running.indices.reversed() where running[row].sampled.isLast {
        rows.remove(row)
        running.swapAt(row, running.count - 1)
        running.removeLast()
      }
      if running.isEmpty { continue }
      rows.advance(by: running.map(\.sampled.token))
      for (row, one) in running.enumerated() where options.restarts(after: one.sampled.token) {
        rows.replace(row, by: model.initialState)
      }
    }
  }

  /// The first `count` samples, all after the same state.
  public func samples(_ count: Int = 1, after state: Model.State) -> [[SampledToken]] {
    var samples: [[SampledToken]] = []
    run { _ in
      guard samples.count < count else { return .none }
      samples.append([])
      return .begin(state)
    } emit: {
      samples[$0.sample].append($0)
    }
    return samples
  }

  /// Draws one token.
  public func draw(after state: Model.State, using generator: inout SeededGenerator) -> TokenID {
    if let drawFast, let (token, _) = drawQuickly(drawFast, after: state, &generator) { return token }
    var logProbabilities: [Float] = []
    return drawSlowly(after: state, &logProbabilities, &generator).0
  }

  // MARK: Side by side

  /// A sample that is being drawn.
  private struct Running {
    var generator: SeededGenerator
    var count = 0
    /// The last token.
    var sampled: SampledToken

    init(sample: Int, generator: SeededGenerator) {
      self.generator = generator
      sampled = SampledToken(sample: sample, token: 0, logProbability: 0, isLast: false)
    }
  }

  /// Draws one token for each row.
  private func drawTokens(of running: inout [Running], _ rows: any StateRows<Model.State>) {
    let (tokenDraw, options) = (tokenDraw, options)
    let (areLogits, functions) = (rows.giveLogits, rows.functions)
    running.withUnsafeMutableBufferPointer { running in
      // Each row is one thread's.
      nonisolated(unsafe) let running = running
      rows.forEachDistribution { row, x in
        let (token, logProbability) = tokenDraw.draw(
          from: x, areLogits: areLogits, functions, &running[row].generator)
        running[row].count += 1
        running[row].sampled.token = token
        running[row].sampled.logProbability = logProbability
        running[row].sampled.isLast = options.isWhole(count: running[row].count, last: token)
      }
    }
  }

  // MARK: One by one

  /// For a model that draws a token in less time than its distribution takes.
  private func runOneByOne(
    _ drawFast: (Model.State, inout SeededGenerator) -> TokenID,
    _ next: (_ mustDecide: Bool) throws -> NextSample<Model.State>, _ emit: (SampledToken) throws -> Void
  ) rethrows {
    var logProbabilities: [Float] = []
    var sample = 0
    while case .begin(var state) = try next(true) {
      var generator = SeededGenerator(seed: seed, stream: sample)
      var count = 0
      while true {
        let (token, logProbability) =
          drawQuickly(drawFast, after: state, &generator)
          ?? drawSlowly(after: state, &logProbabilities, &generator)
        count += 1
        let isLast = options.isWhole(count: count, last: token)
        try emit(
          SampledToken(sample: sample, token: token, logProbability: logProbability, isLast: isLast))
        if isLast { break }
        state = options.restarts(after: token) ? model.initialState : model.advance(state, by: token)
      }
      sample += 1
    }
  }

  /// A token; `nil` if there is little but UNK, or nothing has any probability.
  private func drawQuickly(
    _ drawFast: (Model.State, inout SeededGenerator) -> TokenID, after state: Model.State,
    _ generator: inout SeededGenerator
  ) -> (TokenID, Float)? {
    // Leaving out UNK and normalizing is the same as drawing again.
    for _ in 0..<100 {
      let token = drawFast(state, &generator)
      if token == Vocabulary.unknown, !options.drawsUnknown { continue }
      let logProbability = model.logProbability(of: token, after: state).0
      if logProbability == -.infinity { continue }
      let unknown =
        options.drawsUnknown ? 0 : model.logProbability(of: Vocabulary.unknown, after: state).0
      return (token, tokenDraw.score(logProbability, unknown: unknown))
    }
    return nil
  }

  private func drawSlowly(
    after state: Model.State, _ logProbabilities: inout [Float], _ generator: inout SeededGenerator
  ) -> (TokenID, Float) {
    model.logProbabilities(after: state, into: &logProbabilities)
    return logProbabilities.withUnsafeMutableBufferPointer {
      tokenDraw.draw(from: $0, areLogits: false, .scalar, &generator)
    }
  }
}
