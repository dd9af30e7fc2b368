/// The text of one update: a chunk of the streams, or several in a row whose gradients are added up before the parameters move
/// (gradient accumulation; "delayed updates" in Saunders et al. 2018).
///
/// Several chunks make the gradient of a larger batch in the memory of a small one; the state is carried from one to the next, but no
/// gradient.
struct UpdateText {
  /// Where the chunks end in their streams.
  let ends: [Int]
  /// Targets in all chunks.
  let targets: Int
  /// What the rate is multiplied by: for chunks of random length, their mean length over T.
  let rateFactor: Double
}

extension Trainer {
  /// The text of the next update.
  func nextText() -> UpdateText {
    let start = progress.offset
    var ends: [Int] = []
    while ends.count < options.accumulation, ends.last ?? start < batches.streamLength {
      ends.append(chunkEnd(after: ends.last ?? start))
    }
    let end = ends.last ?? start
    let isRandom = options.hasRandomLengths
    return UpdateText(
      ends: ends, targets: batches.targetCount(start..<end),
      rateFactor: isRandom ? Double(end - start) / Double(ends.count * options.steps) : 1)
  }

  /// Where the chunk that begins at `offset` ends.
  private func chunkEnd(after offset: Int) -> Int {
    let regular = min(batches.streamLength, offset + options.steps)
    guard options.hasRandomLengths else { return regular }
    if boundaries.epoch != progress.epoch {
      let lengths = ChunkLengths(steps: options.steps, seed: options.seed)
      boundaries = (
        progress.epoch, lengths.boundaries(epoch: progress.epoch, length: batches.streamLength)
      )
    }
    return boundaries.places.first { $0 > offset } ?? regular
  }
}
