import LanguageModels

extension NGramTrie {
  /// The same n-grams with other numbers.
  func with(logProbabilities: [Float]? = nil, logBackoffs: [Float]? = nil) -> NGramTrie {
    NGramTrie(
      levelStarts: levelStarts, words: words, suffixes: suffixes, firstChildren: firstChildren,
      logProbabilities: logProbabilities ?? self.logProbabilities,
      logBackoffs: logBackoffs ?? self.logBackoffs)
  }

  /// The trie of the nodes for which `isKept` is true, which must include all unigrams and, with an n-gram, its context and its
  /// suffix. Numbers stay as they are; highest orders of which nothing is left go.
  func filtered(keeping isKept: [Bool]) -> NGramTrie {
    // How many nodes are kept before each one: its new number, if it is kept itself.
    var kept: UInt32 = 0
    var numbers = [UInt32](repeating: 0, count: isKept.count + 1)
    for node in isKept.indices {
      numbers[node] = kept
      if isKept[node] { kept += 1 }
    }
    numbers[isKept.count] = kept
    var starts = levelStarts.map { Int(numbers[$0]) }
    while starts[starts.count - 1] == starts[starts.count - 2] { starts.removeLast() }
    let inner = starts[starts.count - 2]

    func filter<Element>(_ values: [Element]) -> [Element] {
      values.indices.compactMap { isKept[$0] ? values[$0] : nil }
    }
    let firstChildren = (0..<innerCount).compactMap { node in
      isKept[node] ? numbers[Int(self.firstChildren[node])] : nil
    }
    return NGramTrie(
      levelStarts: starts,
      words: filter(words),
      suffixes: suffixes.indices.compactMap { node in
        isKept[node] ? (node < levelStarts[1] ? 0 : numbers[Int(suffixes[node])]) : nil
      },
      firstChildren: firstChildren.prefix(inner) + [kept],
      logProbabilities: filter(logProbabilities),
      logBackoffs: Array(filter(logBackoffs).prefix(inner)))
  }
}
