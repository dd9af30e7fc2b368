import LanguageModels

/// Examples in batches of B: mixed anew in every epoch, and those of like length among some batches' worth that follow each other side by
/// side, so that few steps are for nothing.
struct PooledBatches {
  /// B.
  let size: Int
  /// What makes examples alike, for each.
  let lengths: [Int]
  /// Decides the orders.
  let seed: UInt64

  /// Batches among which examples of like length are looked for.
  private static let pool = 20

  /// The examples of an epoch, batch behind batch; only the last batch may have fewer than B.
  func order(epoch: Int) -> [Int] {
    var generator = SeededGenerator(seed: seed, stream: epoch + 1)
    let mixed = Array(lengths.indices).shuffled(using: &generator)
    var batches: [[Int]] = []
    for first in stride(from: 0, to: mixed.count, by: Self.pool * size) {
      // Examples of one length stay in the order into which they were mixed: neighbours in the file may be alike in other ways.
      let pool = mixed[first..<min(first + Self.pool * size, mixed.count)].enumerated()
        .sorted { (lengths[$0.element], $0.offset) < (lengths[$1.element], $1.offset) }.map(\.element)
      for start in stride(from: 0, to: pool.count, by: size) {
        batches.append(Array(pool[start..<min(start + size, pool.count)]))
      }
    }
    let last = batches.last.map { $0.count < size } == true ? batches.removeLast() : []
    batches.shuffle(using: &generator)
    return (batches + [last]).flatMap { $0 }
  }
}
