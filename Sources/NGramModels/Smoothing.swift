import LanguageModels

/// One way of giving probability to what was not seen: with h′ for h without its first word, either interpolated or backed off,
///
///     p(w | h) = α(w, h) + γ(h) · p(w | h′)
///     p(w | h) = α(w, h) if w follows h, else b(h) · p(w | h′)
///
/// where the recursion ends in the uniform distribution over the vocabulary. Σ_w α(w, h) + γ(h) must be 1 for every h; b(h) follows
/// from Σ_w p(w | h) = 1.
public protocol SmoothingMethod: Sendable {
  /// α(w, h) of a word that follows h `count` times, at least once.
  func alpha(count: UInt32, context: ContextStatistics) -> Double

  /// γ(h) of a context that something follows.
  func gamma(context: ContextStatistics) -> Double

  /// What `inspect` shows and the checkpoint records: options and estimated parameters.
  var record: [JSONValue.Member] { get }

  /// What the user should know about the estimation, in one sentence.
  var warning: String? { get }

  /// The numbers that can be tuned on held-out text, each with the range in which to search.
  var parameters: [SmoothingParameter] { get }

  /// The method with other values of its parameters, in the same order.
  func tuned(_ values: [Double]) -> Self
}

extension SmoothingMethod {
  /// Nothing to know.
  public var warning: String? { nil }

  /// None.
  public var parameters: [SmoothingParameter] { [] }

  /// Nothing to change.
  public func tuned(_ values: [Double]) -> Self { self }
}

/// A number that a smoothing method depends on.
public struct SmoothingParameter: Sendable {
  /// What it is at present.
  public var value: Double
  /// What it can be.
  public var range: ClosedRange<Double>
}

/// How the lower orders come in.
public enum SmoothingForm: String, CaseIterable, Sendable {
  /// Into the probability of every word.
  case interpolated
  /// Only where a word does not follow the context (Katz 1987).
  case backedOff = "backed-off"
}

/// The smoothing methods by their names on the command line.
public enum Smoothing: String, CaseIterable, Sendable {
  case maximumLikelihood = "none"
  case additive
  case goodTuring = "good-turing"
  case jelinekMercer = "jelinek-mercer"
  case wittenBell = "witten-bell"
  case absoluteDiscounting = "absolute"
  case kneserNey = "kneser-ney"
  case modifiedKneserNey = "modified-kneser-ney"
  case stupidBackoff = "stupid-backoff"

  /// The forms in which the method exists, the usual one first.
  public var forms: [SmoothingForm] {
    switch self {
    case .maximumLikelihood, .additive, .jelinekMercer: [.interpolated]
    case .goodTuring, .stupidBackoff: [.backedOff]
    case .wittenBell, .absoluteDiscounting, .kneserNey, .modifiedKneserNey: [.interpolated, .backedOff]
    }
  }

  /// Whether every token has a positive probability in every context.
  public var isPositive: Bool { self != .maximumLikelihood }

  /// Whether the numbers for the words after a context sum to one.
  public var isNormalized: Bool { self != .stupidBackoff }

  /// Whether `delta` applies.
  public var takesDelta: Bool { self == .additive }

  /// How many discounts there are for each order; 0 if the method has none.
  public var discountCount: Int {
    switch self {
    case .absoluteDiscounting, .kneserNey: 1
    case .modifiedKneserNey: 3
    default: 0
    }
  }

  /// Whether held-out text can improve the method's parameters.
  public var isTunable: Bool { takesDelta || discountCount > 0 || self == .jelinekMercer }

  /// Whether the method works on continuation counts.
  var usesContinuationCounts: Bool { self == .kneserNey || self == .modifiedKneserNey }

  /// The method, with its parameters given by `options` or estimated from `statistics`, one for each order from 1.
  func method(statistics: [CountStatistics], options: NGramModel.Options) -> any SmoothingMethod {
    switch self {
    case .maximumLikelihood: MaximumLikelihood()
    case .additive: Additive(delta: options.delta)
    case .goodTuring: GoodTuring(statistics: statistics, limit: options.katzLimit)
    case .jelinekMercer: JelinekMercer(order: statistics.count)
    case .wittenBell: WittenBell()
    case .absoluteDiscounting:
      AbsoluteDiscounting(name: "absolute", statistics: statistics, given: options.discounts)
    case .kneserNey: KneserNey(statistics: statistics, given: options.discounts)
    case .modifiedKneserNey:
      ModifiedKneserNey(
        statistics: statistics, given: options.discounts, form: options.form ?? .interpolated)
    case .stupidBackoff: StupidBackoff()
    }
  }
}
