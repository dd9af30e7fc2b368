import Glibc
import LanguageModels

/// How tokens are grouped where nobody says, from how often the text has each.
extension SoftmaxOptions {
  /// The cutoffs of an adaptive softmax that take the least work: of one cluster or two, and of cutoffs at all token numbers that
  /// are about a tenth apart.
  ///
  /// The work of an update of N rows is, in multiply-adds (Grave et al. 2017, section 4.2, with the update of the weights besides),
  ///
  ///     3 N F (J + n₀) + Σ 3 max(Nᵢ, 32) (F Fᵢ + Fᵢ nᵢ) + u (weights),   Nᵢ = N p(cluster i),
  ///
  /// where products of few rows take as long as if they had 32, and a weight's update as long as u = 200 multiply-adds.
  public static func cheapestCutoffs(counts: [Int], featureSize: Int, rows: Int, divisor: Int) -> [Int] {
    let model = AdaptiveCost(counts: counts, featureSize: featureSize, rows: rows, divisor: divisor)
    var best = (cost: Double.infinity, cutoffs: [max(1, counts.count / 2)])
    func extend(_ cutoffs: [Int], from candidates: ArraySlice<Int>) {
      if !cutoffs.isEmpty {
        let cost = model.cost(cutoffs)
        if cost < best.cost { best = (cost, cutoffs) }
      }
      guard cutoffs.count < mostClusters else { return }
      for (i, candidate) in zip(candidates.indices, candidates) {
        extend(cutoffs + [candidate], from: candidates[(i + 1)...])
      }
    }
    extend([], from: candidates(model)[...])
    return best.cutoffs
  }

  /// More clusters take less work by a little, and cost perplexity.
  private static let mostClusters = 2
  /// The root has at least this share of the text: clusters of frequent tokens cost perplexity.
  private static let leastCoverage = 0.7

  private static func candidates(_ model: AdaptiveCost) -> [Int] {
    let size = model.cumulative.count - 1
    guard size > 1 else { return [] }
    var result: [Int] = []
    var next = 1.0
    while Int(next) < size {
      let cutoff = Int(next)
      if model.cumulative[cutoff] >= leastCoverage { result.append(cutoff) }
      next = max(next + 1, next * 1.1)
    }
    return result
  }

  /// Classes of about √V tokens that are neighbours in frequency: of equal sums of √count (Grave et al. 2017, section 5).
  ///
  /// If they keep the order of the tokens, which should then be that of falling counts, an embedding can be tied to them.
  public static func classes(byFrequency counts: [Int], classCount: Int, keepsOrder: Bool = false) -> [Int] {
    let order =
      keepsOrder
      ? Array(counts.indices) : counts.indices.sorted { (counts[$1], $0) < (counts[$0], $1) }
    let roots = counts.map { Double($0).squareRoot() + 1e-3 }
    let total = roots.reduce(0, +)
    var result = [Int](repeating: 0, count: counts.count)
    var (sum, current, last) = (0.0, -1, -1)
    for (rank, token) in order.enumerated() {
      let wanted = Int(sum / total * Double(classCount))
      // Every class gets a token, as long as there are enough of them.
      let left = counts.count - rank
      if wanted > last || classCount - 1 - current >= left {
        current += 1
        last = max(wanted, last + 1)
      }
      result[token] = min(max(current, 0), classCount - 1)
      sum += roots[token]
    }
    return result
  }
}

/// What an adaptive softmax takes to train.
struct AdaptiveCost {
  /// The share of the text of all tokens before each.
  let cumulative: [Double]
  private let featureSize: Int
  private let rows: Int
  private let divisor: Int

  /// Multiply-adds in the time of a weight's update.
  private static let update = 200.0
  /// Products of fewer rows take as long as of so many.
  private static let fewestRows = 32.0

  init(counts: [Int], featureSize: Int, rows: Int, divisor: Int) {
    (self.featureSize, self.rows, self.divisor) = (featureSize, rows, divisor)
    let total = Double(max(1, counts.reduce(0, +)))
    var sum = 0.0
    cumulative =
      [0]
      + counts.map { count in
        sum += Double(count)
        return sum / total
      }
  }

  /// The work of an update with clusters that begin at `cutoffs`.
  func cost(_ cutoffs: [Int]) -> Double {
    let (n, f) = (Double(rows), Double(featureSize))
    let size = cumulative.count - 1
    func work(_ rows: Double, _ weights: Double) -> Double {
      (3 * max(rows, Self.fewestRows) + Self.update) * weights
    }
    var result = work(n, f * Double(cutoffs.count + cutoffs[0]))
    var features = featureSize
    for (i, start) in cutoffs.enumerated() {
      let end = i + 1 < cutoffs.count ? cutoffs[i + 1] : size
      features = max(1, features / divisor)
      let projection = divisor > 1 ? f * Double(features) : 0
      result += work(
        n * (cumulative[end] - cumulative[start]), projection + Double(features) * Double(end - start))
    }
    return result
  }
}
