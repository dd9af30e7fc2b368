/// Draws how texts go on that begin in rows, side by side, each until its end.
///
/// A text is decided by the seed, its number and what its row begins with, and by nothing else.
public struct RowSampler: Sendable {
  /// How tokens are drawn.
  public let options: SamplingOptions
  /// Decides every draw.
  public let seed: UInt64

  public init(options: SamplingOptions, seed: UInt64) { (self.options, self.seed) = (options, seed) }

  /// How each row goes on, given the numbers of their texts; the rows are used up.
  public func run(_ rows: any StateRows, numbers: [Int]) -> [Hypothesis] {
    precondition(rows.count == numbers.count, "every row has a number")
    let draw = TokenDraw(options)
    let (areLogits, functions) = (rows.giveLogits, rows.functions)
    var texts = numbers.map { _ in Hypothesis() }
    var generators = numbers.map { SeededGenerator(seed: seed, stream: $0) }
    var open = Array(numbers.indices)
    while !open.isEmpty {
      var drawn = [(token: TokenID, logProbability: Float)](repeating: (0, 0), count: open.count)
      generators.withUnsafeMutableBufferPointer { generators in
        drawn.withUnsafeMutableBufferPointer { drawn in
          // Each row is one thread's.
          nonisolated(unsafe) let (generators, drawn) = (generators, drawn)
          let open = open
          rows.forEachDistribution { row, x in
            drawn[row] = draw.draw(from: x, areLogits: areLogits, functions, &generators[open[row]])
          }
        }
      }
      for (row, text) in open.enumerated() {
        texts[text].tokens.append(drawn[row].token)
        texts[text].logProbability += Double(drawn[row].logProbability)
        texts[text].score = texts[text].logProbability
      }
      let going = open.indices.filter { row in
        !options.isWhole(count: texts[open[row]].tokens.count, last: drawn[row].token)
      }
      if going.isEmpty { break }
      rows.gather(going)
      rows.advance(by: going.map { drawn[$0].token })
      open = going.map { open[$0] }
    }
    return texts
  }
}
