import Glibc

/// The weights of a mixture: λᵢ ≥ 0, Σ λᵢ = 1, one set for all contexts or one for each length of context.
public struct MixtureWeights: Sendable, Equatable {
  /// One set, or one for each order, the contexts without words first; the last is for all that are longer, too.
  public let sets: [[Double]]

  /// How many models there are.
  public var count: Int { sets[0].count }
  /// Whether there are several sets.
  public var dependOnOrder: Bool { sets.count > 1 }

  /// Weights, each set of which is divided by its sum.
  public init(sets: [[Double]]) {
    precondition(!sets.isEmpty && sets.allSatisfy { $0.count == sets[0].count }, "all sets have one size")
    self.sets = sets.map { set in
      let sum = set.reduce(0, +)
      if sum.isFinite { return set.map { $0 / sum } }
      let (largest, count) = (set.max() ?? 1, Double(set.count))
      return MixtureWeights(set.map { $0 / largest / count }).sets[0]
    }
  }

  /// One set for all contexts.
  public init(_ weights: [Double]) { self.init(sets: [weights]) }

  /// Equal weights of `count` models.
  public init(equal count: Int) { self.init([Double](repeating: 1, count: count)) }

  /// The set for a context of so many words.
  func values(order: Int) -> [Double] { sets[min(order, sets.count - 1)] }

  /// ln Σᵢ λᵢ e^lᵢ of each place.
  ///
  /// - Parameters:
  ///   - logarithms: lᵢ of each model.
  ///   - orders: what the weights of each place depend on; nothing if they do not.
  func mix(_ logarithms: [[Float]], orders: [Int]) -> [Float] {
    var mixed = [Float](repeating: 0, count: logarithms.first?.count ?? 0)
    for place in mixed.indices {
      let λ = dependOnOrder ? values(order: orders[place]) : sets[0]
      var p = 0.0
      for i in λ.indices { p += λ[i] * exp(Double(logarithms[i][place])) }
      mixed[place] = Float(log(p))
    }
    return mixed
  }
}

/// What the weights of a mixture are chosen by: a text as each model sees it.
public struct MixtureEvidence: Sendable {
  /// ln p of each token, for each model.
  public let logProbabilities: [[Float]]
  /// The length of context of each token, if a model has n-grams.
  let orders: [Int]

  /// A text of which each model's ln p is known.
  public init(logProbabilities: [[Float]], orders: [Int] = []) {
    (self.logProbabilities, self.orders) = (logProbabilities, orders)
  }

  /// What the choice came to.
  public struct Choice: Sendable {
    /// The weights of the largest likelihood.
    public let weights: MixtureWeights
    /// Rounds of EM, of the set that took most.
    public let iterations: Int
    /// Tokens that all models give probability zero; they were left out.
    public let impossible: Int
  }

  /// The weights that make the text likeliest, by expectation maximization (Dempster et al. 1977; SRILM's `compute-best-mix`):
  ///
  ///     λᵢ ← (1/N) Σ_t λᵢ pᵢ(t) / Σⱼ λⱼ pⱼ(t)
  ///
  /// from equal weights until none moves by 10⁻⁷. ln p of the text is concave in λ, so these are the best there are.
  ///
  /// - Parameter byOrder: whether each length of context has weights of its own; those that hardly occur keep the weights of all.
  public func bestWeights(byOrder: Bool = false) -> Choice {
    let all = maximize(over: Array(places))
    guard byOrder, let longest = orders.max() else { return all }
    var groups = [[Int]](repeating: [], count: longest + 1)
    for place in places { groups[orders[place]].append(place) }
    let choices = groups.map { $0.count < Self.fewest ? all : maximize(over: $0) }
    return Choice(
      weights: MixtureWeights(sets: choices.map { $0.weights.sets[0] }),
      iterations: choices.reduce(0) { max($0, $1.iterations) }, impossible: all.impossible)
  }

  /// Tokens below which a set of weights is not chosen for itself.
  private static let fewest = 100
  private static let precision = 1e-7
  private static let mostIterations = 10_000

  private var places: Range<Int> { 0..<(logProbabilities.first?.count ?? 0) }

  private func maximize(over places: [Int]) -> Choice {
    let models = logProbabilities.count
    // Likelihoods over the largest of each token, which the weights do not change.
    var ratios: [Double] = []
    ratios.reserveCapacity(places.count * models)
    for place in places {
      let largest = logProbabilities.reduce(-Float.infinity) { max($0, $1[place]) }
      if largest == -.infinity { continue }
      for logs in logProbabilities { ratios.append(exp(Double(logs[place] - largest))) }
    }
    let count = ratios.count / models
    var weights = [Double](repeating: 1 / Double(models), count: models)
    var iterations = 0
    while count > 0, models > 1, iterations < Self.mostIterations {
      iterations += 1
      var next = [Double](repeating: 0, count: models)
      ratios.withUnsafeBufferPointer { ratios in
        for t in 0..<count {
          var sum = 0.0
          for i in 0..<models { sum += weights[i] * ratios[t * models + i] }
          let factor = 1 / sum
          for i in 0..<models { next[i] += weights[i] * ratios[t * models + i] * factor }
        }
      }
      let change = zip(weights, next).reduce(0) { max($0, abs($1.0 - $1.1 / Double(count))) }
      weights = next.map { $0 / Double(count) }
      if change < Self.precision { break }
    }
    // What is on its way to nothing is nothing.
    weights = weights.map { $0 < 1e-9 ? 0 : $0 }
    return Choice(
      weights: MixtureWeights(weights), iterations: iterations, impossible: places.count - count)
  }
}
