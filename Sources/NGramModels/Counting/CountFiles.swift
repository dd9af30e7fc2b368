import LanguageModels

/// Files of counts: all n-grams of a text up to an order, each on a line `n-gram TAB count`, sorted; see `CountText` for the order.
///
/// Sentences begin with `<s>` and end with `</s>`, which are counted like words. The n-grams of all orders stand there, so files
/// of parts of a text can be merged into that of the whole.
public enum CountFiles {
  /// Counts the n-grams of what `reader` reads and writes them to `path`.
  ///
  /// - Returns: how many lines were written.
  public static func count(
    _ reader: SentenceReader, order: Int, context: ContextMode, limit: CountingLimit?, to path: String,
    progress: (TextStatistics) -> Void
  ) throws -> Int {
    let file = try AtomicFile(path: path)
    var writer = CountLineWriter { try file.write($0) }
    var runs = CountingRuns(order: order, context: context, limit: limit)
    try runs.forEach(reader, progress: progress) { try writer.append($0, $1) }
    guard writer.lines > 0 else { return 0 }
    try writer.flush()
    try file.commit()
    return writer.lines
  }

  /// Adds up sorted files of counts.
  ///
  /// Memory: a block of each file.
  public static func merge(_ paths: [String], to path: String) throws -> Int {
    var merger = try CountMerger(paths.map { try ByteSource(path: $0) })
    let file = try AtomicFile(path: path)
    var writer = CountLineWriter { try file.write($0) }
    try merger.forEach { try writer.append($0, $1) }
    try writer.flush()
    try file.commit()
    return writer.lines
  }
}

/// The words of a text in the order of their written forms, `<s>` among them.
private struct SortedWords {
  /// The written forms, one after the other; those of words first, then `<s>`.
  let bytes: [UInt8]
  /// The form of word w, in sorted order, is `bytes[ends[w]..<ends[w + 1]]`.
  let ends: [Int]
  /// For each number of the builder, the word in sorted order.
  let numbers: [UInt32]
  /// The first word whose form is behind `<s>`.
  let sentenceStartPlace: Int

  var count: Int { numbers.count }

  init(_ builder: VocabularyBuilder) {
    var forms: [UInt8] = []
    var formEnds = [0]
    for id in 0..<TokenID(builder.counts.count) {
      CountText.append(id, of: builder, to: &forms)
      formEnds.append(forms.count)
    }
    let sorted = forms.withUnsafeBufferPointer { forms in
      (0..<builder.counts.count).sorted { a, b in
        forms[formEnds[a]..<formEnds[a + 1]].lexicographicallyPrecedes(forms[formEnds[b]..<formEnds[b + 1]])
      }
    }
    var numbers = [UInt32](repeating: 0, count: sorted.count)
    for (place, id) in sorted.enumerated() { numbers[id] = UInt32(place) }
    var bytes: [UInt8] = []
    var ends = [0]
    var sentenceStartPlace = sorted.count
    for (place, id) in sorted.enumerated().reversed()
    where CountText.sentenceStart.lexicographicallyPrecedes(forms[formEnds[id]..<formEnds[id + 1]]) {
      sentenceStartPlace = place
    }
    for id in sorted {
      bytes += forms[formEnds[id]..<formEnds[id + 1]]
      ends.append(bytes.count)
    }
    bytes += CountText.sentenceStart
    ends.append(bytes.count)
    (self.bytes, self.ends, self.numbers) = (bytes, ends, numbers)
    self.sentenceStartPlace = sentenceStartPlace
  }

  /// The text in these numbers.
  func renumber(_ tokens: [TokenID], context: ContextMode) -> PaddedText {
    let text = PaddedText(tokens: tokens, vocabularySize: count, context: context)
    return PaddedText(
      text: text.words.map { Int($0) == count ? $0 : numbers[Int($0)] }, vocabularySize: count)
  }
}

/// Goes through the counts of a text, an n-gram before those that go on from it.
struct CountWriter {
  private let counts: NGramCounts
  private let words: SortedWords

  /// Counts `tokens`, which are numbers of `builder`.
  init(_ tokens: [TokenID], _ builder: VocabularyBuilder, order: Int, context: ContextMode) {
    words = SortedWords(builder)
    counts = NGramCounts(words.renumber(tokens, context: context), order: order)
  }

  /// Calls `body` with each n-gram and its count.
  func forEach(_ body: (UnsafeRawBufferPointer, UInt64) throws -> Void) throws {
    var path: [UInt8] = []
    for word in 0..<words.sentenceStartPlace { try visit(word, level: 0, &path, body) }
    try visit(words.count, level: 0, &path, body)
    for word in words.sentenceStartPlace..<words.count { try visit(word, level: 0, &path, body) }
  }

  /// Visits node `index`, and all that go on from it.
  private func visit(
    _ index: Int, level k: Int, _ path: inout [UInt8], _ body: (UnsafeRawBufferPointer, UInt64) throws -> Void
  ) throws {
    let count = counts.counts[index]
    // The vocabulary has <unk>, which the text need not have.
    guard count > 0 else { return }
    let length = path.count
    if k > 0 { path.append(UInt8(ascii: " ")) }
    let word = Int(counts.words[index])
    path += words.bytes[words.ends[word]..<words.ends[word + 1]]
    try path.withUnsafeBytes { try body($0, UInt64(count)) }
    if k + 1 < counts.order {
      for child in counts.children(of: index) { try visit(child, level: k + 1, &path, body) }
    }
    path.removeLast(path.count - length)
  }
}
