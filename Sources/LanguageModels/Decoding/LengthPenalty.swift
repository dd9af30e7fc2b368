import Glibc

/// What ln p of a hypothesis is divided by, so that long ones can stand beside short ones.
///
/// L counts the tokens of a hypothesis, the end of sentence among them.
public enum LengthPenalty: Sendable, Equatable {
  /// 1: hypotheses are compared by ln p, which the short ones win.
  case none
  /// L^α, α ≥ 0; at 1, hypotheses are compared by ln p per token.
  case power(Double)
  /// ((5 + L)/6)^α, α ≥ 0 (Wu et al. 2016, "Google's neural machine translation system", equation 14).
  case gnmt(Double)

  /// The divisor for a hypothesis of `length` tokens, which never falls with the length.
  public func divisor(length: Int) -> Double {
    switch self {
    case .none: 1
    case .power(let alpha): pow(Double(length), alpha)
    case .gnmt(let alpha): pow((5 + Double(length)) / 6, alpha)
    }
  }
}
