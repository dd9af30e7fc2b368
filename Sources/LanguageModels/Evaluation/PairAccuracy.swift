/// How often the better of two sentences is found the likelier one.
public struct PairAccuracy: Sendable, Equatable {
  /// How many pairs were judged.
  public private(set) var pairs = 0
  /// In how many of them the better sentence is the likelier.
  public private(set) var correct = 0
  /// In how many of them both are equally likely.
  public private(set) var ties = 0

  /// None yet.
  public init() {}

  /// Judges one more pair by ln p of its sentences.
  ///
  /// They tie if these sums are equal in single precision, which their terms have: the order in which equal terms were added makes no
  /// difference there.
  public mutating func add(good: Double, bad: Double) {
    pairs += 1
    if Float(good) == Float(bad) {
      ties += 1
    } else if good > bad {
      correct += 1
    }
  }

  /// Adds the pairs of another.
  public mutating func add(_ other: PairAccuracy) {
    pairs += other.pairs
    correct += other.correct
    ties += other.ties
  }

  /// The mean of 1 for each correct pair, ½ for each tie and 0 for the others; NaN of none.
  public var share: Double { (Double(correct) + Double(ties) / 2) / Double(pairs) }

  /// √(σ²/n), where σ² is the variance of what the pairs count.
  public var standardError: Double {
    let meanSquare = (Double(correct) + Double(ties) / 4) / Double(pairs)
    return (max(0, meanSquare - share * share) / Double(pairs)).squareRoot()
  }
}
