import Glibc
import LanguageModels

/// Additive smoothing (Lidstone 1920; with δ = 1, Laplace):
///
///     p(w | h) = (c(hw) + δ) / (c(h) + δV)
///
/// Only complete contexts count: orders below the highest are uniform, so a context that was never seen gives 1/V, as the
/// equation says. There is nothing to back off to.
public struct Additive: SmoothingMethod {
  /// δ, which is added to every count.
  public let delta: Double

  public func alpha(count: UInt32, context: ContextStatistics) -> Double {
    context.isComplete ? Double(count) / (context.total + delta * Double(context.vocabularySize)) : 0
  }

  // δ / (c(h) + δV) = γ(h) · 1/V.
  public func gamma(context: ContextStatistics) -> Double {
    guard context.isComplete else { return 1 }
    let added = delta * Double(context.vocabularySize)
    return added / (context.total + added)
  }

  public var record: [JSONValue.Member] { [.init("delta", .number(delta))] }

  /// ln δ.
  public var parameters: [SmoothingParameter] { [.init(value: log(delta), range: log(1e-9)...log(1e3))] }

  public func tuned(_ values: [Double]) -> Additive { Additive(delta: exp(values[0])) }
}
