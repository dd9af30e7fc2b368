import LanguageModels

/// No smoothing: p(w | h) = c(hw) / c(h).
///
/// What never followed a seen context has probability zero, so held-out perplexity is usually infinite. A context that
/// was never seen says nothing, and is shortened until it was. It keeps nothing back, so there is no backed-off form.
public struct MaximumLikelihood: SmoothingMethod {
  public func alpha(count: UInt32, context: ContextStatistics) -> Double { Double(count) / context.total }

  public func gamma(context: ContextStatistics) -> Double { 0 }

  public var record: [JSONValue.Member] { [] }
}
