/// The choice of weights by exact line search (minimum error rate training, Och 2003).
///
/// Where one weight w moves and the others stand still, the total of each hypothesis is a line in w, and what is chosen from a list changes
/// where one line of its upper envelope meets the next. Between two such places of all lists the metric is constant, so that to
/// go through them in order finds its best value exactly.
extension CandidateLists {
  /// A stretch of a weight over which the metric does not change.
  struct Stretch {
    let merit: Double
    let start: Double
    let end: Double

    /// A weight well inside, near `weight` if that is.
    func inside(_ weight: Double, margin: Double) -> Double {
      if start < weight, weight < end { return weight }
      if start == -.infinity { return end - margin }
      return end == .infinity ? start + margin : start + (end - start) / 2
    }
  }

  /// The best stretch of weight `moving`; of several, the one where the weight is, or else the longest that has two ends.
  func bestStretch(of moving: Int, _ weights: [Double]) -> Stretch {
    var sums = [Int](repeating: 0, count: metric.size)
    var turns: [Turn] = []
    for i in lists.indices {
      let envelope = self.envelope(of: lists[i], moving, weights)
      for k in sums.indices { sums[k] += lists[i].statistics[envelope[0].place * sums.count + k] }
      for (before, after) in zip(envelope, envelope.dropFirst()) {
        turns.append(Turn(at: after.start, list: i, from: before.place, to: after.place))
      }
    }
    turns.sort { $0.at < $1.at }
    let weight = weights[moving]
    var best: Stretch?
    func offer(_ start: Double, _ end: Double) {
      // Rounding decides what is chosen in a stretch that is next to nothing.
      guard end - start > 1e-9 * max(1, abs(start == -.infinity ? end : start)) else { return }
      let stretch = Stretch(merit: metric.merit(sums), start: start, end: end)
      guard let old = best else { return best = stretch }
      func length(_ stretch: Stretch) -> Double {
        if stretch.start < weight, weight < stretch.end { return .infinity }
        let length = stretch.end - stretch.start
        return length == .infinity ? 0 : length
      }
      let isEqual = abs(stretch.merit - old.merit) < 1e-12
      if isEqual ? length(stretch) > length(old) : stretch.merit > old.merit { best = stretch }
    }
    var start = -Double.infinity
    for turn in turns {
      if turn.at > start { offer(start, turn.at) }
      start = turn.at
      for k in sums.indices {
        let statistics = lists[turn.list].statistics
        sums[k] += statistics[turn.to * sums.count + k] - statistics[turn.from * sums.count + k]
      }
    }
    offer(start, .infinity)
    return best ?? Stretch(merit: metric.merit(sums), start: -.infinity, end: .infinity)
  }

  /// Where the choice from one list changes.
  private struct Turn {
    let at: Double
    let list: Int
    let from: Int
    let to: Int
  }

  /// The total of a hypothesis by one weight: slope · w + intercept, and from where on it is the largest.
  private struct Line {
    let place: Int
    let slope: Double
    let intercept: Double
    var start = -Double.infinity
  }

  /// The lines that are the largest somewhere, from left to right.
  private func envelope(of list: List, _ moving: Int, _ weights: [Double]) -> [Line] {
    var lines = (0..<list.count).map { place in
      var intercept = 0.0
      for f in 0..<featureCount where f != moving {
        intercept += weights[f] * list.features[place * featureCount + f]
      }
      return Line(
        place: place, slope: list.features[place * featureCount + moving], intercept: intercept)
    }
    lines.sort { a, b in
      if a.slope != b.slope { return a.slope < b.slope }
      return a.intercept != b.intercept ? a.intercept > b.intercept : a.place < b.place
    }
    var envelope: [Line] = []
    for var line in lines {
      if envelope.last?.slope == line.slope { continue }
      while let last = envelope.last {
        line.start = (last.intercept - line.intercept) / (line.slope - last.slope)
        if line.start > last.start { break }
        envelope.removeLast()
      }
      if envelope.isEmpty { line.start = -.infinity }
      envelope.append(line)
    }
    return envelope
  }

  // MARK: All weights

  /// The weights that make the metric best, as far as line searches find them: from `start`, from equal weights, and from `restarts` random
  /// ones, the weight whose line promises most moves until none promises more. Σ |w| = 1.
  ///
  /// - Parameter watch: hears of each start.
  public func tunedWeights(
    from start: [Double], restarts: Int, seed: UInt64, watch: (Int) -> Void = { _ in }
  ) -> [Double] {
    // In units of their spread, features are alike.
    let scales = scales
    var generator = SeededGenerator(seed: seed)
    var best: (weights: [Double], merit: Double) = (start, self.merit(start))
    for number in 0..<restarts + 2 {
      watch(number)
      let first = scales.indices.map { f -> Double in
        if number == 0 { return start[f] }
        let weight = number == 1 ? 1 : 2 * generator.uniform() - 1
        return scales[f] > 0 ? weight / scales[f] : 0
      }
      let found = climb(first, scales)
      if found.merit > best.merit + 1e-12 { best = found }
    }
    let sum = best.weights.reduce(0) { $0 + abs($1) }
    return sum > 0 ? best.weights.map { $0 / sum } : best.weights
  }

  /// Moves one weight after the other, as long as that makes the metric better.
  private func climb(_ start: [Double], _ scales: [Double]) -> (weights: [Double], merit: Double) {
    var (weights, merit) = (start, self.merit(start))
    for _ in 0..<mostMoves {
      var moves: [(feature: Int, stretch: Stretch)] = []
      for f in weights.indices where scales[f] > 0 {
        let stretch = bestStretch(of: f, weights)
        if stretch.merit > merit + 1e-12 { moves.append((f, stretch)) }
      }
      // What a line promises holds but for rounding.
      moves.sort { $0.stretch.merit > $1.stretch.merit }
      let spread = zip(weights, scales).reduce(0) { max($0, abs($1.0) * $1.1) }
      var moved: (weights: [Double], merit: Double)?
      for (f, stretch) in moves where moved == nil {
        var next = weights
        next[f] = stretch.inside(weights[f], margin: (spread > 0 ? spread : 1) / scales[f])
        let value = self.merit(next)
        if value > merit + 1e-12 { moved = (next, value) }
      }
      guard let moved else { break }
      (weights, merit) = moved
    }
    return (weights, merit)
  }
}

/// No climb takes so many moves.
private let mostMoves = 200
