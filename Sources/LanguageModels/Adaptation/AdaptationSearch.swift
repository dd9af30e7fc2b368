import Glibc

/// Chooses the constants of an adaptation by a held-out text.
///
/// For the neural cache, one pass over the text tries some flatnesses at once, and the best share of each follows without another. The rate
/// and the decay of dynamic evaluation are each doubled or halved as long as the text becomes likelier, which takes a pass for every try.
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
  /// What the flatness of the start is multiplied by.
  private static let flatnessFactors = (-4...5).map { exp2(Double($0)) }
  /// The largest share of a cache: what it has not seen must not become impossible.
  private static let largestShare = 0.99

  /// An adaptation, and the mean of −ln p of the text with it.
  public typealias Choice = (adaptation: Adaptation, loss: Double)

  /// The best constants.
  ///
  /// - Parameter report: hears of each try, and what it came to.
  public func run(
    _ model: any AdaptableModel, from start: Adaptation, on tokens: [TokenID], context: ContextMode,
    report: (Adaptation, Double) throws -> Void
  ) throws -> Choice {
    func chosenCache(_ adaptation: Adaptation) throws -> Choice {
      try chooseCache(of: adaptation, model, tokens, context, report)
    }
    func loss(_ adaptation: Adaptation) throws -> Double {
      let stream = try model.makeStream(adaptation, context: context)
      var scores: [Float] = []
      stream.score(tokens[...], into: &scores) { _ in }
      let loss = Self.loss(scores)
      try report(adaptation, loss)
      return loss
    }
    let choosesCache = start.cache != nil && (choosesFlatness || choosesWeight)
    let changes = changes(of: start)
    var best = choosesCache ? try chosenCache(start) : Choice(start, try loss(start))
    if changes.isEmpty { return best }
    for change in changes {
      // Weights that ran away need smaller steps.
      for factor in best.loss.isFinite ? [2, 0.5] : [0.5] {
        let before = best.loss
        for _ in 0..<Self.mostSteps {
          var next = best.adaptation
          guard change(&next, factor) else { break }
          let loss = try loss(next)
          guard loss < best.loss || !best.loss.isFinite else { break }
          best = (next, loss)
        }
        // If one direction is better, the other is not.
        if best.loss < before { break }
      }
    }
    // Of a network that moves otherwise, other contexts are alike.
    return choosesCache ? try chosenCache(best.adaptation) : best
  }

  /// The best flatness and share of the neural cache.
  private func chooseCache(
    of adaptation: Adaptation, _ model: any AdaptableModel, _ tokens: [TokenID], _ context: ContextMode,
    _ report: (Adaptation, Double) throws -> Void
  ) throws -> Choice {
    guard let cache = adaptation.cache else { preconditionFailure("there is a cache to be chosen") }
    let flatnesses =
      choosesFlatness ? Self.flatnessFactors.map { $0 * NeuralCache().flatness } : [cache.flatness]
    let scores = try model.cacheScores(
      of: tokens, adaptation, flatnesses: flatnesses, context: context, watch: { _ in })
    var best: Choice = (adaptation, .nan)
    for (flatness, alone) in zip(flatnesses, scores.dropFirst()) {
      let pairs = zip(scores[0], alone).map { (model: exp(Double($0)), cache: exp(Double($1))) }
      var next = adaptation
      next.cache?.flatness = flatness
      let share = choosesWeight ? min(UnigramCache.bestShare(of: pairs), Self.largestShare) : cache.weight
      next.cache?.weight = share
      let loss =
        -pairs.reduce(0) { $0 + log((1 - share) * $1.model + share * $1.cache) } / Double(pairs.count)
      try report(next, loss)
      if loss < best.loss || best.loss.isNaN { best = (next, loss) }
    }
    return best
  }

  private static func loss(_ scores: [Float]) -> Double {
    -scores.reduce(0) { $0 + Double($1) } / Double(scores.count)
  }

  /// What multiplies each constant of dynamic evaluation by a factor, unless it would leave its range.
  private func changes(of adaptation: Adaptation) -> [(inout Adaptation, Double) -> Bool] {
    var changes: [(inout Adaptation, Double) -> Bool] = []
    guard adaptation.dynamic != nil else { return changes }
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
    return changes
  }
}
