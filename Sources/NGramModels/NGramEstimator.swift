import Glibc
import Threads

/// Turns counts into the probabilities and back-off weights of a trie, once and for all queries.
struct NGramEstimator<Method: SmoothingMethod>: Sendable {
  let smoother: ContextSmoother<Method>
  let model: NGramCounts
  /// Of every node, the counts that the method works on.
  let counts: [UInt32]

  private var cutoffs: [UInt32] { smoother.cutoffs }

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
    counts.withUnsafeBufferPointer { counts in
      smoother.estimateUnigrams(
        UnsafeBufferPointer(rebasing: counts[..<model.vocabularySize]), isComplete: model.order == 1,
        into: probabilities)
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
    Threads.perform(pieces) { [smoother, model, counts] piece in
      let first = contexts.lowerBound + contexts.count * piece / pieces
      let end = contexts.lowerBound + contexts.count * (piece + 1) / pieces
      counts.withUnsafeBufferPointer { counts in
        model.counts.withUnsafeBufferPointer { occurrences in
          for h in first..<end {
            let children = model.children(of: h)
            backoffs[h] = smoother.estimate(
              level: k, counts: UnsafeBufferPointer(rebasing: counts[children]),
              occurrences: UnsafeBufferPointer(rebasing: occurrences[children]),
              isComplete: k + 1 == model.order || h >= model.firstAtSentenceStart[k - 1],
              into: UnsafeMutableBufferPointer(rebasing: probabilities[children])
            ) { probabilities[Int(model.suffixes[children.lowerBound + $0])] }
          }
        }
      }
    }
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
    Threads.perform(pieces) { piece in
      for i in values.count * piece / pieces..<values.count * (piece + 1) / pieces {
        values[i] = logf(values[i])
      }
    }
  }
}
