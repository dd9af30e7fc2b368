import LanguageModels

/// What is to be counted, in temporary files.
protocol Spool: Sendable {
  /// Calls `body` with one part after another, in the numbers of a vocabulary.
  ///
  /// - Parameters:
  ///   - bytes: how much memory a part may take until it is sorted.
  ///   - numbers: for each number in the files that of the vocabulary; `nil` if these are the same.
  func forEachPart(
    of bytes: Int, order: Int, vocabularySize: Int, numbers: [UInt32]?, _ body: (PaddedText) throws -> Void
  ) throws
}

/// A text as numbers in a temporary file, with a mark where `<s>` stands.
struct SpooledText: Spool {
  /// The words in the numbers of whoever read them, and the marks.
  private let words: StoredArray<UInt32>

  /// Stands for `<s>`.
  private static let sentenceStart = UInt32.max

  private init(words: StoredArray<UInt32>) { self.words = words }

  /// Reads what `reader` reads.
  ///
  /// - Parameter number: appends the numbers of the words of a sentence.
  init(
    _ reader: SentenceReader, context: ContextMode, in folder: String, progress: (TextStatistics) -> Void,
    number: (TokenSpans, inout [TokenID]) -> Void
  ) throws {
    var output = try StoredArrayWriter<UInt32>(in: folder)
    var sentence: [TokenID] = []
    while let line = try reader.next() {
      if line == .sentence {
        if context == .sentence || output.count == 0 { try output.append(Self.sentenceStart) }
        number(reader.tokens, &sentence)
        for token in sentence { try output.append(token) }
        try output.append(Vocabulary.endOfSentence)
        sentence.removeAll(keepingCapacity: true)
      }
      if reader.statistics.lines % 65_536 == 0 { progress(reader.statistics) }
    }
    words = try output.finish()
  }

  /// Bytes for a word: itself, its place in the order, what it shares with the one before, and room to sort it.
  private static let bytesPerWord = 16

  /// With each part come the words behind it that its last n-grams go on with.
  func forEachPart(
    of bytes: Int, order: Int, vocabularySize: Int, numbers: [UInt32]?, _ body: (PaddedText) throws -> Void
  ) throws {
    let size = max(1, bytes / Self.bytesPerWord)
    var start = 0
    while start < words.count {
      let beginnings = min(size, words.count - start)
      var part = try words.read(start..<min(words.count, start + beginnings + order - 1))
      for i in part.indices {
        if part[i] == Self.sentenceStart {
          part[i] = UInt32(vocabularySize)
        } else if let numbers {
          part[i] = numbers[Int(part[i])]
        }
      }
      try body(PaddedText(text: part, beginnings: beginnings, vocabularySize: vocabularySize))
      start += beginnings
    }
  }

  /// The words without `<s>`, in the numbers of a vocabulary.
  func tokens(numbers: [UInt32]?) throws -> [TokenID] { try tokens(from: 0, numbers: numbers) }

  private func tokens(from start: Int, numbers: [UInt32]?) throws -> [TokenID] {
    var tokens: [TokenID] = []
    tokens.reserveCapacity(words.count - start)
    var reader = StoredArrayReader(words, from: start)
    while !reader.isAtEnd {
      let word = try reader.next()
      if word != Self.sentenceStart { tokens.append(numbers.map { $0[Int(word)] } ?? word) }
    }
    return tokens
  }

  /// The text without the sentences with these numbers, which rise, and the words of these in the numbers in which they were read.
  ///
  /// - Parameter count: how many sentences there are.
  func taking(
    out heldOut: [Int], of count: Int, context: ContextMode, in folder: String
  ) throws -> (SpooledText, heldOut: [TokenID]) {
    guard let first = heldOut.first else { return (self, []) }
    if first == count - heldOut.count { return try split(after: first) }
    var output = try StoredArrayWriter<UInt32>(in: folder)
    var words: [TokenID] = []
    var (sentence, next) = (0, 0)
    var reader = StoredArrayReader(self.words)
    while !reader.isAtEnd {
      let word = try reader.next()
      let isHeldOut = next < heldOut.count && heldOut[next] == sentence
      if word == Self.sentenceStart {
        // The mark of a stream is that of its first sentence, whichever that is.
        if !isHeldOut || context == .stream { try output.append(word) }
        continue
      }
      if isHeldOut { words.append(word) } else { try output.append(word) }
      if word == Vocabulary.endOfSentence {
        sentence += 1
        if isHeldOut { next += 1 }
      }
    }
    return (SpooledText(words: try output.finish()), words)
  }

  /// The first `sentences` of the text, and the words of the others in the numbers in which they were read.
  private func split(after sentences: Int) throws -> (SpooledText, heldOut: [TokenID]) {
    var (left, end) = (sentences, 0)
    var reader = StoredArrayReader(words)
    while left > 0, !reader.isAtEnd {
      if try reader.next() == Vocabulary.endOfSentence { left -= 1 }
      end += 1
    }
    return (SpooledText(words: words.prefix(end)), try tokens(from: end, numbers: nil))
  }
}
