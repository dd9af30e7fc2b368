import Glibc
import Synchronization
import Threads

/// Σ_w q(w | h) of every context h of a trie, where q(w | h) = p(w | h)^a:
///
///     Z(h) = Σ_seen q(w | h) + b(h)^a [Z(h′) − Σ_seen q(w | h′)]
///
/// over the words that follow h, from the shortest contexts to the longest.
struct ContextTotals: Sendable {
  /// Z of each node that can be a context.
  private(set) var contexts: [Double]
  /// Z of the context without words.
  let unigrams: Double

  /// - Parameters:
  ///   - weights: q(w | h) of each n-gram hw.
  ///   - exponent: a.
  init(_ trie: NGramTrie, weights: [Float], exponent: Double) {
    unigrams = weights[..<trie.vocabularySize].reduce(0) { $0 + Double($1) }
    contexts = [Double](repeating: 0, count: trie.innerCount)
    contexts.withUnsafeMutableBufferPointer { [unigrams] totals in
      nonisolated(unsafe) let totals = totals
      for level in 1..<max(1, trie.order) {
        let nodes = trie.levelStarts[level - 1]..<trie.levelStarts[level]
        forEachPiece(of: nodes) { piece in
          for node in piece {
            var (seen, seenBelow) = (0.0, 0.0)
            for child in trie.children(of: node) {
              seen += Double(weights[child])
              seenBelow += Double(weights[Int(trie.suffixes[child])])
            }
            let below = level == 1 ? unigrams : totals[Int(trie.suffixes[node])]
            let unseenBelow = max(0, below - seenBelow)
            let backoff = unseenBelow > 0 ? exp(Double(trie.logBackoffs[node]) * exponent) : 0
            totals[node] = seen + backoff * unseenBelow
          }
        }
      }
    }
  }
}

/// Calls `body` with pieces of `range`, on all cores.
func forEachPiece(of range: Range<Int>, _ body: @Sendable (Range<Int>) -> Void) {
  let pieces = 64
  Threads.perform(pieces) { piece in
    let first = range.lowerBound + range.count * piece / pieces
    body(first..<range.lowerBound + range.count * (piece + 1) / pieces)
  }
}

/// ln Z(h) of every context of a model, made once for all its copies when it is first asked for.
final class LazyContextTotals: Sendable {
  /// Logarithms of sums of probabilities.
  struct Value: Sendable {
    /// Of each node that can be a context.
    let logContexts: [Float]
    /// Of the context without words.
    let logUnigrams: Float
  }

  private let value = Mutex<Value?>(nil)

  /// The sums of `trie`, always the same.
  func value(for trie: NGramTrie) -> Value {
    value.withLock { value in
      if let value { return value }
      let totals = ContextTotals(trie, weights: trie.logProbabilities.map { expf($0) }, exponent: 1)
      let made = Value(
        logContexts: totals.contexts.map { Float(log($0)) }, logUnigrams: Float(log(totals.unigrams)))
      value = made
      return made
    }
  }
}
