import Glibc

/// What the probabilities of a model sum to after the contexts of a text: Z(h) = Σ_w p(w | h), once for each token scored.
///
/// p(w | h) / Z(h) is a distribution; a text whose cross-entropy by p is H has the cross-entropy H + mean ln Z by it. Where Z is above
/// one, H alone flatters the model.
public struct ProbabilitySums: Sendable, Equatable {
  /// How many contexts were measured.
  public private(set) var contexts = 0
  /// The smallest Z.
  public private(set) var smallest = Double.infinity
  /// The largest Z.
  public private(set) var largest = -Double.infinity
  private var sum = 0.0
  private var sumOfLogarithms = 0.0

  /// Nothing measured.
  public init() {}

  /// Adds ln Z of some contexts.
  public mutating func add(_ logarithms: [Float]) {
    contexts += logarithms.count
    for logarithm in logarithms {
      let z = exp(Double(logarithm))
      smallest = min(smallest, z)
      largest = max(largest, z)
      sum += z
      sumOfLogarithms += Double(logarithm)
    }
  }

  /// The mean of Z.
  public var mean: Double { sum / Double(contexts) }

  /// The mean of ln Z in nats, by which the cross-entropy is too low.
  public var meanLogarithm: Double { sumOfLogarithms / Double(contexts) }

  /// The largest |Z − 1|.
  public var largestDeviation: Double { contexts == 0 ? 0 : max(abs(smallest - 1), abs(largest - 1)) }
}
