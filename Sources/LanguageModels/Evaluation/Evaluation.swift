import Glibc

/// What evaluating a model on a text comes to. Every token is scored exactly once.
///
/// With N tokens w₁…w_N, the ends of sentences among them, the cross-entropy is H = −(1/N) Σ ln p(wᵢ | w₁…wᵢ₋₁) nats per
/// token, and the perplexity exp(H).
public struct Evaluation: Sendable {
  /// Sentences scored.
  public private(set) var sentences = 0
  /// Tokens scored, with the ends of sentences.
  public private(set) var tokens = 0
  /// Tokens scored that are UNK.
  public private(set) var unknown = 0
  /// Tokens that the model gives probability zero.
  public private(set) var impossible = 0
  /// Bytes of the text that was scored, with its line ends.
  public private(set) var bytes = 0
  /// Characters (code points) of the same.
  public private(set) var characters = 0
  /// What the probabilities sum to after the contexts of the text; `nil` if the model sums to one by the way it is made.
  public private(set) var normalization: ProbabilitySums?

  private var knownSum = 0.0
  private var unknownSum = 0.0
  private var endSum = 0.0
  private var sumOfSquares = 0.0
  /// Ends of sentences among the tokens.
  private var endsScored = 0

  /// Nothing scored.
  public init() {}

  /// Adds some tokens, with ln p of each; every end of sentence counts one sentence.
  ///
  /// - Parameter scoresEnds: whether the ends themselves are among the tokens that count.
  public mutating func add(
    _ scored: ArraySlice<TokenID>, logProbabilities: ArraySlice<Float>, scoresEnds: Bool = true
  ) {
    for (token, logProbability) in zip(scored, logProbabilities) {
      if token == Vocabulary.endOfSentence, !scoresEnds {
        sentences += 1
        continue
      }
      tokens += 1
      let cost = -Double(logProbability)
      switch token {
      case Vocabulary.unknown:
        unknown += 1
        unknownSum += cost
      case Vocabulary.endOfSentence:
        sentences += 1
        endsScored += 1
        endSum += cost
      default: knownSum += cost
      }
      sumOfSquares += cost * cost
      if cost == .infinity { impossible += 1 }
    }
  }

  /// Adds ln Σ_w p(w | h) of the context of each of some tokens.
  public mutating func add(logNormalizers: [Float]) {
    normalization = normalization ?? ProbabilitySums()
    normalization?.add(logNormalizers)
  }

  /// Adds what another text came to.
  public mutating func add(_ other: Evaluation) {
    sentences += other.sentences
    tokens += other.tokens
    unknown += other.unknown
    impossible += other.impossible
    bytes += other.bytes
    characters += other.characters
    knownSum += other.knownSum
    unknownSum += other.unknownSum
    endSum += other.endSum
    sumOfSquares += other.sumOfSquares
    endsScored += other.endsScored
  }

  /// Takes from `statistics` how large the text is; ends of sentences that are not scored do not count.
  public mutating func take(sizesOf statistics: TextStatistics, scoresEnds: Bool = true) {
    let ends = scoresEnds ? 0 : statistics.sentences
    (bytes, characters) = (statistics.sentenceBytes - ends, statistics.sentenceCharacters - ends)
  }

  private var sum: Double { knownSum + unknownSum + endSum }

  /// ln p of the whole text.
  public var logProbability: Double { -sum }

  /// H in nats per token.
  public var crossEntropy: Double { sum / Double(tokens) }

  /// H in bits per token.
  public var crossEntropyBits: Double { crossEntropy / M_LN2 }

  /// Bits for the whole text by its bytes.
  public var bitsPerByte: Double { sum / M_LN2 / Double(bytes) }

  /// Bits for the whole text by its characters.
  public var bitsPerCharacter: Double { sum / M_LN2 / Double(characters) }

  /// exp(H).
  public var perplexity: Double { exp(crossEntropy) }

  /// H of the distribution p(w | h) / Σ_v p(v | h), which is H + mean ln Σ_v p(v | h), in nats per token.
  public var normalizedCrossEntropy: Double {
    guard let normalization, crossEntropy.isFinite else { return crossEntropy }
    return crossEntropy + normalization.meanLogarithm
  }

  /// The perplexity of the same distribution: the one that compares with models that sum to one.
  public var normalizedPerplexity: Double { exp(normalizedCrossEntropy) }

  /// exp of the mean over the tokens that are in the vocabulary; UNK remains in the contexts.
  public var perplexityExcludingUnknown: Double { exp((knownSum + endSum) / Double(tokens - unknown)) }

  /// exp of the mean over all tokens but the ends of sentences.
  public var perplexityExcludingEOS: Double { exp((knownSum + unknownSum) / Double(tokens - endsScored)) }

  /// exp of the cost of all tokens, the ends of sentences among them, by the number of the others: SRILM's `ppl1`.
  public var perplexityPerWord: Double { exp(sum / Double(tokens - endsScored)) }

  /// Standard error of H: the standard deviation of −ln p(wᵢ) over √N, as if the tokens were independent; NaN if H is infinite.
  public var standardError: Double {
    guard crossEntropy.isFinite else { return .nan }
    let variance = sumOfSquares / Double(tokens) - crossEntropy * crossEntropy
    return (max(0, variance) / Double(tokens)).squareRoot()
  }
}
