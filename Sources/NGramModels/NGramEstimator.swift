import Dispatch
import Glibc

/// What the numbers of a trie become.
enum EstimateForm: Sendable {
  /// p(w | h) = α(w, h) + γ(h) p(w | h′), with γ(h) for the words that do not follow.
  case interpolated
  /// p(w | h) = α(w, h), with what makes Σ_w p(w | h) = 1 for the words that do not follow.
  case backedOff
  /// Scores: α(w, h), with γ(h) for the words that do not follow, whatever the sum.
  case scores
}

/// Turns counts into the probabilities and back-off weights of a trie, once and for all queries.
struct NGramEstimator<Method: SmoothingMethod>: Sendable {
  let method: Method
  let form: EstimateForm
  let model: NGramCounts
  /// Of every node, the counts that the method works on.
  let counts: [UInt32]
  /// Per level, the largest count in the text of an n-gram that is left out.
  let cutoffs: [UInt32]

  /// The trie, from the unigrams up, each level on all cores.
  func estimate() -> NGramTrie {
    var probabilities = [Float](repeating: 0, count: model.words.count)
    var backoffs = [Float](repeating: 0, count: model.firstChildren.count - 1)
    probabilities.withUnsafeMutableBufferPointer { probabilities in
      backoffs.withUnsafeMutableBufferPointer { backoffs in
        estimateUnigrams(probabilities)
        for k in 1..<max(1, model.order) { estimate(level: k, probabilities, backoffs) }
        takeLogarithms(probabilities)
        takeLogarithms(backoffs)
      }
    }
    let trie = NGramTrie(
      levelStarts: model.levelStarts, words: model.words, suffixes: model.suffixes,
      firstChildren: model.firstChildren, logProbabilities: probabilities, logBackoffs: backoffs)
    return cutoffs.allSatisfy({ $0 == 0 }) ? trie : cut(trie)
  }

  private func estimateUnigrams(_ probabilities: UnsafeMutableBufferPointer<Float>) {
    let vocabularySize = model.vocabularySize
    let context = model.statistics(
      of: 0..<vocabularySize, level: 0, counts: counts, isComplete: model.order == 1)
    let uniform = 1 / Double(vocabularySize)
    var alphas = counts[..<vocabularySize].map { $0 > 0 ? method.alpha(count: $0, context: context) : 0 }
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
    for word in 0..<vocabularySize {
      let isFinal = form != .interpolated && counts[word] > 0
      probabilities[word] = Float(isFinal ? alphas[word] : alphas[word] + gamma * uniform)
    }
  }

  /// Level k + 1, and the back-off weights of level k.
  private func estimate(
    level k: Int, _ probabilities: UnsafeMutableBufferPointer<Float>,
    _ backoffs: UnsafeMutableBufferPointer<Float>
  ) {
    let contexts = model.nodes(level: k)
    nonisolated(unsafe) let (probabilities, backoffs) = (probabilities, backoffs)
    let pieces = 64
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      let first = contexts.lowerBound + contexts.count * piece / pieces
      let end = contexts.lowerBound + contexts.count * (piece + 1) / pieces
      for h in first..<end {
        let children = model.children(of: h)
        guard !children.isEmpty else {
          backoffs[h] = form == .scores ? Float(StupidBackoff.factor) : 1
          continue
        }
        let isComplete = k + 1 == model.order || h >= model.firstAtSentenceStart[k - 1]
        let context = model.statistics(of: children, level: k, counts: counts, isComplete: isComplete)
        switch form {
        case .interpolated:
          var gamma = method.gamma(context: context)
          if cutoffs[k] > 0 { gamma += cutMass(children, level: k, context) }
          backoffs[h] = Float(gamma)
          for i in children {
            let alpha = method.alpha(count: counts[i], context: context)
            probabilities[i] = Float(alpha + gamma * Double(probabilities[Int(model.suffixes[i])]))
          }
        case .backedOff:
          var (seen, seenBelow) = (0.0, 0.0)
          for i in children where model.counts[i] > cutoffs[k] {
            seen += method.alpha(count: counts[i], context: context)
            seenBelow += Double(probabilities[Int(model.suffixes[i])])
          }
          let balance = Balance(context, seen: seen, seenBelow: seenBelow)
          backoffs[h] = Float(balance.backoff)
          for i in children {
            probabilities[i] = Float(balance.scale * method.alpha(count: counts[i], context: context))
          }
        case .scores:
          backoffs[h] = Float(method.gamma(context: context))
          for i in children { probabilities[i] = Float(method.alpha(count: counts[i], context: context)) }
        }
      }
    }
  }

  /// Σ α(w, h) of the n-grams that are left out: the lower orders get it, as in KenLM's `lmplz --prune`.
  private func cutMass(_ children: Range<Int>, level k: Int, _ context: ContextStatistics) -> Double {
    var mass = 0.0
    for i in children where model.counts[i] <= cutoffs[k] {
      mass += method.alpha(count: counts[i], context: context)
    }
    return mass
  }

  /// The trie without the n-grams of small counts.
  private func cut(_ trie: NGramTrie) -> NGramTrie {
    var isKept = [Bool](repeating: true, count: model.words.count)
    // Words stay, whatever their count.
    for k in 1..<max(1, model.order) {
      for node in model.nodes(level: k + 1) { isKept[node] = model.counts[node] > cutoffs[k] }
    }
    return trie.filtered(keeping: isKept)
  }

  private func takeLogarithms(_ values: UnsafeMutableBufferPointer<Float>) {
    nonisolated(unsafe) let values = values
    let pieces = 64
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      for i in values.count * piece / pieces..<values.count * (piece + 1) / pieces {
        values[i] = logf(values[i])
      }
    }
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
