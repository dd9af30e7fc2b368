import LanguageModels

/// Stupid back-off (Brants et al. 2007): relative frequencies, and a fixed factor for every word that the context is
/// shortened by,
///
///     S(w | h) = c(hw) / c(h) if w follows h, else 0.4 · S(w | h′)
///
/// These are scores: they do not sum to one, so they have no perplexity. Words that the training text does not have get 0.4 / V,
/// where the paper leaves them without a score.
public struct StupidBackoff: SmoothingMethod {
  /// The factor for one word less of context, which Brants et al. found to work.
  public static let factor = 0.4

  public func alpha(count: UInt32, context: ContextStatistics) -> Double { Double(count) / context.total }

  public func gamma(context: ContextStatistics) -> Double { Self.factor }

  public var record: [JSONValue.Member] { [.init("backoff_factor", .number(Self.factor))] }
}
