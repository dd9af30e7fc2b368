import LanguageModels

/// What holds for a network and its training where nobody says otherwise: what made good models of texts of a few megabytes in
/// minutes.
public struct Defaults: Sendable {
  private let kind: NeuralKind
  private let unit: TextUnit
  private let purpose: Purpose

  /// What a network is for.
  public enum Purpose: Sendable {
    /// To predict tokens, the next ones or those in gaps.
    case language
    case classification
    case translation
  }

  /// The defaults for a kind of network on a text of some unit.
  public init(kind: NeuralKind, unit: TextUnit = .word, purpose: Purpose = .language) {
    (self.kind, self.unit, self.purpose) = (kind, unit, purpose)
  }

  /// H.
  public var hiddenSize: Int {
    switch purpose {
    case .language: kind.isRecurrent ? unit.isFine ? 512 : 256 : 100
    case .classification: 128
    case .translation: 256
    }
  }

  /// E; tied embeddings are as large as what the softmax is given.
  public func embeddingSize(hiddenSize: Int, tied: Bool) -> Int {
    if tied { return hiddenSize }
    return kind.isRecurrent ? unit.isFine ? 64 : hiddenSize : 60
  }

  /// The vocabulary from which on an adaptive softmax makes training much faster at no loss.
  public static let fewestForAdaptive = 5000
  /// What the features of its clusters are divided by, each time anew.
  public static let tailDivisor = 2

  /// The probability of dropout between layers.
  public var dropout: Float { purpose == .classification ? 0.5 : 0.2 }

  /// The probability that all embeddings of a word are dropped.
  public var embeddingDropout: Float { purpose == .classification ? 0.2 : 0 }

  /// B, where the text is long enough.
  public var batchSize: Int {
    switch purpose {
    case .language: unit.isFine ? 64 : 20
    case .classification: 32
    case .translation: 64
    }
  }

  /// T.
  public var sequenceLength: Int { unit.isFine ? 128 : 35 }

  /// How the rate changes.
  public func schedule(hasTimeLimit: Bool) -> Schedule { hasTimeLimit ? .stableDecay : .cosine }

  /// The times through a text of so many updates an epoch: small texts need more to take enough steps.
  public func epochs(updatesPerEpoch: Int) -> Int {
    max(5, min(purpose == .classification ? 20 : 40, 2000 / max(1, updatesPerEpoch)))
  }
}

extension OptimizerKind {
  /// The learning rate that suits it for a kind of network.
  public func usualRate(for kind: NeuralKind) -> Double {
    switch self {
    case .sgd: 1
    case .momentum: 0.1
    case .adagrad: 0.05
    case .rmsprop: 0.002
    case .adam, .adamw: kind.traits.adamRate
    }
  }
}
