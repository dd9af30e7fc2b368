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
  ///
  /// Time: two passes over the text per order, without comparisons. The positions of the text are sorted by word
  /// once; dealing them out, in that order, to the contexts before them sorts the n-grams of the next order, because an
  /// n-gram is its context's number and a word. Memory: 29 bytes a token and 12 bytes a distinct n-gram.
  public init(
    tokens: [TokenID], vocabularySize: Int, order: Int, context: ContextMode = .sentence,
    progress: (Int) -> Void = { _ in }
  ) {
    let text = PositionedText(tokens: tokens, sentenceStart: UInt32(vocabularySize), context: context)
    self.vocabularySize = vocabularySize
    levels = [Self.unigrams(text, vocabularySize)]
    guard order > 1, text.count > 0 else { return }

    let sorted = text.positionsByWord(vocabularySize)
    var contextIDs = text.words
    var ids = [UInt32](repeating: 0, count: text.count)
    for k in 2...order {
      progress(k)
      let level = Self.level(
        k, text: text, sorted: sorted, lowerIDs: contextIDs, lower: levels[k - 2], ids: &ids)
      guard level.count > 0 else { return }
      levels.append(level)
      swap(&ids, &contextIDs)
    }
  }

  private static func unigrams(_ text: PositionedText, _ vocabularySize: Int) -> Level {
    var counts = [UInt32](repeating: 0, count: vocabularySize + 1)
    for word in text.words { counts[Int(word)] += 1 }
    return Level(
      words: Array(0...UInt32(vocabularySize)), suffixes: [], counts: counts,
      starts: [0, UInt32(vocabularySize + 1)], firstAtSentenceStart: vocabularySize)
  }

  /// Level k from level k − 1.
  ///
  /// - Parameters:
  ///   - sorted: positions of the text in order of their words; upper half the word, lower half the position.
  ///   - lowerIDs: for each position, the number of the (k − 1)-gram that ends there.
  ///   - ids: overwritten with the number of the k-gram that ends at each position.
  private static func level(
    _ k: Int, text: PositionedText, sorted: [UInt64], lowerIDs: [UInt32], lower: Level, ids: inout [UInt32]
  ) -> Level {
    var starts = [UInt32](repeating: 0, count: lower.count + 1)
    let occurrences = text.depths.withUnsafeBufferPointer { depths in
      lowerIDs.withUnsafeBufferPointer { lowerIDs in
        starts.withUnsafeMutableBufferPointer { starts in
          // After this, `starts[c]` is one past the last occurrence of context c − 1.
          var total = 0
          for position in 1..<depths.count where depths[position] >= k - 1 {
            starts[Int(lowerIDs[position - 1])] += 1
            total += 1
          }
          var sum: UInt32 = 0
          for c in starts.indices { (starts[c], sum) = (sum, sum + starts[c]) }
          return total
        }
      }
    }
    let dealt = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: occurrences)
    defer { dealt.deallocate() }
    text.depths.withUnsafeBufferPointer { depths in
      lowerIDs.withUnsafeBufferPointer { lowerIDs in
        starts.withUnsafeMutableBufferPointer { starts in
          for entry in sorted {
            let position = Int(entry & 0xFFFF_FFFF)
            guard depths[position] >= k - 1 else { continue }
            let context = Int(lowerIDs[position - 1])
            dealt[Int(starts[context])] = entry
            starts[context] += 1
          }
        }
      }
    }
    return merge(dealt, ends: starts, lowerIDs: lowerIDs, lower: lower, ids: &ids)
  }

  /// Makes one n-gram of neighbours with the same context and word.
  ///
  /// - Parameter ends: for each context, where its occurrences in `dealt` end.
  private static func merge(
    _ dealt: UnsafeMutableBufferPointer<UInt64>, ends: [UInt32], lowerIDs: [UInt32], lower: Level,
    ids: inout [UInt32]
  ) -> Level {
    var words = [UInt32]()
    var suffixes = [UInt32]()
    var counts = [UInt32]()
    var starts = [UInt32](repeating: 0, count: lower.count + 1)
    var distinct = 0
    words = [UInt32](unsafeUninitializedCapacity: dealt.count) { words, initialized in
      suffixes = [UInt32](unsafeUninitializedCapacity: dealt.count) { suffixes, initializedSuffixes in
        counts = [UInt32](unsafeUninitializedCapacity: dealt.count) { counts, initializedCounts in
          lowerIDs.withUnsafeBufferPointer { lowerIDs in
            ids.withUnsafeMutableBufferPointer { ids in
              var i = 0
              for context in 0..<lower.count {
                starts[context] = UInt32(distinct)
                let end = Int(ends[context])
                var previous = UInt32.max
                while i < end {
                  let word = UInt32(dealt[i] >> 32)
                  let position = Int(dealt[i] & 0xFFFF_FFFF)
                  if word != previous {
                    words[distinct] = word
                    suffixes[distinct] = lowerIDs[position]
                    counts[distinct] = 0
                    distinct += 1
                    previous = word
                  }
                  counts[distinct - 1] += 1
                  ids[position] = UInt32(distinct - 1)
                  i += 1
                }
              }
            }
          }
          initializedCounts = distinct
        }
        initializedSuffixes = distinct
      }
      initialized = distinct
    }
    starts[lower.count] = UInt32(distinct)
    return Level(
      words: words, suffixes: suffixes, counts: counts, starts: starts,
      firstAtSentenceStart: Int(starts[lower.firstAtSentenceStart]))
  }
}

/// A text with its sentence beginnings, in which every position knows how far back its sentence reaches.
private struct PositionedText {
  /// The words, `<s>` among them.
  let words: [UInt32]
  /// How many words of the sentence, with `<s>`, stand before each position; at most 255.
  let depths: [UInt8]

  var count: Int { words.count }

  init(tokens: [TokenID], sentenceStart: UInt32, context: ContextMode) {
    var words: [UInt32] = []
    var depths: [UInt8] = []
    words.reserveCapacity(tokens.count + tokens.count / 8)
    depths.reserveCapacity(tokens.count + tokens.count / 8)
    var depth: UInt8 = 0
    for token in tokens {
      if depth == 0 {
        words.append(sentenceStart)
        depths.append(0)
        depth = 1
      }
      words.append(token)
      depths.append(depth)
      if depth < 255 { depth += 1 }
      if token == Vocabulary.endOfSentence, context == .sentence { depth = 0 }
    }
    self.words = words
    self.depths = depths
  }

  /// All positions but those of `<s>`, in order of their words and then of the text.
  func positionsByWord(_ vocabularySize: Int) -> [UInt64] {
    var next = [Int](repeating: 0, count: vocabularySize + 1)
    for word in words where word < vocabularySize { next[Int(word) + 1] += 1 }
    for word in 1...vocabularySize { next[word] += next[word - 1] }
    let total = next[vocabularySize]
    return [UInt64](unsafeUninitializedCapacity: total) { sorted, initialized in
      for (position, word) in words.enumerated() where word < vocabularySize {
        sorted[next[Int(word)]] = UInt64(word) << 32 | UInt64(position)
        next[Int(word)] += 1
      }
      initialized = total
    }
  }
}
