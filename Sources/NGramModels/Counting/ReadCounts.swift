import LanguageModels

/// Takes weighted n-grams, none of which is the beginning of another: each stands for the occurrences that no longer n-gram accounts
/// for.
protocol WeightedNGramSink {
  /// Takes one; its words are provisional numbers, or `WeightedNGrams.sentenceStart`.
  mutating func append(_ ngram: some Collection<UInt32>, weight: UInt32) throws
}

/// Weighted n-grams in memory.
struct WeightedNGrams: WeightedNGramSink {
  /// Stands for `<s>`.
  static let sentenceStart = UInt32.max
  /// Stands behind the last word of an n-gram.
  static let terminator = UInt32.max - 1

  /// For each n-gram its weight, its words and a terminator.
  private var words: [UInt32] = []
  /// Where the n-grams begin, behind their weights.
  private var starts: [UInt32] = []

  /// How many there are.
  var count: Int { starts.count }

  mutating func append(_ ngram: some Collection<UInt32>, weight: UInt32) throws {
    guard words.count + ngram.count + 2 < UInt32.max else {
      throw CountsProblem(reason: "more n-grams than lmctl can hold")
    }
    words.append(weight)
    starts.append(UInt32(words.count))
    words.append(contentsOf: ngram)
    words.append(Self.terminator)
  }

  /// Puts the numbers of a vocabulary in the place of provisional ones.
  mutating func renumber(_ numbers: [UInt32], vocabularySize: Int) {
    for start in starts {
      var i = Int(start)
      while words[i] != Self.terminator {
        words[i] = words[i] == Self.sentenceStart ? UInt32(vocabularySize) : numbers[Int(words[i])]
        i += 1
      }
      words[i] = UInt32(vocabularySize)
    }
  }

  /// The n-grams as a text, once they are renumbered.
  func text(vocabularySize: Int) -> PaddedText {
    PaddedText(weighted: words, starts: starts, vocabularySize: vocabularySize)
  }
}

/// What is wrong with a line of counts.
struct CountsProblem: Error {
  let reason: String
}

/// A file of counts, read and turned into weighted n-grams.
struct ReadCounts<Sink: WeightedNGramSink> {
  /// The n-grams in provisional numbers.
  let ngrams: Sink
  /// For each provisional number that of the vocabulary.
  let numbers: [UInt32]
  let vocabulary: Vocabulary
  let sizes: TextSizes
  /// The name, size and digest of the file.
  let file: TextStatistics.Text

  /// Reads `source`; see `CountedText`.
  init(
    _ source: ByteSource, order: Int, context: ContextMode, tokenizer: Tokenizer,
    vocabulary: VocabularySource, into sink: Sink
  ) throws {
    let lines = CountLineReader(source, hashing: true)
    var parser = CountsParser(order: order, context: context, tokenizer: tokenizer, into: sink)
    do {
      while let line = try lines.next() {
        if let rules = lines.rules, CountText.heading(rules) != CountText.heading(tokenizer) {
          throw CountsProblem(
            reason:
              "these counts were made by other text rules, \(rules.json.text); give the same options as there"
          )
        }
        try parser.read(line.ngram, line.count)
      }
      try parser.finish()
    } catch let problem as CountsProblem {
      throw lines.problem(problem.reason)
    }
    file = TextStatistics.Text(name: lines.name, bytes: lines.bytes, sha256: lines.digest)
    ngrams = parser.sink
    let builder = parser.takeBuilder()
    let counts = builder.counts
    switch vocabulary {
    case .counted(let minimumCount, let maximumSize):
      (self.vocabulary, numbers) = builder.settle(
        minimumCount: minimumCount, maximumSize: maximumSize)
    case .fixed(let vocabulary):
      (self.vocabulary, numbers) = (vocabulary, builder.renumbering(to: vocabulary))
    }
    let tokens = counts.reduce(0, +)
    let unknown = zip(counts, numbers).reduce(0) { $0 + ($1.1 == Vocabulary.unknown ? $1.0 : 0) }
    sizes = TextSizes(
      sentences: counts[Int(Vocabulary.endOfSentence)], tokens: tokens, unknownTokens: unknown)
    guard tokens > 0 else { throw FileError(path: source.name, reason: "holds no sentence") }
    try sizes.check(path: source.name)
  }
}

extension TextSizes {
  /// An error if the text at `path` is too large to be counted.
  func check(path: String) throws {
    guard tokens + sentences < UInt32.max else {
      throw FileError(
        path: path, reason: "has more than 4,294,967,294 tokens, which is all that lmctl can count")
    }
  }
}

/// Turns sorted counts into weighted n-grams.
private struct CountsParser<Sink: WeightedNGramSink> {

  private let order: Int
  private let context: ContextMode
  private let tokenizer: Tokenizer
  private(set) var builder: VocabularyBuilder
  private(set) var sink: Sink
  /// The n-gram of the last line, word by word, with the occurrences of each of its beginnings that are not accounted for.
  private var path: [(word: UInt32, left: UInt64)] = []
  private var current: [UInt32] = []
  /// The count of `</s>`.
  private var ends: UInt64 = 0

  init(order: Int, context: ContextMode, tokenizer: Tokenizer, into sink: Sink) {
    self.sink = sink
    self.order = order
    self.context = context
    self.tokenizer = tokenizer
    builder = VocabularyBuilder(unit: tokenizer.unit)
  }

  /// Takes the next n-gram.
  mutating func read(_ ngram: UnsafeRawBufferPointer, _ count: UInt64) throws {
    guard count <= UInt64(UInt32.max) else { throw CountsProblem(reason: "a count above 4,294,967,295") }
    try split(ngram)
    if current.count == 1 { try check(count, of: current[0]) }
    guard current.count <= order else { return }
    if current.count == 1, current[0] != WeightedNGrams.sentenceStart {
      builder.add(count: Int(count), to: current[0])
    }
    if count > 0 { try add(count) }
  }

  /// The words that were read; there is nothing more to read then.
  mutating func takeBuilder() -> VocabularyBuilder {
    defer { builder = VocabularyBuilder(unit: tokenizer.unit) }
    return builder
  }

  /// To be called when all are read.
  mutating func finish() throws { try close(downTo: 0) }

  /// Takes an n-gram apart into the numbers of its words.
  private mutating func split(_ ngram: UnsafeRawBufferPointer) throws {
    current.removeAll(keepingCapacity: true)
    var start = 0
    while start <= ngram.count {
      var end = start
      while end < ngram.count, ngram[end] != 0x20 { end += 1 }
      let word = UnsafeRawBufferPointer(rebasing: ngram[start..<end])
      current.append(try number(of: word))
      start = end + 1
    }
    if current.dropFirst().contains(WeightedNGrams.sentenceStart) {
      throw CountsProblem(reason: "<s> behind another word")
    }
    if context == .sentence, current.dropLast().contains(Vocabulary.endOfSentence) {
      throw CountsProblem(
        reason: "a word behind </s>: these counts run on across lines; give --context stream")
    }
  }

  /// Finds counts of sentences that are read as those of a stream, which begins once in each text and has many ends.
  ///
  /// `</s>` stands before `<s>`.
  private mutating func check(_ count: UInt64, of word: UInt32) throws {
    if word == Vocabulary.endOfSentence { ends = count }
    if context == .stream, word == WeightedNGrams.sentenceStart, count > 1, count == ends {
      throw CountsProblem(
        reason: "as many <s> as </s>: these counts begin anew with each sentence; leave out --context stream")
    }
  }

  private mutating func number(of word: UnsafeRawBufferPointer) throws -> UInt32 {
    if word.first == UInt8(ascii: "<") {
      if word.elementsEqual(CountText.sentenceStart) { return WeightedNGrams.sentenceStart }
      if word.elementsEqual("</s>".utf8) { return Vocabulary.endOfSentence }
    }
    // What holds a backslash may be another word than it looks like.
    let isPlain = tokenizer.unit.hasWords && !word.contains(UInt8(ascii: "\\"))
    if isPlain, let known = builder.find(word) { return known }
    guard let token = String(validating: word, as: UTF8.self).flatMap({ isPlain ? $0 : token(written: $0) }),
      token == Vocabulary.unknownToken || tokenizer.isToken(token)
    else {
      throw CountsProblem(
        reason: "'\(String(decoding: word.prefix(40), as: UTF8.self))' is not a token of "
          + tokenizer.optionsOfTokens)
    }
    guard token == Vocabulary.unknownToken || tokenizer.leavesAsIs(token) else {
      throw CountsProblem(
        reason:
          "'\(token.prefix(40))' is a word that no text has by the given text rules; count the text by them")
    }
    var form = token
    return form.withUTF8 { builder.number(of: UnsafeRawBufferPointer($0)) }
  }

  private func token(written form: String) -> String? {
    tokenizer.unit.hasWords
      ? Vocabulary.token(displayed: form, unit: tokenizer.unit) : CountText.token(form)
  }

  /// Puts the current n-gram on the path.
  private mutating func add(_ count: UInt64) throws {
    var common = 0
    while common < min(path.count, current.count), path[common].word == current[common] { common += 1 }
    guard common >= current.count - 1 else {
      throw CountsProblem(
        reason:
          "an n-gram without a line for it without its last word before it; unless that is missing, LC_ALL=C sort mends the file"
      )
    }
    try close(downTo: current.count - 1)
    if let last = path.indices.last {
      guard path[last].left >= count else {
        throw CountsProblem(
          reason:
            "the n-grams with this beginning are counted more often than the beginning itself")
      }
      path[last].left -= count
    }
    path.append((current[current.count - 1], count))
  }

  /// Takes n-grams off the path until it has `length` words; what is left of each becomes a weighted n-gram.
  private mutating func close(downTo length: Int) throws {
    while path.count > length {
      let left = path[path.count - 1].left
      if left > 0 {
        try sink.append(path.lazy.map(\.word), weight: UInt32(left))
      }
      path.removeLast()
    }
  }
}
