import LanguageModels

/// Rows of different lengths in batches of like length, so that few steps are for nothing: as many rows in each as fit in a number of
/// positions, if they are all as long as the longest.
///
/// Which lengths stand at a place of an epoch, and so how many targets it has, is the same in every epoch; which of the rows of one length
/// stand there differs from epoch to epoch.
struct LengthBatches {
  /// The rows in the order of their lengths.
  private let sorted: [Int]
  private let lengths: [Int]
  /// The rows of each place, as a range of the sorted ones.
  private let places: [Range<Int>]
  /// How many steps all rows before each place have, and, last, all of them.
  private let sums: [Int]
  private let seed: UInt64
  /// The rows of the epoch that was asked for last.
  private var order: (epoch: Int, rows: [Int]) = (-1, [])

  /// Batches of rows of these lengths, each of at most `positions` positions, or one row.
  init(lengths: [Int], positions: Int, seed: UInt64) {
    (self.lengths, self.seed) = (lengths, seed)
    let sorted = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
    self.sorted = sorted
    var batches: [Range<Int>] = []
    var first = 0
    for end in sorted.indices where (end + 1 - first) * lengths[sorted[end]] > positions && end > first {
      batches.append(first..<end)
      first = end
    }
    if first < sorted.count { batches.append(first..<sorted.count) }
    var generator = SeededGenerator(seed: seed, stream: 0)
    batches.shuffle(using: &generator)
    places = batches
    var sum = 0
    sums =
      [0]
      + batches.map { batch in
        sum += batch.reduce(0) { $0 + lengths[sorted[$1]] }
        return sum
      }
  }

  /// How many batches there are.
  var count: Int { places.count }

  /// The most steps that the rows of a batch have.
  var mostSteps: Int { zip(sums, sums.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) } }

  /// How many steps the rows of some places have.
  func stepCount(_ range: Range<Int>) -> Int { sums[range.upperBound] - sums[range.lowerBound] }

  /// The rows at a place of an epoch, the longest first.
  mutating func rows(at place: Int, epoch: Int) -> [Int] {
    if order.epoch != epoch { order = (epoch, shuffled(epoch)) }
    return order.rows[places[place]].reversed()
  }

  /// The rows in the order of their lengths, those of one length in a random order.
  private func shuffled(_ epoch: Int) -> [Int] {
    var generator = SeededGenerator(seed: seed, stream: epoch + 1)
    var rows = sorted
    var first = 0
    for end in 1...max(1, rows.count) where end == rows.count || lengths[rows[end]] != lengths[rows[first]] {
      rows[first..<end].shuffle(using: &generator)
      first = end
    }
    return rows
  }
}
