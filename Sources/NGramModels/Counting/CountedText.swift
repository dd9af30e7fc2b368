import LanguageModels

/// What a file of counts tells of the text that was counted.
public struct CountedText: Sendable {
  /// The vocabulary.
  public let vocabulary: Vocabulary
  /// Sentences of the text.
  public let sentences: Int
  /// Its tokens, with the ends of sentences.
  public let tokens: Int
  /// How many of them are UNK.
  public let unknownTokens: Int
  /// The name, size and digest of the file of counts.
  public let file: TextStatistics.Text
  /// The n-grams with their counts.
  public let counts: NGramCounts

  /// Reads the sorted counts that `source` holds, of which those up to `order` are used.
  ///
  /// The vocabulary is settled from the counts of single words, as it would have been from the text, and words outside it become UNK.
  ///
  /// - Throws: `TextError` that names the line, or `FileError`, if these cannot be the counts of a text.
  public init(_ source: ByteSource, order: Int, unit: TextUnit, vocabulary: VocabularySource) throws {
    let lines = CountLineReader(source, hashing: true)
    var reader = CountedTextReader(name: source.name, order: order, unit: unit)
    while let line = try lines.next() {
      do {
        try reader.read(line.ngram, line.count)
      } catch let problem as CountedTextReader.Problem {
        throw lines.problem(problem.reason)
      }
    }
    let file = TextStatistics.Text(name: lines.name, bytes: lines.bytes, sha256: lines.digest)
    try self.init(reader, file: file, order: order, vocabulary: vocabulary)
  }

  private init(
    _ counted: CountedTextReader, file: TextStatistics.Text, order: Int, vocabulary: VocabularySource
  ) throws {
    var reader = counted
    try reader.finish()
    let (vocabulary, renumbering) =
      switch vocabulary {
      case .counted(let minimumCount, let maximumSize):
        reader.builder.settle(minimumCount: minimumCount, maximumSize: maximumSize)
      case .fixed(let vocabulary):
        (vocabulary, reader.builder.renumbering(to: vocabulary))
      }
    var tokens = 0
    var unknown = 0
    for (id, count) in reader.builder.counts.enumerated() {
      tokens += count
      if renumbering[id] == Vocabulary.unknown { unknown += count }
    }
    guard tokens > 0 else { throw FileError(path: reader.name, reason: "holds no sentence") }
    guard tokens + reader.builder.counts[Int(Vocabulary.endOfSentence)] <= UInt32.max else {
      throw FileError(
        path: reader.name, reason: "counts more than 4,294,967,295 tokens, which is all that lmctl can")
    }
    let size = UInt32(vocabulary.count)
    var words = reader.words
    for start in reader.starts {
      var i = Int(start)
      while words[i] != CountedTextReader.terminator {
        words[i] = words[i] == CountedTextReader.sentenceStart ? size : renumbering[Int(words[i])]
        i += 1
      }
      words[i] = size
    }
    var counts = NGramCounts(
      PaddedText(weighted: words, starts: reader.starts, vocabularySize: vocabulary.count), order: order)
    do {
      try counts.linkSuffixes()
    } catch let problem as NGramCounts.Inconsistency {
      throw FileError(
        path: reader.name,
        reason: Self.description(of: problem, vocabulary)
          + "; these cannot be all the counts of a text, as lmctl count writes them")
    }
    self.vocabulary = vocabulary
    self.counts = counts
    self.tokens = tokens
    sentences = reader.builder.counts[Int(Vocabulary.endOfSentence)]
    unknownTokens = unknown
    self.file = file
  }
}

extension CountedText {
  private static func description(of problem: NGramCounts.Inconsistency, _ vocabulary: Vocabulary) -> String {
    func text(_ words: some Sequence<UInt32>) -> String {
      let names = words.map { Int($0) == vocabulary.count ? "<s>" : vocabulary.displayName(of: $0) }
      return "'\(names.joined(separator: " "))'"
    }
    switch problem {
    case .noSuffix(let words): return "has the n-gram \(text(words)), but not \(text(words.dropFirst()))"
    case .nothingBefore(let words): return "has the n-gram \(text(words)), but none that ends with it"
    }
  }
}

/// Turns sorted counts into weighted n-grams, none of which is the beginning of another: each stands for the occurrences that
/// no longer n-gram accounts for.
private struct CountedTextReader {
  static let sentenceStart = UInt32.max
  static let terminator = UInt32.max - 1

  /// What is wrong with a line.
  struct Problem: Error {
    let reason: String
  }

  /// How the counts are named in messages.
  let name: String
  private let order: Int
  private let unit: TextUnit
  private(set) var builder: VocabularyBuilder
  /// For each n-gram its weight, its words and a terminator.
  private(set) var words: [UInt32] = []
  /// Where the n-grams begin, behind their weights.
  private(set) var starts: [UInt32] = []
  /// The n-gram of the last line, word by word, with the occurrences of each of its beginnings that are not accounted for.
  private var path: [(word: UInt32, left: UInt64)] = []
  private var current: [UInt32] = []

  init(name: String, order: Int, unit: TextUnit) {
    self.name = name
    self.order = order
    self.unit = unit
    builder = VocabularyBuilder(unit: unit)
  }

  /// Takes the next n-gram.
  mutating func read(_ ngram: UnsafeRawBufferPointer, _ count: UInt64) throws {
    guard count <= UInt64(UInt32.max) else { throw Problem(reason: "a count above 4,294,967,295") }
    try split(ngram)
    guard current.count <= order else { return }
    if current.count == 1, current[0] != Self.sentenceStart { builder.add(count: Int(count), to: current[0]) }
    if count > 0 { try add(count) }
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
    if current.dropFirst().contains(Self.sentenceStart) { throw Problem(reason: "<s> behind another word") }
  }

  private mutating func number(of word: UnsafeRawBufferPointer) throws -> UInt32 {
    if word.first == UInt8(ascii: "<") {
      if word.elementsEqual(CountText.sentenceStart) { return Self.sentenceStart }
      if word.elementsEqual("</s>".utf8) { return Vocabulary.endOfSentence }
    }
    if let known = unit == .word ? builder.find(word) : nil { return known }
    let text = String(validating: word, as: UTF8.self)
    guard let token = unit == .word ? text : text.flatMap({ _ in CountText.token(word) }),
      token == Vocabulary.unknownToken || unit.isToken(token)
    else {
      throw Problem(
        reason:
          "'\(String(decoding: word.prefix(40), as: UTF8.self))' is not a token of --unit \(unit.rawValue)")
    }
    var form = token
    return form.withUTF8 { builder.number(of: UnsafeRawBufferPointer($0)) }
  }

  /// Puts the current n-gram on the path.
  private mutating func add(_ count: UInt64) throws {
    var common = 0
    while common < min(path.count, current.count), path[common].word == current[common] { common += 1 }
    guard common >= current.count - 1 else {
      throw Problem(reason: "an n-gram without a line for it without its last word before it")
    }
    try close(downTo: current.count - 1)
    if let last = path.indices.last {
      guard path[last].left >= count else {
        throw Problem(
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
        guard words.count + path.count + 2 < UInt32.max else {
          throw Problem(reason: "more n-grams than lmctl can hold")
        }
        words.append(UInt32(left))
        starts.append(UInt32(words.count))
        for entry in path { words.append(entry.word) }
        words.append(Self.terminator)
      }
      path.removeLast()
    }
  }
}
