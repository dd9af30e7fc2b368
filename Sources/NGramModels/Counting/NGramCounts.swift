import Dispatch
import LanguageModels

/// All n-grams of a text up to an order, with their counts, as a trie in flat arrays.
///
/// Level k holds the distinct k-grams, sorted by context (the first k − 1 words) and then by last word; an n-gram is known by its
/// index in its level. The beginning of a sentence, `<s>`, is word V, one past the vocabulary: it is a context, never
/// predicted. N-grams that begin with `<s>` are therefore the last of their level.
public struct NGramCounts: Sendable {
  /// The k-grams of one k.
  public struct Level: Sendable {
    /// The last word of each n-gram.
    public internal(set) var words: [UInt32]
    /// The index in the level below of each n-gram without its first word.
    public internal(set) var suffixes: [UInt32]
    /// How often each n-gram occurs.
    public internal(set) var counts: [UInt32]
    /// The n-grams with context c, an index in the level below, are `starts[c]..<starts[c + 1]`.
    public internal(set) var starts: [UInt32]
    /// The first of the n-grams that begin with `<s>`.
    public internal(set) var firstAtSentenceStart: Int

    /// How many n-grams there are.
    public var count: Int { words.count }
  }

  /// V, the number of words without `<s>`.
  public let vocabularySize: Int
  /// Level k at index k − 1.
  public private(set) var levels: [Level]

  /// The order of the longest n-grams.
  public var order: Int { levels.count }

  /// Counts the n-grams of `tokens`, in which every sentence ends with the end of sentence, up to `order` or to the length of
  /// the longest sentence with its beginning and end, whichever is less.
  ///
  /// With `context` `.sentence`, every sentence begins with `<s>`, and no n-gram reaches across it; with `.stream`, only the
  /// text does.
  public init(
    tokens: [TokenID], vocabularySize: Int, order: Int, context: ContextMode = .sentence,
    progress: (Int) -> Void = { _ in }
  ) {
    self.init(
      PaddedText(tokens: tokens, vocabularySize: vocabularySize, context: context), order: order,
      progress: progress)
  }

  /// Counts the n-grams of `text`.
  ///
  /// Every position of the text begins one n-gram of the highest order, or a shorter one where its sentence ends. These are
  /// sorted on all cores; in that order, every n-gram of every order is a run of neighbours. Memory: 22 bytes a token, and
  /// 16 bytes a distinct n-gram.
  init(_ text: PaddedText, order: Int, progress: (Int) -> Void = { _ in }) {
    vocabularySize = text.vocabularySize
    levels = [Self.unigrams(text)]
    guard order > 1, !text.words.isEmpty else { return }
    progress(1)
    let sorted = SortedPositions(text, order: order)
    // For each position of the text, the number of the n-gram of the level below that begins there.
    var numbers = text.words
    var next = text.isWeighted ? [] : [UInt32](repeating: 0, count: numbers.count)
    for k in 2...order {
      progress(k)
      guard let level = Self.level(k, below: levels[k - 2], text, sorted, numbers: numbers, next: &next)
      else {
        return
      }
      levels.append(level)
      swap(&numbers, &next)
    }
  }

  private static func unigrams(_ text: PaddedText) -> Level {
    var counts = [UInt32](repeating: 0, count: text.vocabularySize + 1)
    if let starts = text.starts {
      for start in starts { counts[Int(text.words[Int(start)])] += text.words[Int(start) - 1] }
    } else {
      for word in text.words { counts[Int(word)] += 1 }
    }
    return Level(
      words: Array(0...UInt32(text.vocabularySize)), suffixes: [], counts: counts,
      starts: [0, UInt32(text.vocabularySize + 1)], firstAtSentenceStart: text.vocabularySize)
  }

  /// Level k; `nil` if it would be empty.
  ///
  /// - Parameter next: overwritten with the number of the k-gram that begins at each position of the text.
  private static func level(
    _ k: Int, below: Level, _ text: PaddedText, _ sorted: SortedPositions, numbers: [UInt32],
    next: inout [UInt32]
  ) -> Level? {
    var begins = [0]
    for piece in sorted.pieces { begins.append(begins[begins.count - 1] + piece.newNGrams[k - 1]) }
    let total = begins[begins.count - 1]
    guard total > 0 else { return nil }
    var belowBegins = [0]
    for piece in sorted.pieces {
      belowBegins.append(belowBegins[belowBegins.count - 1] + piece.newNGrams[k - 2])
    }

    var words = [UInt32](repeating: 0, count: total)
    var suffixes = words
    var counts = words
    var starts = [UInt32](repeating: UInt32(total), count: below.count + 1)
    words.withUnsafeMutableBufferPointer { words in
      suffixes.withUnsafeMutableBufferPointer { suffixes in
        counts.withUnsafeMutableBufferPointer { counts in
          starts.withUnsafeMutableBufferPointer { starts in
            next.withUnsafeMutableBufferPointer { next in
              nonisolated(unsafe) let run = LevelFiller(
                k: k, words: words, suffixes: suffixes, counts: counts, starts: starts, next: next)
              let (begins, belowBegins) = (begins, belowBegins)
              DispatchQueue.concurrentPerform(iterations: sorted.pieces.count) { i in
                run.fill(
                  from: sorted.pieces[i], of: sorted, text, numbers: numbers, first: begins[i],
                  firstBelow: belowBegins[i])
              }
            }
          }
        }
      }
    }
    return Level(
      words: words, suffixes: suffixes, counts: counts, starts: starts,
      firstAtSentenceStart: Int(starts[below.firstAtSentenceStart]))
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
      var suffixes = levels[k].suffixes
      var isPreceded = [Bool](repeating: false, count: levels[k - 1].count)
      for context in 0..<levels[k - 1].count {
        // The children of a context are a subset of the children of its suffix.
        var candidates = k == 1 ? 0..<0 : levels[k - 1].children(of: Int(levels[k - 1].suffixes[context]))
        for child in levels[k].children(of: context) {
          let word = levels[k].words[child]
          if k == 1 {
            suffixes[child] = word
          } else {
            guard let found = levels[k - 1].find(word, in: candidates) else {
              throw Inconsistency.noSuffix(path(to: child, level: k))
            }
            suffixes[child] = UInt32(found)
            candidates = found + 1..<candidates.upperBound
          }
          isPreceded[Int(suffixes[child])] = true
        }
      }
      levels[k].suffixes = suffixes
      let below = levels[k - 1]
      if let orphan = (0..<below.firstAtSentenceStart).first(where: {
        !isPreceded[$0] && below.counts[$0] > 0
      }) {
        throw Inconsistency.nothingBefore(path(to: orphan, level: k - 1))
      }
    }
  }

  /// The words of n-gram `index` of the level at `k`.
  private func path(to index: Int, level k: Int) -> [UInt32] {
    var words: [UInt32] = []
    var index = index
    for j in stride(from: k, through: 0, by: -1) {
      words.append(levels[j].words[index])
      guard j > 0 else { break }
      var (low, high) = (0, levels[j - 1].count)
      while low < high {
        let middle = (low + high) / 2
        if Int(levels[j].starts[middle]) <= index { low = middle + 1 } else { high = middle }
      }
      index = low - 1
    }
    return words.reversed()
  }
}

extension NGramCounts.Level {
  /// The n-grams with context `c`.
  @inline(__always)
  func children(of c: Int) -> Range<Int> { Int(starts[c])..<Int(starts[c + 1]) }

  /// The n-gram that ends with `word` in `range`, all of one context.
  func find(_ word: UInt32, in range: Range<Int>) -> Int? {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if words[middle] < word { low = middle + 1 } else { high = middle }
    }
    return low < range.upperBound && words[low] == word ? low : nil
  }
}

/// Fills the arrays of one level from the sorted positions, piece by piece.
private struct LevelFiller {
  let k: Int
  let words: UnsafeMutableBufferPointer<UInt32>
  let suffixes: UnsafeMutableBufferPointer<UInt32>
  let counts: UnsafeMutableBufferPointer<UInt32>
  let starts: UnsafeMutableBufferPointer<UInt32>
  let next: UnsafeMutableBufferPointer<UInt32>

  /// - Parameters:
  ///   - first: the number of the piece's first k-gram.
  ///   - firstBelow: the number of its first (k − 1)-gram.
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
                        starts[context] = UInt32(node + 1)
                      }
                    }
                  } else if equal < k - 1, length >= k - 1 {
                    context += 1
                    starts[context] = UInt32(node + 1)
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
                  starts[word] = UInt32(node + 1)
                }
              }
            }
          }
        }
      }
    }
  }
}
