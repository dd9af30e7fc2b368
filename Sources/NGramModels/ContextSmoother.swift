/// What the numbers of a trie become.
enum EstimateForm: Sendable {
  /// p(w | h) = α(w, h) + γ(h) p(w | h′), with γ(h) for the words that do not follow.
  case interpolated
  /// p(w | h) = α(w, h), with what makes Σ_w p(w | h) = 1 for the words that do not follow.
  case backedOff
  /// Scores: α(w, h), with γ(h) for the words that do not follow, whatever the sum.
  case scores
}

/// Turns the counts of the n-grams with one context into probabilities, and tells the context's back-off weight.
struct ContextSmoother<Method: SmoothingMethod>: Sendable {
  let method: Method
  let form: EstimateForm
  /// V, the number of words that can follow.
  let vocabularySize: Int
  /// Whether UNK, which the text must not have, cannot follow anything; it is then not among the V words.
  var isClosed = false
  /// Per level, the largest count in the text of an n-gram that is left out.
  let cutoffs: [UInt32]

  /// The probabilities of all words without context, which have these counts.
  func estimateUnigrams(
    _ counts: UnsafeBufferPointer<UInt32>, isComplete: Bool,
    into probabilities: UnsafeMutableBufferPointer<Float>
  ) {
    let context = ContextStatistics(
      of: counts, order: 1, isComplete: isComplete, vocabularySize: vocabularySize)
    let uniform = 1 / Double(vocabularySize)
    var alphas = counts.map { $0 > 0 ? method.alpha(count: $0, context: context) : 0 }
    var gamma = context.total > 0 ? method.gamma(context: context) : 1
    if form == .backedOff {
      gamma = 1
      if context.total > 0 {
        let seen = Double(context.distinct) * uniform
        let balance = Balance(context, seen: alphas.reduce(0, +), seenBelow: seen)
        gamma = balance.backoff
        for word in alphas.indices { alphas[word] *= balance.scale }
      }
    }
    for word in alphas.indices {
      let isFinal = form != .interpolated && counts[word] > 0
      probabilities[word] = Float(isFinal ? alphas[word] : alphas[word] + gamma * uniform)
    }
    if isClosed { probabilities[0] = 0 }
  }

  /// The probabilities of the words that follow a context of level k, and the context's back-off weight.
  ///
  /// - Parameters:
  ///   - counts: for each word, the count that the method works on.
  ///   - occurrences: for each word, its count in the text.
  ///   - isComplete: see `ContextStatistics`.
  ///   - lower: the i-th word's probability in the context without its first word.
  @inline(__always)
  func estimate(
    level k: Int, counts: UnsafeBufferPointer<UInt32>, occurrences: UnsafeBufferPointer<UInt32>,
    isComplete: Bool, into probabilities: UnsafeMutableBufferPointer<Float>, lower: (Int) -> Float
  ) -> Float {
    guard !counts.isEmpty else { return form == .scores ? Float(StupidBackoff.factor) : 1 }
    let context = ContextStatistics(
      of: counts, order: k + 1, isComplete: isComplete, vocabularySize: vocabularySize)
    switch form {
    case .interpolated:
      var gamma = method.gamma(context: context)
      if cutoffs[k] > 0 { gamma += cutMass(counts, occurrences, level: k, context) }
      for i in counts.indices {
        let alpha = method.alpha(count: counts[i], context: context)
        probabilities[i] = Float(alpha + gamma * Double(lower(i)))
      }
      return Float(gamma)
    case .backedOff:
      var (seen, seenBelow) = (0.0, 0.0)
      for i in counts.indices where occurrences[i] > cutoffs[k] {
        seen += method.alpha(count: counts[i], context: context)
        seenBelow += Double(lower(i))
      }
      let balance = Balance(context, seen: seen, seenBelow: seenBelow)
      for i in counts.indices {
        probabilities[i] = Float(balance.scale * method.alpha(count: counts[i], context: context))
      }
      return Float(balance.backoff)
    case .scores:
      for i in counts.indices { probabilities[i] = Float(method.alpha(count: counts[i], context: context)) }
      return Float(method.gamma(context: context))
    }
  }

  /// Σ α(w, h) of the n-grams that are left out: the lower orders get it, as in KenLM's `lmplz --prune`.
  private func cutMass(
    _ counts: UnsafeBufferPointer<UInt32>, _ occurrences: UnsafeBufferPointer<UInt32>, level k: Int,
    _ context: ContextStatistics
  ) -> Double {
    var mass = 0.0
    for i in counts.indices where occurrences[i] <= cutoffs[k] {
      mass += method.alpha(count: counts[i], context: context)
    }
    return mass
  }
}

/// What makes the probabilities of a backed-off context sum to one.
private struct Balance {
  /// The factor for α(w, h) of the words that follow.
  var scale = 1.0
  /// b(h), for those that do not.
  var backoff = 1.0

  /// Less than this is rounding error, of probabilities that are held as `Float`.
  private static let rounding = 1e-6

  /// - Parameters:
  ///   - seen: Σ α(w, h) over the words that follow h.
  ///   - seenBelow: Σ p(w | h′) over the same words.
  init(_ context: ContextStatistics, seen: Double, seenBelow: Double) {
    let unseenBelow = 1 - seenBelow
    guard unseenBelow > Self.rounding else {
      // All words follow h, so that nothing need be kept back.
      if seen > 0 { scale = (1 - max(0, unseenBelow)) / seen }
      return
    }
    if 1 - seen <= Self.rounding {
      // Nothing was kept back for the others. One more observation, of some other word, makes room for them, as in the toolkit of
      // Clarkson and Rosenfeld (1997).
      scale = context.total / (context.total + 1)
    }
    backoff = (1 - scale * seen) / unseenBelow
  }
}
