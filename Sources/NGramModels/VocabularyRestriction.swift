import Glibc
import LanguageModels

/// Leaves the n-grams of some words only; all other words become UNK.
///
/// The n-grams that stay keep their probabilities, and UNK gets those of the single words that go. The back-off weights make every context sum to
/// one again:
///
///     b′(h) = (1 − Σ_left p(w | h)) / (1 − Σ_left p′(w | h′))
///
/// which is what SRILM's `change-lm-vocab` does but for UNK; KenLM's `filter` leaves the weights as they are, so that its models do not sum to one.
struct VocabularyRestriction {
  let trie: NGramTrie
  /// For each word, whether it stays; UNK and the end of sentence must.
  let isKept: [Bool]

  /// The trie of the n-grams that stay, in the numbers of a vocabulary without the words that go.
  func restricted() -> NGramTrie {
    let v = trie.vocabularySize
    let removed = (0..<v).reduce(0.0) { $0 + (isKept[$1] ? 0 : exp(Double(trie.logProbabilities[$1]))) }
    var logProbabilities = trie.logProbabilities
    let unknown = Int(Vocabulary.unknown)
    logProbabilities[unknown] = min(0, Float(log(exp(Double(logProbabilities[unknown])) + removed)))
    let isNodeKept = keptNodes()
    let left = trie.with(logProbabilities: logProbabilities, logBackoffs: backoffs(isNodeKept, removed))
      .filtered(keeping: isNodeKept)
    var number: UInt32 = 0
    // <s> stands behind the last word.
    let numbers = (isKept + [true]).map { isKept in
      defer { if isKept { number += 1 } }
      return number
    }
    return NGramTrie(
      levelStarts: left.levelStarts, words: left.words.map { numbers[Int($0)] }, suffixes: left.suffixes,
      firstChildren: left.firstChildren, logProbabilities: left.logProbabilities,
      logBackoffs: left.logBackoffs)
  }

  /// Whether all words of each n-gram stay.
  private func keptNodes() -> [Bool] {
    var kept = isKept + [true] + [Bool](repeating: false, count: trie.words.count - trie.levelStarts[1])
    for node in 0..<trie.innerCount where kept[node] {
      for child in trie.children(of: node) { kept[child] = isKept[Int(trie.words[child])] }
    }
    return kept
  }

  /// The back-off weights, of which those of contexts change that lose n-grams or are followed by UNK.
  private func backoffs(_ isNodeKept: [Bool], _ removed: Double) -> [Float] {
    var backoffs = trie.logBackoffs
    for h in 0..<trie.innerCount where isNodeKept[h] {
      let children = trie.children(of: h)
      if children.isEmpty { continue }
      var (seenBelow, addedMass, addedBelow) = (0.0, 0.0, 0.0)
      var isChanged = false
      for child in children {
        let below = exp(Double(trie.logProbabilities[Int(trie.suffixes[child])]))
        seenBelow += below
        if !isNodeKept[child] {
          addedMass += exp(Double(trie.logProbabilities[child]))
          addedBelow += below
          isChanged = true
        } else if trie.words[child] == Vocabulary.unknown, Int(trie.suffixes[child]) < trie.vocabularySize {
          addedBelow -= removed
          isChanged = true
        }
      }
      if !isChanged { continue }
      let below = max(0, 1 - seenBelow)
      let mass = exp(Double(trie.logBackoffs[h])) * below + addedMass
      backoffs[h] = below + addedBelow > 0 ? Float(log(mass / (below + addedBelow))) : 0
    }
    return backoffs
  }
}

extension NGramModel {
  /// The model of those of its words that are also in `words`; all others become UNK. Its probabilities must sum to one.
  public func restricted(to words: Vocabulary) -> NGramModel {
    let isKept = (0..<TokenID(vocabulary.count)).map { id in
      id == Vocabulary.unknown || id == Vocabulary.endOfSentence
        || vocabulary.withBytes(of: id) { words.find($0) } != nil
    }
    let tokens = zip(vocabulary.tokens, isKept).filter(\.1).map(\.0)
    let trie = VocabularyRestriction(trie: trie, isKept: isKept).restricted()
    let own: Set = ["closed", Self.quantizationRecord, Self.restrictionRecord]
    let model = NGramModel(
      vocabulary: Vocabulary(unit: vocabulary.unit, tokens: tokens), context: defaultContext, trie: trie,
      smoothing: smoothing,
      record: smoothingRecord.filter { !own.contains($0.name) } + [
        .init(Self.restrictionRecord, .integer(vocabulary.count))
      ], requestedOrder: requestedOrder)
    return quantizationBits.map { model.quantized(bits: $0) } ?? model
  }

  /// The member of the configuration that says how many words the model had before it was restricted.
  private static let restrictionRecord = "restricted_from"
}
