/// Lists of hypotheses as the choice of weights sees them: features, and what each hypothesis counts with in a metric.
///
/// Of each list, the hypothesis with the largest Σᵢ wᵢ·xᵢ is chosen, the first of those that have equal sums.
public struct CandidateLists: Sendable {
  /// One list of N hypotheses.
  struct List: Sendable {
    /// xᵢ: [N × features].
    let features: [Double]
    /// [N × `metric.size`].
    let statistics: [Int]
    let count: Int
    /// The one that would be best.
    let oracle: Int
  }

  /// What the choice is judged by.
  public let metric: RescoringMetric
  /// Features of a hypothesis.
  public let featureCount: Int
  private(set) var lists: [List] = []

  /// No lists.
  public init(metric: RescoringMetric, featureCount: Int) {
    (self.metric, self.featureCount) = (metric, featureCount)
  }

  /// How many lists there are.
  public var count: Int { lists.count }

  /// What stands for ln 0 and its opposite, and for what lies beyond: sums have no infinite terms.
  private static let bounds = -1e5...1e5

  /// Adds a list.
  ///
  /// - Parameters:
  ///   - features: of each hypothesis.
  ///   - sentences: the words of each hypothesis.
  ///   - reference: the words that it should have.
  public mutating func add(features: [[Double]], sentences: [[TokenID]], reference: [TokenID]) {
    precondition(!features.isEmpty && features.count == sentences.count, "a list has hypotheses")
    let right = metric.reference(reference)
    let statistics = sentences.map { metric.statistics(of: $0, right) }
    let merits = statistics.map { metric.merit(ofOne: $0) }
    let oracle = merits.indices.reduce(0) { merits[$1] > merits[$0] ? $1 : $0 }
    lists.append(
      List(
        features: features.flatMap {
          $0.map { min(max($0, Self.bounds.lowerBound), Self.bounds.upperBound) }
        },
        statistics: statistics.flatMap { $0 }, count: features.count, oracle: oracle))
  }

  // MARK: Choices

  /// The hypothesis of each list that weights choose.
  public func choice(_ weights: [Double]) -> [Int] {
    lists.map { list in
      var best = (place: 0, total: -Double.infinity)
      for place in 0..<list.count {
        var total = 0.0
        for f in 0..<featureCount { total += weights[f] * list.features[place * featureCount + f] }
        if total > best.total { best = (place, total) }
      }
      return best.place
    }
  }

  /// The best hypothesis of each list: with BLEU, that of the best BLEU of its own, which need not be the best of all together.
  public var oracle: [Int] { lists.map(\.oracle) }

  /// The metric of a choice.
  public func value(_ choice: [Int]) -> Double { metric.value(sums(choice)) }

  func merit(_ weights: [Double]) -> Double { metric.merit(sums(choice(weights))) }

  private func sums(_ choice: [Int]) -> [Int] {
    var sums = [Int](repeating: 0, count: metric.size)
    for (list, place) in zip(lists, choice) { add(list, place, to: &sums) }
    return sums
  }

  private func add(_ list: List, _ place: Int, to sums: inout [Int]) {
    for i in sums.indices { sums[i] += list.statistics[place * sums.count + i] }
  }

  // MARK: Errors

  /// Standard errors of the metric of two choices, and of the second's less the first's, by the bootstrap (Efron 1979): lists are drawn
  /// with replacement, the same ones for both (Koehn 2004).
  public func standardErrors(
    _ first: [Int], _ second: [Int], samples: Int = 1000, seed: UInt64
  ) -> (first: Double, second: Double, difference: Double) {
    var generator = SeededGenerator(seed: seed)
    var values: [[Double]] = [[], [], []]
    for _ in 0..<samples {
      var sums = [[Int]](repeating: [Int](repeating: 0, count: metric.size), count: 2)
      for _ in lists {
        let i = Int.random(in: 0..<lists.count, using: &generator)
        add(lists[i], first[i], to: &sums[0])
        add(lists[i], second[i], to: &sums[1])
      }
      let (a, b) = (metric.value(sums[0]), metric.value(sums[1]))
      for (i, value) in [a, b, b - a].enumerated() { values[i].append(value) }
    }
    let errors = values.map { values -> Double in
      let mean = values.reduce(0, +) / Double(samples)
      return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(samples - 1)).squareRoot()
    }
    return (errors[0], errors[1], errors[2])
  }

  // MARK: Scales

  /// The standard deviation of each feature within lists; 0 of one that is the same for all hypotheses of each list.
  var scales: [Double] {
    var sums = [Double](repeating: 0, count: featureCount)
    var count = 0
    for list in lists {
      count += list.count
      for f in 0..<featureCount {
        let values = (0..<list.count).map { list.features[$0 * featureCount + f] }
        let mean = values.reduce(0, +) / Double(list.count)
        sums[f] += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      }
    }
    return sums.map { ($0 / Double(max(1, count))).squareRoot() }
  }
}
