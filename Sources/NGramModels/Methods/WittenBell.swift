import LanguageModels

/// Witten–Bell smoothing (Witten and Bell 1991, method C; Bell, Cleary and Witten 1990): a context has met N₁₊(h·) new words so
/// far, so the chance that the next one is new is
///
///     γ(h)    = N₁₊(h·) / (c(h) + N₁₊(h·))
///     α(w, h) = c(hw) / (c(h) + N₁₊(h·))
///
/// It has no parameters, and no statistics that a text could be too small for.
public struct WittenBell: SmoothingMethod {
  public func alpha(count: UInt32, context: ContextStatistics) -> Double {
    Double(count) / (context.total + Double(context.distinct))
  }

  public func gamma(context: ContextStatistics) -> Double {
    Double(context.distinct) / (context.total + Double(context.distinct))
  }

  public var record: [JSONValue.Member] { [] }
}
