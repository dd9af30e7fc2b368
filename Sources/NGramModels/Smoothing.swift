import LanguageModels

/// One way of giving probability to what was not seen:
///
///     p(w | h) = α(w, h) + γ(h) · p(w | h′)
///
/// where h′ is h without its first word, and the recursion ends in the uniform distribution over the vocabulary.
/// Σ_w α(w, h) + γ(h) must be 1 for every h.
public protocol SmoothingMethod: Sendable {
  /// Whether orders below the highest use continuation counts in place of raw counts.
  var usesContinuationCounts: Bool { get }

  /// α(w, h) of a word that follows h `count` times, at least once.
  func alpha(count: UInt32, context: ContextStatistics) -> Double

  /// γ(h) of a context that something follows.
  func gamma(context: ContextStatistics) -> Double

  /// What `inspect` shows and the checkpoint records: options and estimated parameters.
  var record: [JSONValue.Member] { get }

  /// What the user should know about the estimation, in one sentence.
  var warning: String? { get }
}

extension SmoothingMethod {
  /// Nothing to know.
  public var warning: String? { nil }
}

/// The smoothing methods by their names on the command line.
public enum Smoothing: String, CaseIterable, Sendable {
  case maximumLikelihood = "none"
  case additive
  case modifiedKneserNey = "modified-kneser-ney"

  /// Whether every token has a positive probability in every context.
  public var isPositive: Bool { self != .maximumLikelihood }

  /// Whether `delta` applies.
  public var takesDelta: Bool { self == .additive }

  /// The method, with its parameters estimated from `statistics`, one for each order from 1.
  public func method(statistics: [CountStatistics], delta: Double) -> any SmoothingMethod {
    switch self {
    case .maximumLikelihood: MaximumLikelihood()
    case .additive: Additive(delta: delta)
    case .modifiedKneserNey: ModifiedKneserNey(statistics: statistics)
    }
  }

  /// Whether the method works on continuation counts.
  var usesContinuationCounts: Bool { self == .modifiedKneserNey }
}
