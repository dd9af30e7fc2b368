import Glibc

/// Rounds the numbers of a trie, to so many values for each order from 2, such that contexts sum to one as nearly as these allow.
///
/// From the shortest contexts to the longest: first the probabilities of the words that follow; then, given these and what the shorter
/// contexts have become, the back-off weights, and the probabilities once more with them; see `ContextFit`. The weights of single words
/// are not rounded, so they make the sum one.
struct TrieQuantizer: Sendable {
  private let trie: NGramTrie
  /// Values for each order.
  private let binCount: Int
  /// What the rounding of a context counts for: p(h)^0.6. Less than p(h), because a context is also used in place of longer ones.
  private let importance: [Double]

  /// A quantizer of `trie` to `binCount` values, at least 2 and at most 256.
  init(_ trie: NGramTrie, binCount: Int) {
    self.trie = trie
    self.binCount = binCount
    importance = EntropyPruning(trie: trie).logProbabilitiesOfContexts().map { exp(0.6 * $0) }
  }

  /// The numbers so far: rounded below the level that is being rounded.
  private struct Numbers {
    var logProbabilities: [Float]
    var logBackoffs: [Float]
    /// Σ_w p(w | h) of each context.
    var totals: [Double]
  }

  /// The trie with rounded numbers.
  func quantized() -> NGramTrie {
    var numbers = Numbers(
      logProbabilities: trie.logProbabilities, logBackoffs: trie.logBackoffs,
      totals: [Double](repeating: 0, count: trie.innerCount))
    for level in 1..<max(1, trie.order) { round(level, &numbers) }
    return trie.with(logProbabilities: numbers.logProbabilities, logBackoffs: numbers.logBackoffs)
  }

  /// Rounds the probabilities of the words that follow the contexts of `level`, and the back-off weights of these.
  private func round(_ level: Int, _ numbers: inout Numbers) {
    let contexts = trie.levelStarts[level - 1]..<trie.levelStarts[level]
    let nodes = trie.levelStarts[level]..<trie.levelStarts[level + 1]
    let masses = inContexts(contexts) { h in max(0, 1 - sum(trie.logProbabilities, trie.children(of: h))) }
    let table = QuantizationTable(probabilityBins(contexts, masses))
    let below = restsBelow(level, numbers)
    var codes = [UInt8](repeating: 0, count: nodes.count)
    codes.withUnsafeMutableBufferPointer { codes in
      nonisolated(unsafe) let codes = codes
      let fit: @Sendable (Int) -> ContextFit = { h in
        let children = trie.children(of: h)
        return ContextFit(
          values: trie.logProbabilities[children],
          codes: UnsafeMutableBufferPointer(
            rebasing: codes[children.lowerBound - nodes.lowerBound..<children.upperBound - nodes.lowerBound]),
          table: table, mass: masses[h - contexts.lowerBound], below: below[h - contexts.lowerBound])
      }
      numbers.logBackoffs.withUnsafeMutableBufferPointer { backoffs in
        nonisolated(unsafe) let backoffs = backoffs
        forEachPiece(of: contexts) { piece in
          for h in piece where !trie.children(of: h).isEmpty {
            var fit = fit(h)
            fit.chooseNearest()
            fit.balance()
            if backoffs[h] > -.infinity, let ideal = fit.idealBackoff { backoffs[h] = ideal }
          }
        }
        if level == 1 { return }
        let backoffTable = QuantizationTable(backoffBins(contexts, backoffs, masses))
        forEachPiece(of: contexts) { piece in
          for h in piece {
            if !trie.children(of: h).isEmpty, backoffs[h] > -.infinity, var fit = .some(fit(h)), fit.isOpen {
              backoffs[h] = fit.balance(with: backoffs[h], backoffTable)
            } else {
              backoffs[h] = backoffTable.bins.nearest(to: backoffs[h])
            }
          }
        }
      }
    }
    for (node, code) in zip(nodes, codes) { numbers.logProbabilities[node] = table.bins.centers[Int(code)] }
    setTotals(contexts, below, &numbers)
  }

  // MARK: Sums

  /// Σ p of some nodes.
  private func sum(_ logProbabilities: [Float], _ nodes: Range<Int>) -> Double {
    nodes.reduce(0.0) { $0 + exp(Double(logProbabilities[$1])) }
  }

  /// Z(h′) − Σ p̂(w | h′) over the words that follow h, for each context h of `level`.
  private func restsBelow(_ level: Int, _ numbers: Numbers) -> [Double] {
    let unigrams = sum(trie.logProbabilities, 0..<trie.vocabularySize)
    return inContexts(trie.levelStarts[level - 1]..<trie.levelStarts[level]) { h in
      let total = level == 1 ? unigrams : numbers.totals[Int(trie.suffixes[h])]
      let seen = trie.children(of: h).reduce(0.0) {
        $0 + exp(Double(numbers.logProbabilities[Int(trie.suffixes[$1])]))
      }
      return max(0, total - seen)
    }
  }

  /// Z(h) of the contexts of a level whose numbers are rounded.
  private func setTotals(_ contexts: Range<Int>, _ below: [Double], _ numbers: inout Numbers) {
    let totals = inContexts(contexts) { [numbers] h in
      let rest = below[h - contexts.lowerBound]
      let unseen = rest > 0 ? exp(Double(numbers.logBackoffs[h])) * rest : 0
      return sum(numbers.logProbabilities, trie.children(of: h)) + unseen
    }
    numbers.totals.replaceSubrange(contexts, with: totals)
  }

  /// A number for each context, on all cores.
  private func inContexts(_ contexts: Range<Int>, _ value: @Sendable (Int) -> Double) -> [Double] {
    [Double](unsafeUninitializedCapacity: contexts.count) { values, initialized in
      nonisolated(unsafe) let values = values
      forEachPiece(of: contexts) { piece in
        for h in piece { values[h - contexts.lowerBound] = value(h) }
      }
      initialized = contexts.count
    }
  }

  // MARK: Bins

  /// Bins for the words that follow `contexts`: finest where probabilities are used most, and where an error in them changes most what is
  /// left for other words.
  private func probabilityBins(_ contexts: Range<Int>, _ masses: [Double]) -> QuantizationBins {
    var items: [QuantizationBins.Item] = []
    for h in contexts {
      let mass = max(masses[h - contexts.lowerBound], 0.05)
      for child in trie.children(of: h) {
        let p = exp(Double(trie.logProbabilities[child]))
        let weight = importance[h] * (p * (1 + p / mass)).squareRoot()
        items.append(QuantizationBins.Item(trie.logProbabilities[child], weight))
      }
    }
    return QuantizationBins(items, count: binCount)
  }

  /// Bins for the back-off weights of `contexts`: finest where they are used most.
  private func backoffBins(
    _ contexts: Range<Int>, _ backoffs: UnsafeMutableBufferPointer<Float>, _ masses: [Double]
  ) -> QuantizationBins {
    let items = contexts.map { h in
      let mass = trie.children(of: h).isEmpty ? 0 : masses[h - contexts.lowerBound]
      return QuantizationBins.Item(backoffs[h], importance[h] * mass.squareRoot())
    }
    return QuantizationBins(items, count: binCount)
  }
}
