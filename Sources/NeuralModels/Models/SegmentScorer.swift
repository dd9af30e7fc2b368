import LanguageModels

/// A run of tokens of a text that is scored in one go.
struct Segment {
  /// The tokens that the network predicts, one a step; each is predicted from the one before it and from what the network remembers.
  let targets: Range<Int>
  /// So many of the first targets are read for context only.
  let warmUp: Int
  /// What the network remembers before its first step.
  let values: [Float]
  /// The first token of the text that the segment may see.
  let floor: Int
  /// What stands for the tokens of the text before `floor`, the nearest one last.
  let before: [TokenID]

  /// The token at `position`.
  func token(_ position: Int, of text: [TokenID]) -> TokenID {
    position >= floor ? text[position] : before[before.count + position - floor]
  }
}

/// Scores several segments side by side, one in each row of a batch.
struct SegmentScorer {
  let network: NextTokenNetwork
  let text: [TokenID]
  let segments: [Segment]

  static let rows = 64
  static let steps = 32

  /// The segments in groups of one batch, those of like length together so that few rows idle; the last segment stays the last.
  static func groups(of segments: [Segment]) -> [[Segment]] {
    guard let last = segments.last else { return [] }
    let sorted = segments.dropLast().sorted {
      ($0.targets.count, $0.floor, $0.targets.lowerBound) > (
        $1.targets.count, $1.floor, $1.targets.lowerBound
      )
    }
    let all = sorted + [last]
    return stride(from: 0, to: all.count, by: rows).map { Array(all[$0..<min($0 + rows, all.count)]) }
  }

  /// Writes ln p of the targets behind the warm-up to their places in `scores`; `watch` hears how many after every batch.
  ///
  /// - Returns: what the network remembers after the last segment's last step.
  func score(into scores: inout [Float], watch: (Int) throws -> Void) rethrows -> [Float] {
    network.resetState(rows: segments.count)
    for (row, segment) in segments.enumerated() { network.setState(segment.values, row: row) }
    let last = segments.count - 1
    let lastLength = segments[last].targets.count
    let longest = segments.reduce(0) { max($0, $1.targets.count) }
    var end = segments[last].values
    var first = 0
    while first < longest {
      // A batch ends where the last segment does, to take its state.
      let limit = first < lastLength ? lastLength : longest
      let steps = min(Self.steps, limit - first)
      let batch = batch(first..<first + steps)
      let logProbabilities = network.logProbabilities(batch)
      for (row, segment) in segments.enumerated() {
        for t in 0..<steps where first + t >= segment.warmUp && first + t < segment.targets.count {
          scores[segment.targets.lowerBound + first + t] = logProbabilities[t * segments.count + row]
        }
      }
      first += steps
      if first == lastLength { end = network.state(row: last) }
      try watch(batch.targetCount)
    }
    return end
  }

  private func batch(_ steps: Range<Int>) -> Batch {
    var batch = Batch(steps: steps.count, rows: segments.count)
    for step in steps {
      for segment in segments {
        let target = segment.targets.lowerBound + step
        let isPresent = target < segment.targets.upperBound
        for distance in stride(from: network.window, to: 0, by: -1) {
          let input = isPresent ? segment.token(target - distance, of: text) : Vocabulary.endOfSentence
          batch.inputs.append(input)
        }
        let isScored = isPresent && step >= segment.warmUp
        batch.targets.append(isScored ? text[target] : Batch.ignored)
        if isScored { batch.targetCount += 1 }
      }
    }
    return batch
  }
}
