import Glibc
import LanguageModels
import Threads

/// Entropy pruning (Stolcke 1998): takes out the n-grams that the distribution misses least.
///
/// Without the n-gram hw, its probability comes from b′(h) p(w | h′), where the back-off weight b′(h) makes h sum to one again. That
/// changes the model by
///
///     D = −p(h) { p(w | h) [ln p(w | h′) + ln b′(h) − ln p(w | h)] + (1 − Σ_seen p(v | h)) [ln b′(h) − ln b(h)] }
///
/// nats per word, which raises the perplexity by the factor e^D. p(h) is the model's own: the product of the probabilities of its
/// words, with that of `</s>` for `<s>`. After Kneser–Ney smoothing, whose lower orders are not made to predict on their own, p(h) and
/// so the choice is less good than after others (Chelba et al. 2010).
struct EntropyPruning: Sendable {
  let trie: NGramTrie

  /// The mass that a context keeps for words that do not follow, and its share of the lower order's.
  private struct Rest {
    /// 1 − Σ p(w | h) over the words that follow h.
    var mass: Double
    /// 1 − Σ p(w | h′) over the same words.
    var below: Double
  }

  /// The trie without the n-grams that raise the perplexity by a factor below 1 + `threshold`.
  func pruned(threshold: Double) -> NGramTrie {
    let costs = costs()
    let words = trie.levelStarts[1]
    return keeping(costs.indices.map { $0 < words || Double(costs[$0]) >= threshold })
  }

  /// The trie with the `count` n-grams, words included, that cost most to do without; all words always stay.
  func pruned(to count: Int) -> NGramTrie {
    let costs = costs()
    let words = trie.levelStarts[1]
    // Costs are not negative, so their bits are in their order. Of equals, the shorter n-gram comes first, and stays.
    var ranks = (words..<costs.count).map {
      UInt64(costs[$0].bitPattern) << 32 | UInt64(UInt32.max - UInt32($0))
    }
    ranks.sort(by: >)
    var isKept = [Bool](repeating: false, count: costs.count)
    for word in 0..<words { isKept[word] = true }
    for rank in ranks.prefix(max(0, count - words)) {
      isKept[Int(UInt32.max - UInt32(truncatingIfNeeded: rank))] = true
    }
    return keeping(isKept)
  }

  // MARK: What n-grams are worth

  /// e^D − 1 for each node; for one that other n-grams need, as their context or suffix, at least what they cost.
  func costs() -> [Float] {
    var costs = [Float](repeating: 0, count: trie.words.count)
    guard trie.order > 1 else { return costs }
    let contexts = logProbabilitiesOfContexts()
    costs.withUnsafeMutableBufferPointer { costs in
      nonisolated(unsafe) let costs = costs
      let pieces = 64
      Threads.perform(pieces) { piece in
        for h in trie.innerCount * piece / pieces..<trie.innerCount * (piece + 1) / pieces {
          let children = trie.children(of: h)
          if children.isEmpty { continue }
          let rest = rest(of: h)
          let backoff = Double(trie.logBackoffs[h])
          for child in children {
            let (p, q) = probabilities(child)
            let newBackoff = log((rest.mass + p) / (rest.below + q))
            var change = p > 0 ? p * (log(q) + newBackoff - log(p)) : 0
            if rest.mass > 0 { change += rest.mass * (newBackoff - backoff) }
            costs[child] = cost(of: change, inContext: contexts[h])
          }
        }
      }
    }
    for level in stride(from: trie.order - 1, to: 0, by: -1) {
      for h in trie.levelStarts[level - 1]..<trie.levelStarts[level] {
        for child in trie.children(of: h) {
          costs[h] = max(costs[h], costs[child])
          if level > 1 {
            let suffix = Int(trie.suffixes[child])
            costs[suffix] = max(costs[suffix], costs[child])
          }
        }
      }
    }
    return costs
  }

  /// e^D − 1 for −D / p(h), and ln p(h).
  private func cost(of change: Double, inContext logProbability: Double) -> Float {
    // In models of other programs, what follows a context can be all there is, but not by the shorter one: nothing else has its probability.
    if change.isNaN { return .infinity }
    let probability = exp(logProbability)
    // Rounding alone can make a change positive; and no zero may be negative, which would sort as the largest.
    return change < 0 && probability > 0 ? Float(expm1(-probability * change)) : 0
  }

  /// ln p(h) of all nodes that can be contexts.
  func logProbabilitiesOfContexts() -> [Double] {
    guard trie.order > 1 else { return [] }
    var logs = [Double](repeating: 0, count: trie.innerCount)
    for word in 0..<trie.vocabularySize { logs[word] = Double(trie.logProbabilities[word]) }
    logs[trie.vocabularySize] = logs[Int(Vocabulary.endOfSentence)]
    for node in 0..<trie.innerCount {
      for child in trie.children(of: node) where child < trie.innerCount {
        logs[child] = logs[node] + Double(trie.logProbabilities[child])
      }
    }
    return logs
  }

  /// p(w | h) and p(w | h′) of the n-gram hw.
  private func probabilities(_ node: Int) -> (Double, Double) {
    (
      exp(Double(trie.logProbabilities[node])),
      exp(Double(trie.logProbabilities[Int(trie.suffixes[node])]))
    )
  }

  private func rest(of h: Int) -> Rest {
    var seenBelow = 0.0
    for child in trie.children(of: h) { seenBelow += probabilities(child).1 }
    let below = max(0, 1 - seenBelow)
    return Rest(mass: exp(Double(trie.logBackoffs[h])) * below, below: below)
  }

  // MARK: Taking them out

  /// The trie of the nodes that are kept, with back-off weights that make every context sum to one again.
  private func keeping(_ isKept: [Bool]) -> NGramTrie {
    var backoffs = trie.logBackoffs
    for h in 0..<trie.innerCount {
      let children = trie.children(of: h)
      let left = children.reduce(0) { $0 + (isKept[$1] ? 1 : 0) }
      if left == children.count { continue }
      if left == 0 {
        backoffs[h] = 0
        continue
      }
      var rest = rest(of: h)
      for child in children where !isKept[child] {
        let (p, q) = probabilities(child)
        rest.mass += p
        rest.below += q
      }
      backoffs[h] = rest.below > 0 ? Float(log(rest.mass / rest.below)) : 0
    }
    return trie.with(logBackoffs: backoffs).filtered(keeping: isKept)
  }
}

extension NGramModel {
  /// The model without the n-grams that raise its perplexity, relatively, by less than `threshold` each (Stolcke 1998).
  public func pruned(threshold: Double) -> NGramModel {
    replacing(
      EntropyPruning(trie: trie).pruned(threshold: threshold), record: "prune_entropy", .number(threshold))
  }

  /// The model cut to its `count` most valuable n-grams (Stolcke 1998), words included; all words stay.
  public func pruned(to count: Int) -> NGramModel {
    replacing(EntropyPruning(trie: trie).pruned(to: count), record: "prune_to", .integer(count))
  }
}
