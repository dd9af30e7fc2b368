import LanguageModels
import Threads

/// All n-grams of a text up to an order, with their counts, as a trie in flat arrays, numbered as in `NGramTrie`.
///
/// Node numbers run through all levels; level k holds the distinct k-grams, sorted by context (the first k − 1 words) and then by last
/// word. The beginning of a sentence, `<s>`, is word V, one past the vocabulary: it is a context, never predicted. N-grams that begin with
/// `<s>` are therefore the last of their level.
public struct NGramCounts: Sendable {
  /// V, the number of words without `<s>`.
  public let vocabularySize: Int
  /// Level k is the nodes `levelStarts[k - 1]..<levelStarts[k]`.
  public private(set) var levelStarts: [Int]
  /// The last word of each n-gram.
  public private(set) var words: [UInt32]
  /// The node of each n-gram without its first word; 0 and without meaning for unigrams.
  public private(set) var suffixes: [UInt32]
  /// How often each n-gram occurs.
  public private(set) var counts: [UInt32]
  /// The n-grams with the context of node i are `firstChildren[i]..<firstChildren[i + 1]`; none are kept for the highest level.
  public private(set) var firstChildren: [UInt32]
  /// Of each level, the first of the n-grams that begin with `<s>`.
  public private(set) var firstAtSentenceStart: [Int]

  /// The order of the longest n-grams.
  public var order: Int { levelStarts.count - 1 }

  /// The nodes of level k.
  public func nodes(level k: Int) -> Range<Int> { levelStarts[k - 1]..<levelStarts[k] }

  /// The n-grams with the context of `node`, which must not be of the highest level.
  @inline(__always)
  public func children(of node: Int) -> Range<Int> { Int(firstChildren[node])..<Int(firstChildren[node + 1]) }

  /// Counts the n-grams of `tokens`, in which every sentence ends with the end of sentence, up to `order` or to the length of
  /// the longest sentence with its beginning and end, whichever is less.
  ///
  /// With `context` `.sentence`, every sentence begins with `<s>`, and no n-gram reaches across it; with `.stream`, only the
  /// text does.
  public init(
    tokens: [TokenID], vocabularySize: Int, order: Int, context: ContextMode = .sentence,
    progress: (Int) -> Void = { _ in }
  ) throws {
    try self.init(
      PaddedText(tokens: tokens, vocabularySize: vocabularySize, context: context), order: order,
      progress: progress)
  }

  /// Counts that were made elsewhere.
  init(
    vocabularySize: Int, levelStarts: [Int], words: [UInt32], suffixes: [UInt32], counts: [UInt32],
    firstChildren: [UInt32], firstAtSentenceStart: [Int]
  ) {
    self.vocabularySize = vocabularySize
    self.levelStarts = levelStarts
    self.words = words
    self.suffixes = suffixes
    self.counts = counts
    self.firstChildren = firstChildren
    self.firstAtSentenceStart = firstAtSentenceStart
  }

  /// Counts the n-grams of `text`.
  ///
  /// Every position of the text begins one n-gram of the highest order, or a shorter one where its sentence ends. These are
  /// sorted on all cores; in that order, every n-gram of every order is a run of neighbours. Memory: 22 bytes a token, and
  /// 16 bytes a distinct n-gram.
  ///
  /// - Throws: `FileError` when there are more words or n-grams than can be numbered.
  init(_ text: PaddedText, order: Int, progress: (Int) -> Void = { _ in }) throws {
    vocabularySize = text.vocabularySize
    guard text.words.count < UInt32.max else { throw Self.tooMany(text.words.count, "words") }
    let sorted = order > 1 && !text.words.isEmpty ? SortedPositions(text, order: order) : nil
    levelStarts = [0, vocabularySize + 1]
    for k in 1..<order {
      let count = sorted?.pieces.reduce(0) { $0 + $1.newNGrams[k] } ?? 0
      if count == 0 { break }
      levelStarts.append(levelStarts[k] + count)
    }
    guard levelStarts[levelStarts.count - 1] < UInt32.max else {
      throw Self.tooMany(levelStarts[levelStarts.count - 1], "different n-grams")
    }
    (words, suffixes, firstChildren) = ([], [], [])
    (counts, firstAtSentenceStart) = ([], [vocabularySize])
    let (total, inner) = (levelStarts[levelStarts.count - 1], levelStarts[levelStarts.count - 2])
    words = Self.unwritten(total)
    suffixes = Self.unwritten(total)
    counts = Self.unwritten(total)
    firstChildren = Self.unwritten(inner + 1)
    firstChildren[inner] = UInt32(total)
    fillUnigrams(text)
    guard let sorted else { return }
    // For each position of the text, the node of the n-gram of the level below that begins there.
    var numbers = text.words
    var next: [UInt32] = text.isWeighted ? [] : Self.unwritten(numbers.count)
    for k in 2..<max(2, self.order + 1) {
      progress(k)
      fill(level: k, text, sorted, numbers: numbers, next: &next)
      swap(&numbers, &next)
      firstAtSentenceStart.append(Int(firstChildren[firstAtSentenceStart[k - 2]]))
    }
  }

  private static func tooMany(_ count: Int, _ what: String) -> FileError {
    FileError(
      path: "the text",
      reason: "has \(count) \(what), and lmctl can number 4,294,967,294; lower --order, or give it less text")
  }

  /// Bytes that counting a text and estimating a model from the counts take at most, if no n-gram occurs twice; the text's own
  /// numbers are among them.
  public static func memoryBound(tokens: Int, vocabularySize: Int, order: Int) -> Int {
    let nodes = vocabularySize + (order - 1) * tokens
    let inner = order == 1 ? 0 : nodes - tokens
    return 22 * tokens + 20 * nodes + 8 * inner
  }

  /// Bytes that counting a text in memory takes at least, next to the text's own numbers.
  public static func memoryFloor(tokens: Int, vocabularySize: Int, order: Int) -> Int {
    (order > 1 ? 14 : 4) * tokens + 20 * vocabularySize
  }

  /// An array that is filled later, and takes no memory before.
  private static func unwritten(_ count: Int) -> [UInt32] {
    [UInt32](unsafeUninitializedCapacity: count) { $1 = count }
  }

  private mutating func fillUnigrams(_ text: PaddedText) {
    for word in 0...vocabularySize { (words[word], suffixes[word], counts[word]) = (UInt32(word), 0, 0) }
    if let starts = text.starts {
      for start in starts { counts[Int(text.words[Int(start)])] += text.words[Int(start) - 1] }
    } else {
      for word in text.words { counts[Int(word)] += 1 }
    }
  }

  /// Fills in level k.
  ///
  /// - Parameter next: overwritten with the node of the k-gram that begins at each position of the text.
  private mutating func fill(
    level k: Int, _ text: PaddedText, _ sorted: SortedPositions, numbers: [UInt32], next: inout [UInt32]
  ) {
    var (first, firstBelow) = ([levelStarts[k - 1]], [levelStarts[k - 2]])
    for (i, piece) in sorted.pieces.enumerated() {
      first.append(first[i] + piece.newNGrams[k - 1])
      firstBelow.append(firstBelow[i] + piece.newNGrams[k - 2])
    }
    words.withUnsafeMutableBufferPointer { words in
      suffixes.withUnsafeMutableBufferPointer { suffixes in
        counts.withUnsafeMutableBufferPointer { counts in
          firstChildren.withUnsafeMutableBufferPointer { firstChildren in
            next.withUnsafeMutableBufferPointer { next in
              nonisolated(unsafe) let run = LevelFiller(
                k: k, words: words, suffixes: suffixes, counts: counts, firstChildren: firstChildren,
                next: next)
              let (first, firstBelow) = (first, firstBelow)
              Threads.perform(sorted.pieces.count) { i in
                run.fill(
                  from: sorted.pieces[i], of: sorted, text, numbers: numbers, first: first[i],
                  firstBelow: firstBelow[i])
              }
            }
          }
        }
      }
    }
  }

  /// Why counts cannot be those of a text.
  enum Inconsistency: Error {
    /// The suffix of this n-gram is missing.
    case noSuffix([UInt32])
    /// Nothing stands before this n-gram, not even the beginning of a sentence.
    case nothingBefore([UInt32])
  }

  /// Finds the suffixes where n-grams were weighted, so that the text cannot tell them.
  ///
  /// - Throws: `Inconsistency`.
  mutating func linkSuffixes() throws {
    for k in 1..<max(1, order) {
      let below = nodes(level: k)
      var isPreceded = [Bool](repeating: false, count: below.count)
      for context in below {
        // The children of a context are a subset of the children of its suffix.
        var candidates = k == 1 ? 0..<0 : children(of: Int(suffixes[context]))
        for child in children(of: context) {
          let word = words[child]
          if k == 1 {
            suffixes[child] = word
          } else {
            guard let found = find(word, in: candidates) else {
              throw Inconsistency.noSuffix(ngram(of: child))
            }
            suffixes[child] = UInt32(found)
            candidates = found + 1..<candidates.upperBound
          }
          isPreceded[Int(suffixes[child]) - below.lowerBound] = true
        }
      }
      if let orphan = (below.lowerBound..<firstAtSentenceStart[k - 1]).first(where: {
        !isPreceded[$0 - below.lowerBound] && counts[$0] > 0
      }) {
        throw Inconsistency.nothingBefore(ngram(of: orphan))
      }
    }
  }

  /// The words of `node`.
  private func ngram(of node: Int) -> [UInt32] {
    var node = node
    var result = [words[node]]
    while node > vocabularySize {
      // The context is the last node whose children begin at or before this one.
      node = (0..<firstChildren.count - 1).partitionPoint { Int(firstChildren[$0]) <= node } - 1
      result.append(words[node])
    }
    return result.reversed()
  }

  /// The n-gram that ends with `word` in `range`, all of one context.
  func find(_ word: UInt32, in range: Range<Int>) -> Int? {
    let place = range.partitionPoint { words[$0] < word }
    return place < range.upperBound && words[place] == word ? place : nil
  }
}

/// Fills the arrays of one level from the sorted positions, piece by piece.
private struct LevelFiller {
  let k: Int
  let words: UnsafeMutableBufferPointer<UInt32>
  let suffixes: UnsafeMutableBufferPointer<UInt32>
  let counts: UnsafeMutableBufferPointer<UInt32>
  let firstChildren: UnsafeMutableBufferPointer<UInt32>
  let next: UnsafeMutableBufferPointer<UInt32>

  /// - Parameters:
  ///   - first: the node of the piece's first k-gram.
  ///   - firstBelow: the node of its first (k − 1)-gram.
  func fill(
    from piece: SortedPositions.Piece, of sorted: SortedPositions, _ text: PaddedText, numbers: [UInt32],
    first: Int, firstBelow: Int
  ) {
    sorted.positions.withUnsafeBufferPointer { positions in
      sorted.shared.withUnsafeBufferPointer { shared in
        sorted.lengths.withUnsafeBufferPointer { lengths in
          text.words.withUnsafeBufferPointer { source in
            numbers.withUnsafeBufferPointer { numbers in
              var node = first - 1
              var context = k == 2 ? piece.words.lowerBound - 1 : firstBelow - 1
              var total: UInt32 = 0
              for i in piece.positions {
                let (equal, length) = (Int(shared[i]), Int(lengths[i]))
                let position = Int(positions[i])
                if equal < k {
                  if k == 2 {
                    if equal == 0 {
                      while context < Int(source[position]) {
                        context += 1
                        firstChildren[context] = UInt32(node + 1)
                      }
                    }
                  } else if equal < k - 1, length >= k - 1 {
                    context += 1
                    firstChildren[context] = UInt32(node + 1)
                  }
                }
                guard length >= k else { continue }
                if equal < k {
                  if node >= first { counts[node] = total }
                  total = 0
                  node += 1
                  words[node] = source[position + k - 1]
                  if !text.isWeighted { suffixes[node] = numbers[position + 1] }
                }
                if text.isWeighted {
                  total &+= source[position - 1]
                } else {
                  total &+= 1
                  next[position] = UInt32(node)
                }
              }
              if node >= first { counts[node] = total }
              if k == 2 {
                for word in context + 1..<max(context + 1, piece.words.upperBound) {
                  firstChildren[word] = UInt32(node + 1)
                }
              }
            }
          }
        }
      }
    }
  }
}
