import Charts
import Glibc

/// What the horizontal axis of a plot shows.
enum HorizontalQuantity: String, CaseIterable {
  case steps
  case epochs
  case tokens
  case time

  /// The quantity's value in a record.
  func value(_ record: TrainingLog.Record, in log: TrainingLog) -> Double {
    switch self {
    case .steps: Double(record.step)
    case .epochs: log.epochsDone(at: record)
    case .tokens: record.tokens
    case .time: record.elapsed
    }
  }

  /// The unit for values up to `maximum`: how many of the record's units it is, and its name for the axis.
  func unit(upTo maximum: Double) -> (size: Double, title: String) {
    guard self == .time else { return (1, rawValue) }
    switch maximum {
    case ..<120: return (1, "time (seconds)")
    case ..<7200: return (60, "time (minutes)")
    case ..<259_200: return (3600, "time (hours)")
    default: return (86400, "time (days)")
    }
  }
}

/// What the vertical axis of a plot shows.
enum VerticalQuantity: String, CaseIterable {
  case perplexity
  case pseudoPerplexity = "pseudo-perplexity"
  case loss
  case accuracy
  case rate
  case gradientNorm = "gradient-norm"
  case speed

  /// The quantity on the training text, in a record.
  func training(_ record: TrainingLog.Record) -> Double {
    switch self {
    case .perplexity:
      // What fillers have is none.
      record.perplexity.isFinite
        ? record.perplexity : record.pseudoPerplexity.isFinite ? .nan : exp(record.loss)
    case .pseudoPerplexity: record.pseudoPerplexity
    case .loss: record.loss
    case .accuracy: .nan
    case .rate: record.rate
    case .gradientNorm: record.gradientNorm
    case .speed: record.tokensPerSecond
    }
  }

  /// The quantity on held-out text, in a record; NaN if there is none.
  func heldOut(_ record: TrainingLog.Record) -> Double {
    switch self {
    case .perplexity:
      record.heldOutPerplexity.isFinite
        ? record.heldOutPerplexity
        : record.pseudoPerplexity.isFinite ? .nan : exp(Self.loss.heldOut(record))
    case .pseudoPerplexity: record.heldOutPseudoPerplexity
    // That of classifiers is a share of texts.
    case .loss: record.heldOutAccuracy.isFinite ? .nan : record.heldOutLoss
    case .accuracy: record.heldOutAccuracy
    case .rate, .gradientNorm, .speed: .nan
    }
  }

  /// The title of the axis.
  var title: String {
    switch self {
    case .perplexity: "perplexity"
    case .pseudoPerplexity: "pseudo-perplexity"
    case .loss: "cross-entropy (nats per token)"
    case .accuracy: "accuracy on held-out texts"
    case .rate: "learning rate"
    case .gradientNorm: "gradient norm before clipping"
    case .speed: "tokens per second"
    }
  }

  /// The scale that shows it best: logarithmic for what ranges over magnitudes.
  var scale: AxisScale { [.perplexity, .pseudoPerplexity, .gradientNorm].contains(self) ? .log : .linear }

  /// Whether it measures a model on a text: it falls from far above what matters later, so that its first values may be cut off.
  var measuresText: Bool { [.perplexity, .pseudoPerplexity, .loss].contains(self) }

  /// Whether the axis should begin at zero.
  var beginsAtZero: Bool { self == .rate || self == .speed }
}
