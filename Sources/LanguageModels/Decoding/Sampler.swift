import Glibc

/// How tokens are drawn from a model's distribution.
public struct SamplingOptions: Sendable {
  /// Probabilities are raised to the power 1/temperature; 0, or what is too near to it for that power to be a number, takes the
  /// likeliest token every time.
  public var temperature = 1.0
  /// Draw from the k likeliest tokens only.
  public var topK: Int?
  /// Draw from the smallest set of likeliest tokens that holds this much probability (Holtzman et al. 2020).
  public var topP: Double?
  /// Draw UNK as well; if not, the other tokens share its probability in proportion to theirs.
  public var drawsUnknown = true
  /// A sentence is broken off after so many tokens.
  public var maximumTokens = 1000

  /// Draws from the model's own distribution.
  public init() {}
}

/// Draws sentences from a language model: each token from p(w | h) / Σ_v p(v | h), also where the model's own probabilities do not
/// sum to one.
///
/// Order of operations: UNK is left out if asked, then temperature, then top-k, then top-p, which is a part of what top-k leaves.
public struct Sampler<Model: LanguageModel> {
  private let model: Model
  private let options: SamplingOptions
  private var generator: SeededGenerator
  /// 1/temperature; infinite if the likeliest token is to be taken.
  private let exponent: Float
  private let drawFast: (@Sendable (Model.State, inout SeededGenerator) -> TokenID)?
  private var logProbabilities: [Float] = []
  /// What `logProbabilities` becomes by the options.
  private var logits: [Float] = []
  private var candidates: [TokenID] = []

  /// A sampler whose every draw `seed` decides.
  public init(model: Model, options: SamplingOptions, seed: UInt64) {
    self.model = model
    self.options = options
    generator = SeededGenerator(seed: seed)
    exponent = Float(1 / options.temperature)
    let isPlain = exponent.isFinite && options.topK == nil && options.topP == nil
    drawFast = isPlain ? model.makeTokenSampler(temperature: options.temperature) : nil
  }

  /// Draws tokens until the end of sentence, which `emit` is given too, or until the maximum.
  ///
  /// `logProbability` is that of the model, whatever the temperature, top-k and top-p; where UNK is not drawn, that of the distribution without
  /// UNK: ln p − ln(1 − p(UNK)).
  public mutating func sentence(
    after state: inout Model.State, emit: (_ token: TokenID, _ logProbability: Float) throws -> Void
  ) rethrows {
    for _ in 0..<options.maximumTokens {
      let (token, logProbability) = drawAndScore(after: state)
      state = model.advance(state, by: token)
      try emit(token, logProbability)
      if token == Vocabulary.endOfSentence { return }
    }
  }

  /// Draws exactly `length` tokens, the ends of sentences on the way among them; `logProbability` is as of `sentence`.
  ///
  /// - Parameter context: whether the model goes on from the sentence before, or each sentence starts afresh.
  public mutating func stretch(
    of length: Int, context: ContextMode, after state: inout Model.State,
    emit: (_ token: TokenID, _ logProbability: Float) throws -> Void
  ) rethrows {
    for _ in 0..<length {
      let (token, logProbability) = drawAndScore(after: state)
      let isRestart = context == .sentence && token == Vocabulary.endOfSentence
      state = isRestart ? model.initialState : model.advance(state, by: token)
      try emit(token, logProbability)
    }
  }

  /// Draws one token.
  public mutating func draw(after state: Model.State) -> TokenID { drawAndScore(after: state).0 }

  /// Draws one token; with it, its logarithmic probability as `sentence` gives it.
  private mutating func drawAndScore(after state: Model.State) -> (TokenID, Float) {
    if let drawFast {
      // Leaving out UNK and normalizing is the same as drawing again; a model of little else is drawn from below.
      for _ in 0..<100 {
        let token = drawFast(state, &generator)
        if token != Vocabulary.unknown || options.drawsUnknown {
          let logProbability = model.logProbability(of: token, after: state).0
          // Where nothing has any probability, the way below ends the sentence.
          if logProbability > -.infinity {
            let unknown =
              options.drawsUnknown ? 0 : model.logProbability(of: Vocabulary.unknown, after: state).0
            return (token, score(logProbability, unknown: unknown))
          }
        }
      }
    }
    model.logProbabilities(after: state, into: &logProbabilities)
    logits = logProbabilities
    if !options.drawsUnknown { logits[Int(Vocabulary.unknown)] = -.infinity }
    // If nothing but UNK has any probability, a sentence without it can only end.
    let isPossible = logits.contains { $0 > -.infinity }
    let token =
      !isPossible ? Vocabulary.endOfSentence : exponent.isFinite ? drawFromLogits() : argmax()
    return (token, score(logProbabilities[Int(token)], unknown: logProbabilities[Int(Vocabulary.unknown)]))
  }

  /// ln p of a token as it is drawn, given that of the model and that of UNK.
  private func score(_ logProbability: Float, unknown: Float) -> Float {
    if options.drawsUnknown || logProbability == -.infinity { return logProbability }
    let rest = 1 - exp(Double(unknown))
    // Scores that do not sum to one can leave nothing to share.
    return rest > 0 ? logProbability - Float(log(rest)) : logProbability
  }

  /// The likeliest token; the first of several.
  private func argmax() -> TokenID {
    var best = Int(Vocabulary.endOfSentence)
    for (token, logit) in logits.enumerated()
    where logit > logits[best] || (logit == logits[best] && token < best) {
      best = token
    }
    return TokenID(best)
  }

  private mutating func drawFromLogits() -> TokenID {
    let maximum = logits.max() ?? 0
    // What is impossible stays so at any temperature, also where the exponent is rounded to 0.
    for i in logits.indices {
      logits[i] = logits[i] == -.infinity ? 0 : exp((logits[i] - maximum) * exponent)
    }
    guard options.topK != nil || options.topP != nil else {
      return draw(from: 0..<TokenID(logits.count))
    }
    candidates = Array(0..<TokenID(logits.count))
    candidates.sort { (logits[Int($0)], $1) > (logits[Int($1)], $0) }
    var kept = min(options.topK ?? candidates.count, candidates.count)
    if let topP = options.topP {
      let total = candidates[..<kept].reduce(0.0) { $0 + Double(logits[Int($1)]) }
      var sum = 0.0
      kept =
        candidates[..<kept].firstIndex { token in
          sum += Double(logits[Int(token)])
          return sum >= topP * total
        }.map { $0 + 1 } ?? kept
    }
    return draw(from: candidates[..<kept])
  }

  /// Draws one of `tokens` in proportion to what stands in `logits`, which are weights by now.
  private mutating func draw(from tokens: some Collection<TokenID>) -> TokenID {
    var rest = generator.uniform() * tokens.reduce(0.0) { $0 + Double(logits[Int($1)]) }
    var last = Vocabulary.endOfSentence
    for token in tokens where logits[Int(token)] > 0 {
      rest -= Double(logits[Int(token)])
      last = token
      if rest < 0 { break }
    }
    return last
  }
}
