import LanguageModels

/// How far counting has come.
public enum CountProgress: Sendable {
  /// So much of the text has been read.
  case reading(TextStatistics)
  /// The text has been read.
  case sorting
  /// So many counts have been written; 0 when that begins.
  case writing(lines: Int)
}

/// Files of counts: all n-grams of a text up to an order, each on a line (see `CountFormat`), sorted; see `CountText` for the order, and for the
/// line before the first n-gram that says what tokens are where they are not plain words.
///
/// Sentences begin with `<s>` and end with `</s>`, which are counted like words. The n-grams of all orders stand there, so files
/// of parts of a text can be merged into that of the whole.
public enum CountFiles {
  /// Counts the n-grams of what `reader` reads and writes them to `path`; if there are none, an empty file, or with `isEmptyWritten` false
  /// nothing.
  ///
  /// - Returns: how many n-grams were written.
  /// - Throws: `FileError` when the text has more tokens or n-grams than can be numbered, before any count is written.
  public static func count(
    _ reader: SentenceReader, order: Int, context: ContextMode, limit: CountingLimit?, to path: String,
    as format: CountFormat = .columns, isEmptyWritten: Bool = false, progress: (CountProgress) -> Void
  ) throws -> Int {
    let file = try AtomicFile(path: path)
    var writer = CountLineWriter(format) { try file.write($0) }
    let reading = { progress(.reading($0)) }
    var builder = VocabularyBuilder(unit: reader.tokenizer.unit)
    if let limit {
      let text = try SpooledText(reader, context: context, in: limit.folder, progress: reading) {
        builder.number($0, to: &$1)
      }
      try reader.statistics.checkThatCountsFit()
      progress(.sorting)
      if reader.statistics.sentences > 0 { try writer.appendHeading(reader.tokenizer) }
      let words = SortedWords(builder)
      let counts = try StoredCounts(
        text, order: order, vocabularySize: words.count, numbers: words.numbers, limit: limit)
      progress(.writing(lines: 0))
      var path = CountPath(words, order: counts.order)
      try path.forEachNGram(StoredCounts.Walk(counts), StoredCounts.Walk(counts, fromSentenceStart: true)) {
        try writer.append($0, $1)
        if writer.lines % 65_536 == 0 { progress(.writing(lines: writer.lines)) }
      }
    } else {
      let tokens = try Corpus.read(reader, reading) { builder.number($0, to: &$1) }
      try reader.statistics.checkThatCountsFit()
      progress(.sorting)
      if reader.statistics.sentences > 0 { try writer.appendHeading(reader.tokenizer) }
      let words = SortedWords(builder)
      let counts = try NGramCounts(words.renumber(tokens, context: context), order: order)
      progress(.writing(lines: 0))
      var path = CountPath(words, order: counts.order)
      try path.forEachNGram(NGramCounts.Walk(counts), NGramCounts.Walk(counts, fromSentenceStart: true)) {
        try writer.append($0, $1)
        if writer.lines % 65_536 == 0 { progress(.writing(lines: writer.lines)) }
      }
    }
    guard writer.lines > 0 || isEmptyWritten else { return 0 }
    try writer.flush()
    try file.commit()
    return writer.lines
  }

  /// Adds up sorted files of counts.
  ///
  /// Memory: a block of each file.
  ///
  /// - Parameters:
  ///   - times: how often the counts of each file are taken; once, if `nil`.
  ///   - progress: called with the lines written, now and then.
  /// - Throws: `FileError` where files hold counts by different text rules; those without any hold none.
  public static func merge(
    _ paths: [String], times: [Int]? = nil, to path: String, as format: CountFormat = .columns,
    progress: (Int) -> Void = { _ in }
  ) throws -> Int {
    var merger = try CountMerger(
      paths.map { try ByteSource(path: $0) }, times: times ?? paths.map { _ in 1 })
    let file = try AtomicFile(path: path)
    var writer = CountLineWriter(format) { try file.write($0) }
    if let rules = merger.rules { try writer.appendHeading(rules) }
    try merger.forEach {
      try writer.append($0, $1)
      if writer.lines % 65_536 == 0 { progress(writer.lines) }
    }
    try writer.flush()
    try file.commit()
    return writer.lines
  }

  /// The text rules by which the counts in `source`, of which nothing is taken, were made; `nil` if it does not say so.
  public static func textRules(_ source: ByteSource) throws -> Tokenizer? {
    let line = try source.peek(1 << 16).prefix { $0 != UInt8(ascii: "\n") }
    return try Array(line).withUnsafeBytes { try CountText.rules(line: $0, file: source.name) }
  }
}

extension TextStatistics {
  /// An error if a count of this text might not fit into 32 bits.
  fileprivate func checkThatCountsFit() throws {
    do {
      try TextSizes(sentences: sentences, tokens: tokens, unknownTokens: 0).check(path: "the text")
    } catch let error as FileError {
      throw FileError(
        path: error.path, reason: "\(error.reason); count it in parts, and add these up: lmctl count --merge")
    }
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
      text: text.words.map { Int($0) == count ? $0 : numbers[Int($0)] }, beginnings: text.words.count,
      vocabularySize: count)
  }
}

/// Goes through the n-grams of all levels in step, in the order of the nodes of each level.
protocol CountWalk {
  /// The next n-gram of level k: its last word, its count, and how many n-grams of the next level go on from it.
  mutating func next(level k: Int) throws -> (word: Int, count: UInt32, children: Int)
}

extension NGramCounts {
  /// A walk through counts in memory.
  struct Walk: CountWalk {
    private let counts: NGramCounts
    /// Of each level, the node that comes next.
    private var nodes: [Int]

    /// A walk from the beginning, or from the n-grams that begin with `<s>`.
    init(_ counts: NGramCounts, fromSentenceStart: Bool = false) {
      self.counts = counts
      nodes = fromSentenceStart ? counts.firstAtSentenceStart : counts.levelStarts
    }

    mutating func next(level k: Int) -> (word: Int, count: UInt32, children: Int) {
      let node = nodes[k - 1]
      nodes[k - 1] += 1
      let children = k < counts.order ? counts.children(of: node).count : 0
      return (Int(counts.words[node]), counts.counts[node], children)
    }
  }
}

/// Goes through the counts of a text in the order of their written forms, an n-gram before those that go on from it.
private struct CountPath {
  private let words: SortedWords
  private let order: Int
  /// The written form of the current n-gram.
  private var text: [UInt8] = []

  init(_ words: SortedWords, order: Int) { (self.words, self.order) = (words, order) }

  /// Calls `body` with each n-gram and its count.
  ///
  /// - Parameters:
  ///   - walk: begins with the first word.
  ///   - sentenceStarts: begins with `<s>`, which is the last word by number, but not by its form.
  mutating func forEachNGram<Walk: CountWalk>(
    _ walk: Walk, _ sentenceStarts: Walk, _ body: (UnsafeRawBufferPointer, UInt64) throws -> Void
  ) throws {
    var (walk, sentenceStarts) = (walk, sentenceStarts)
    for _ in 0..<words.sentenceStartPlace { try visit(&walk, level: 1, body) }
    try visit(&sentenceStarts, level: 1, body)
    for _ in words.sentenceStartPlace..<words.count { try visit(&walk, level: 1, body) }
  }

  /// Visits the next n-gram of level k, and all that go on from it.
  private mutating func visit(
    _ walk: inout some CountWalk, level k: Int, _ body: (UnsafeRawBufferPointer, UInt64) throws -> Void
  ) throws {
    let (word, count, children) = try walk.next(level: k)
    // The vocabulary has <unk>, which the text need not have.
    guard count > 0 else { return }
    let length = text.count
    if k > 1 { text.append(UInt8(ascii: " ")) }
    text += words.bytes[words.ends[word]..<words.ends[word + 1]]
    try text.withUnsafeBytes { try body($0, UInt64(count)) }
    for _ in 0..<children { try visit(&walk, level: k + 1, body) }
    text.removeLast(text.count - length)
  }
}
