import Glibc

/// Chooses the constants of an adaptation by a held-out text: one after the other, each by doubling or halving it as long as the text becomes
/// likelier.
public struct AdaptationSearch: Sendable {
  /// Which constants are chosen; the others stay.
  public var choosesRate = true
  public var choosesDecay = true
  public var choosesFlatness = true
  public var choosesWeight = true

  /// All constants of what is adapted.
  public init() {}

  /// Steps in one direction after which it ends.
  private static let mostSteps = 6

  /// The best constants, and the mean of −ln p of the text with them.
  ///
  /// - Parameter report: hears of each try, and what it came to.
  public func run(
    _ model: any AdaptableModel, from start: Adaptation, on tokens: [TokenID], context: ContextMode,
    report: (Adaptation, Double) throws -> Void
  ) throws -> (adaptation: Adaptation, loss: Double) {
    func loss(_ adaptation: Adaptation) throws -> Double {
      let stream = try model.makeStream(adaptation, context: context)
      var scores: [Float] = []
      stream.score(tokens[...], into: &scores) { _ in }
      let loss = -scores.reduce(0) { $0 + Double($1) } / Double(scores.count)
      try report(adaptation, loss)
      return loss
    }
    var best = (adaptation: start, loss: try loss(start))
    for change in changes(of: start) {
      for factor in [2, 0.5] {
        let before = best.loss
        for _ in 0..<Self.mostSteps {
          var next = best.adaptation
          guard change(&next, factor) else { break }
          let loss = try loss(next)
          guard loss < best.loss else { break }
          best = (next, loss)
        }
        // If one direction is better, the other is not.
        if best.loss < before { break }
      }
    }
    return best
  }

  /// What multiplies each constant by a factor, unless it would leave its range.
  private func changes(of adaptation: Adaptation) -> [(inout Adaptation, Double) -> Bool] {
    var changes: [(inout Adaptation, Double) -> Bool] = []
    if adaptation.cache != nil {
      if choosesFlatness {
        changes.append {
          $0.cache?.flatness *= $1
          return true
        }
      }
      if choosesWeight {
        changes.append {
          $0.cache?.weight *= $1
          return ($0.cache?.weight ?? 1) < 1
        }
      }
    }
    if adaptation.dynamic != nil {
      if choosesRate {
        changes.append {
          $0.dynamic?.rate *= $1
          return true
        }
      }
      if choosesDecay {
        changes.append {
          $0.dynamic?.decay *= $1
          return ($0.dynamic?.decay ?? 1) <= 1
        }
      }
    }
    return changes
  }
}
