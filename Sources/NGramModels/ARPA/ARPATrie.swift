import LanguageModels
import Threads

/// Makes a trie of the n-grams of an ARPA file, which may be in any order.
///
/// Every n-gram needs its context and its suffix in the trie. Files of pruned models may lack them: such n-grams are added, with
/// the probability that backing off gives them, which changes no score.
struct ARPATrie {
  private var contents: ARPAContents
  private let vocabularySize: Int
  private(set) var levels: [Level] = []

  /// One level, sorted by context and word; links count within the level below.
  struct Level {
    var words: [UInt32]
    var suffixes: [UInt32]
    /// The children of node c of the level below are `starts[c]..<starts[c + 1]`.
    var starts: [UInt32]
    var logProbabilities: [Float]
    var logBackoffs: [Float]
    /// How both are written: `WrittenForms`.
    var forms: [UInt8]
  }

  /// A link to an n-gram that is not there.
  private static let none = UInt32.max

  /// - Throws: `TextError` when an n-gram stands in the file twice.
  init(_ contents: ARPAContents) throws {
    self.contents = contents
    vocabularySize = contents.vocabulary.count
    while let last = self.contents.sections.indices.last, last > 0, self.contents.sections[last].count == 0,
      !hasBackoffs(order: last)
    {
      self.contents.sections.removeLast()
    }
    // Every round adds n-grams, of which there are only so many; most files need one round.
    while try !link() {}
    fillIn()
  }

  /// Whether n-grams of `order` have back-off weights, which need an order above them, though it may be empty.
  private func hasBackoffs(order: Int) -> Bool {
    contents.sections[order - 1].logBackoffs.contains { $0 != 0 }
  }

  /// Links all levels; false, after adding what they need, if n-grams were missing.
  private mutating func link() throws -> Bool {
    let unigrams = contents.sections[0]
    levels = [
      Level(
        words: unigrams.words, suffixes: [], starts: [], logProbabilities: unigrams.logProbabilities,
        logBackoffs: unigrams.logBackoffs, forms: unigrams.forms)
    ]
    var missing: [Set<[UInt32]>] = contents.sections.map { _ in [] }
    for order in 2..<max(2, contents.sections.count + 1) {
      let section = contents.sections[order - 1]
      let (contexts, suffixes) = links(of: section, order: order)
      var isWhole = true
      for i in 0..<section.count {
        let words = section.words[i * order..<(i + 1) * order]
        if contexts[i] == Self.none {
          missing[order - 2].insert(Array(words.dropLast()))
          isWhole = false
        }
        if suffixes[i] == Self.none { missing[order - 2].insert(Array(words.dropFirst())) }
      }
      // What hangs on nothing cannot be a level; those above are looked at again once it does not.
      guard isWhole, missing[order - 2].isEmpty else { break }
      levels.append(try level(section, order: order, contexts: contexts, suffixes: suffixes))
    }
    guard missing.contains(where: { !$0.isEmpty }) else { return true }
    add(missing)
    return false
  }

  /// For each n-gram of `section`, the nodes of its context and of its suffix.
  private func links(of section: ARPAContents.Section, order: Int) -> ([UInt32], [UInt32]) {
    var contexts = [UInt32](repeating: 0, count: section.count)
    var suffixes = contexts
    let pieces = 64
    contexts.withUnsafeMutableBufferPointer { contexts in
      suffixes.withUnsafeMutableBufferPointer { suffixes in
        nonisolated(unsafe) let (contexts, suffixes) = (contexts, suffixes)
        let levels = levels
        Threads.perform(pieces) { piece in
          section.words.withUnsafeBufferPointer { words in
            for i in section.count * piece / pieces..<section.count * (piece + 1) / pieces {
              contexts[i] = Self.node(of: words[i * order..<(i + 1) * order - 1], in: levels)
              suffixes[i] = Self.node(of: words[i * order + 1..<(i + 1) * order], in: levels)
            }
          }
        }
      }
    }
    return (contexts, suffixes)
  }

  /// The node, within its level, of an n-gram.
  private static func node(of words: Slice<UnsafeBufferPointer<UInt32>>, in levels: [Level]) -> UInt32 {
    var node = words[words.startIndex]
    for (k, word) in words.dropFirst().enumerated() {
      guard k + 1 < levels.count else { return none }
      let found = levels[k + 1].words.withUnsafeBufferPointer { children in
        levels[k + 1].starts.withUnsafeBufferPointer { starts in
          var (low, high) = (Int(starts[Int(node)]), Int(starts[Int(node) + 1]))
          let end = high
          while low < high {
            let middle = (low + high) / 2
            if children[middle] < word { low = middle + 1 } else { high = middle }
          }
          return low < end && children[low] == word ? UInt32(low) : none
        }
      }
      if found == none { return none }
      node = found
    }
    return node
  }

  private func level(
    _ section: ARPAContents.Section, order: Int, contexts: [UInt32], suffixes: [UInt32]
  ) throws -> Level {
    var keys = (0..<section.count).map {
      UInt64(contexts[$0]) << 32 | UInt64(section.words[($0 + 1) * order - 1])
    }
    var permutation = (0..<section.count).map { UInt32($0) }
    RadixSort.sort(&keys, &permutation)
    var starts = [UInt32](repeating: 0, count: levels[order - 2].words.count + 1)
    for (i, key) in keys.enumerated() {
      if i > 0, key == keys[i - 1] {
        let lines = [permutation[i - 1], permutation[i]].map { section.lines[Int($0)] }.sorted()
        throw TextError(
          file: contents.name, line: Int(lines[1]), reason: "the same \(order)-gram as on line \(lines[0])")
      }
      starts[Int(key >> 32) + 1] += 1
    }
    for i in 1..<starts.count { starts[i] += starts[i - 1] }
    return Level(
      words: keys.map { UInt32(truncatingIfNeeded: $0) }, suffixes: permutation.map { suffixes[Int($0)] },
      starts: starts, logProbabilities: permutation.map { section.logProbabilities[Int($0)] },
      logBackoffs: permutation.map { section.logBackoffs[Int($0)] },
      forms: permutation.map { section.forms[Int($0)] })
  }

  /// Adds n-grams to the sections, without probabilities so far, and the contexts and suffixes that they need in turn.
  private mutating func add(_ missing: [Set<[UInt32]>]) {
    for (index, ngrams) in missing.enumerated() {
      // In an order that does not depend on the hashing.
      for words in ngrams.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
        contents.sections[index].words += words
        contents.sections[index].append(
          probability: ARPANumber(natural: .nan), backoff: ARPANumber(natural: 0), line: 0)
      }
    }
  }

  /// Gives the n-grams that were added the probabilities that backing off gives them, or 1 where these are above 1.
  private mutating func fillIn() {
    for k in 1..<max(1, levels.count) {
      guard levels[k].logProbabilities.contains(where: \.isNaN) else { continue }
      for context in 0..<levels[k - 1].words.count {
        for i in Int(levels[k].starts[context])..<Int(levels[k].starts[context + 1])
        where levels[k].logProbabilities[i].isNaN {
          levels[k].logProbabilities[i] = min(
            0,
            levels[k - 1].logBackoffs[context] + levels[k - 1].logProbabilities[Int(levels[k].suffixes[i])])
        }
      }
    }
  }

  /// The trie, and how its numbers were written.
  var trie: (NGramTrie, WrittenDigits?) {
    var levelStarts = [0]
    for level in levels { levelStarts.append(levelStarts[levelStarts.count - 1] + level.words.count) }
    let order = levels.count
    var words: [UInt32] = []
    var suffixes = [UInt32](repeating: 0, count: levelStarts[1])
    var firstChildren: [UInt32] = []
    var logProbabilities: [Float] = []
    var logBackoffs: [Float] = []
    var forms: [UInt8] = []
    for (k, level) in levels.enumerated() {
      words += level.words
      logProbabilities += level.logProbabilities
      forms += level.forms
      if k + 1 < order { logBackoffs += level.logBackoffs }
      guard k > 0 else { continue }
      suffixes += level.suffixes.lazy.map { $0 + UInt32(levelStarts[k - 1]) }
      firstChildren += level.starts.dropLast().lazy.map { $0 + UInt32(levelStarts[k]) }
    }
    firstChildren.append(UInt32(levelStarts[order]))
    let trie = NGramTrie(
      levelStarts: levelStarts, words: words, suffixes: suffixes, firstChildren: firstChildren,
      logProbabilities: logProbabilities, logBackoffs: logBackoffs)
    return (trie, WrittenDigits(codes: forms))
  }
}
