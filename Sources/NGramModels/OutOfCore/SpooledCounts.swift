import LanguageModels

/// Weighted n-grams in a temporary file: for each its weight, its words and a terminator.
struct SpooledCounts: Spool {
  private let words: StoredArray<UInt32>

  /// Writes them.
  struct Writer: WeightedNGramSink {
    private var output: StoredArrayWriter<UInt32>

    init(in folder: String) throws { output = try StoredArrayWriter(in: folder) }

    mutating func append(_ ngram: some Collection<UInt32>, weight: UInt32) throws {
      try output.append(weight)
      for word in ngram { try output.append(word) }
      try output.append(WeightedNGrams.terminator)
    }

    mutating func finish() throws -> SpooledCounts { SpooledCounts(words: try output.finish()) }
  }

  func forEachPart(
    of bytes: Int, order: Int, vocabularySize: Int, numbers: [UInt32]?, _ body: (PaddedText) throws -> Void
  ) throws {
    // Its words and what stands around them, where it begins, its place in the order, and room to sort it.
    let bytesPerNGram = 4 * (order + 2) + 16
    var reader = StoredArrayReader(words)
    var ngram: [UInt32] = []
    while !reader.isAtEnd {
      var part = WeightedNGrams()
      while !reader.isAtEnd, part.count <= bytes / bytesPerNGram {
        let weight = try reader.next()
        while case let word = try reader.next(), word != WeightedNGrams.terminator { ngram.append(word) }
        try part.append(ngram, weight: weight)
        ngram.removeAll(keepingCapacity: true)
      }
      if let numbers { part.renumber(numbers, vocabularySize: vocabularySize) }
      try body(part.text(vocabularySize: vocabularySize))
    }
  }
}
