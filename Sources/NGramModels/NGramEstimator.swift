import Dispatch
import Glibc

/// Turns counts into the probabilities and back-off weights of a trie, once and for all queries.
struct NGramEstimator<Method: SmoothingMethod>: Sendable {
  let method: Method
  let model: NGramCounts
  /// Per level, the counts that the method works on.
  let counts: [[UInt32]]

  /// The trie of p(w | h) = α(w, h) + γ(h) p(w | h′), from the unigrams up, each level on all cores.
  func estimate() -> NGramTrie {
    var levelStarts = [0]
    for level in model.levels { levelStarts.append(levelStarts[levelStarts.count - 1] + level.count) }
    let total = levelStarts[model.order]
    let inner = levelStarts[model.order - 1]

    var firstChildren: [UInt32] = []
    var words: [UInt32] = []
    var suffixes: [UInt32] = []
    firstChildren.reserveCapacity(inner + 1)
    words.reserveCapacity(total)
    suffixes.reserveCapacity(total)
    for (k, level) in model.levels.enumerated() {
      words += level.words
      if k == 0 {
        suffixes += repeatElement(0, count: level.count)
      } else {
        let (below, here) = (UInt32(levelStarts[k - 1]), UInt32(levelStarts[k]))
        suffixes += level.suffixes.lazy.map { $0 + below }
        firstChildren += level.starts.dropLast().lazy.map { $0 + here }
      }
    }
    firstChildren.append(UInt32(total))

    var probabilities = [Float](repeating: 0, count: total)
    var backoffs = [Float](repeating: 0, count: inner)
    probabilities.withUnsafeMutableBufferPointer { probabilities in
      backoffs.withUnsafeMutableBufferPointer { backoffs in
        estimateUnigrams(probabilities)
        for k in 1..<max(1, model.order) {
          estimate(
            level: k,
            above: UnsafeMutableBufferPointer(rebasing: probabilities[levelStarts[k]..<levelStarts[k + 1]]),
            below: UnsafeMutableBufferPointer(rebasing: probabilities[levelStarts[k - 1]..<levelStarts[k]]),
            backoffs: UnsafeMutableBufferPointer(rebasing: backoffs[levelStarts[k - 1]..<levelStarts[k]]))
        }
        takeLogarithms(probabilities)
        takeLogarithms(backoffs)
      }
    }
    return NGramTrie(
      levelStarts: levelStarts, words: words, suffixes: suffixes, firstChildren: firstChildren,
      logProbabilities: probabilities, logBackoffs: backoffs)
  }

  private func estimateUnigrams(_ probabilities: UnsafeMutableBufferPointer<Float>) {
    let vocabularySize = model.vocabularySize
    let context = statistics(of: 0..<vocabularySize, level: 0, isComplete: model.order == 1)
    let gamma = context.total > 0 ? method.gamma(context: context) : 1
    let uniform = 1 / Double(vocabularySize)
    for word in 0..<vocabularySize {
      let count = counts[0][word]
      let alpha = count > 0 ? method.alpha(count: count, context: context) : 0
      probabilities[word] = Float(alpha + gamma * uniform)
    }
  }

  /// Level k + 1 from level k.
  private func estimate(
    level k: Int, above: UnsafeMutableBufferPointer<Float>, below: UnsafeMutableBufferPointer<Float>,
    backoffs: UnsafeMutableBufferPointer<Float>
  ) {
    let level = model.levels[k]
    let lower = model.levels[k - 1]
    nonisolated(unsafe) let (above, below, backoffs) = (above, below, backoffs)
    let pieces = 64
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      for h in lower.count * piece / pieces..<lower.count * (piece + 1) / pieces {
        let children = Int(level.starts[h])..<Int(level.starts[h + 1])
        guard !children.isEmpty else {
          backoffs[h] = 1
          continue
        }
        let isComplete = k + 1 == model.order || h >= lower.firstAtSentenceStart
        let context = statistics(of: children, level: k, isComplete: isComplete)
        let gamma = method.gamma(context: context)
        backoffs[h] = Float(gamma)
        for i in children {
          let alpha = method.alpha(count: counts[k][i], context: context)
          above[i] = Float(alpha + gamma * Double(below[Int(level.suffixes[i])]))
        }
      }
    }
  }

  @inline(__always)
  private func statistics(of children: Range<Int>, level k: Int, isComplete: Bool) -> ContextStatistics {
    var context = ContextStatistics(
      order: k + 1, total: 0, types: (0, 0, 0), isComplete: isComplete, vocabularySize: model.vocabularySize)
    for i in children {
      let count = counts[k][i]
      context.total += Double(count)
      switch count {
      case 0: break
      case 1: context.types.once += 1
      case 2: context.types.twice += 1
      default: context.types.more += 1
      }
    }
    return context
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
