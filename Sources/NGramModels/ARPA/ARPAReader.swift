import Glibc
import LanguageModels

/// The n-grams of an ARPA file as they stand there, order by order.
struct ARPAContents {
  /// The n-grams of one order.
  struct Section {
    /// n words for each n-gram; `<s>` is the number after the vocabulary's last.
    var words: [UInt32] = []
    /// log₁₀ p of each n-gram.
    var logProbabilities: [Float] = []
    /// log₁₀ b of each n-gram; 0 where none is given.
    var logBackoffs: [Float] = []
    /// Where each n-gram stands, for messages; 0 for those that the file lacks.
    var lines: [UInt32] = []

    var count: Int { logProbabilities.count }

    mutating func append(logProbability: Float, logBackoff: Float, line: UInt32) {
      logProbabilities.append(logProbability)
      logBackoffs.append(logBackoff)
      lines.append(line)
    }
  }

  /// The name of the file in messages.
  let name: String
  let vocabulary: Vocabulary
  /// Order n at index n − 1; the unigrams in order of their numbers.
  var sections: [Section]
  /// What is unusual about the file, each in a sentence.
  var remarks: [String]
}

/// Reads ARPA files as KenLM, SRILM, IRSTLM and others write them.
///
/// Text before `\data\` and empty lines are passed over; fields are separated by tabs or spaces; a back-off weight may be
/// missing anywhere; probabilities above 1 are taken as 1; the marks `<s>`, `</s>` and `<unk>` may be in other case, or
/// missing. Memory: that of the n-grams.
struct ARPAReader {
  private let lines: LineReader
  /// How many n-grams of each order the header announces.
  private var counts: [Int] = []
  private var unigrams = UnigramSection()
  private var vocabulary: Vocabulary?
  private var sections: [ARPAContents.Section] = []
  private var remarks: [String] = []
  private var positive = (count: 0, line: 0)
  /// How many n-grams of each order from 2 have `<s>` behind their first word.
  private var padding: [Int] = []

  init(_ source: ByteSource) { lines = LineReader(source) }

  /// Reads the whole file.
  ///
  /// - Throws: `TextError` that names the line; `FileError` when the file is cut short.
  static func read(_ source: ByteSource) throws -> ARPAContents {
    var reader = ARPAReader(source)
    try reader.findData()
    return try reader.readSections()
  }

  private mutating func findData() throws {
    var isFirst = true
    while let line = try nextLine() {
      if line.elementsEqual("\\data\\".utf8) { return }
      if isFirst, line.starts(with: "iARPA".utf8) {
        throw problem("an iARPA file of IRSTLM; convert it with IRSTLM's compile-lm --text=yes")
      }
      if isFirst, line.starts(with: "mmap lm ".utf8) {
        throw problem("a binary model of KenLM; give the ARPA file that it was made from")
      }
      isFirst = false
    }
    throw FileError(path: lines.source.name, reason: "is no ARPA file: it has no line \\data\\")
  }

  private mutating func readSections() throws -> ARPAContents {
    var order = 0
    while let line = try nextLine() {
      if line.first != UInt8(ascii: "\\") {
        switch order {
        case 0: try readCount(line)
        case 1: try readUnigram(line)
        default: try readNGram(line, order: order)
        }
        continue
      }
      try finish(order: order)
      if line.elementsEqual("\\end\\".utf8), order == counts.count, order > 0 { return try contents() }
      order += 1
      let expected = order <= counts.count ? "\\\(order)-grams:" : counts.isEmpty ? "ngram 1=…" : "\\end\\"
      guard line.elementsEqual(expected.utf8) else {
        throw problem("'\(Self.excerpt(line))' where \(expected) should be")
      }
      if order > 1 {
        sections.append(ARPAContents.Section())
        padding.append(0)
      }
    }
    throw FileError(
      path: lines.source.name,
      reason: "is cut short: it ends at line \(lines.lineNumber) without \\end\\")
  }

  /// A line of the header: `ngram 2=1234`.
  private mutating func readCount(_ line: UnsafeRawBufferPointer) throws {
    let parts = String(decoding: line.prefix(100), as: UTF8.self).split { " \t=".contains($0) }
    guard parts.count == 3, parts[0] == "ngram", let order = Int(parts[1]), let count = Int(parts[2]),
      count >= 0
    else { throw problem("'\(Self.excerpt(line))' where a line like 'ngram 1=1234' should be") }
    guard order == counts.count + 1 else {
      throw problem("the number of \(order)-grams where that of \(counts.count + 1)-grams should be")
    }
    guard order <= 16 else { throw problem("n-grams of order \(order); lmctl has orders up to 16") }
    counts.append(count)
  }

  // MARK: N-grams

  /// A line's fields, as ranges of bytes.
  private struct Fields {
    var logProbability: Range<Int>
    var logBackoff: Range<Int>?
  }

  /// Takes a line apart; `word` is called with each of its `order` words.
  ///
  /// Static, so that `word` may append to the reader's arrays without their being copied.
  @inline(__always)
  private static func fields(
    of line: UnsafeRawBufferPointer, order: Int, in lines: LineReader,
    _ word: (UnsafeRawBufferPointer) throws -> Void
  ) throws -> Fields {
    var position = 0
    func next() -> Range<Int>? {
      while position < line.count, isSeparator(line[position]) { position += 1 }
      let start = position
      while position < line.count, !isSeparator(line[position]) { position += 1 }
      return start < position ? start..<position : nil
    }
    guard let logProbability = next() else { throw problem(lines, "a line without fields") }
    for i in 0..<order {
      guard let range = next() else {
        throw problem(lines, "\(i) \(i == 1 ? "word" : "words") where a \(order)-gram has \(order)")
      }
      try word(UnsafeRawBufferPointer(rebasing: line[range]))
    }
    let fields = Fields(logProbability: logProbability, logBackoff: next())
    if next() != nil {
      throw problem(lines, "more than the \(order) words of a \(order)-gram and its two numbers")
    }
    return fields
  }

  @inline(__always)
  private static func isSeparator(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  /// The numbers of a line.
  @inline(__always)
  private mutating func numbers(
    _ line: UnsafeRawBufferPointer, _ fields: Fields
  ) throws -> (logProbability: Float, logBackoff: Float) {
    func number(_ range: Range<Int>, _ kind: String) throws -> Float {
      let text = UnsafeRawBufferPointer(rebasing: line[range])
      guard let value = DecimalText.parse(text), !value.isNaN, value < .infinity else {
        throw problem("'\(Self.excerpt(text))' is not the logarithm of a \(kind)")
      }
      return Float(value)
    }
    var logProbability = try number(fields.logProbability, "probability")
    if logProbability > 0 {
      if positive.count == 0 { positive.line = lines.lineNumber }
      positive.count += 1
      logProbability = 0
    }
    return (logProbability, try fields.logBackoff.map { try number($0, "back-off weight") } ?? 0)
  }

  private mutating func readUnigram(_ line: UnsafeRawBufferPointer) throws {
    let fields = try Self.fields(of: line, order: 1, in: lines) { word in
      guard String(validating: word, as: UTF8.self) != nil else {
        throw problem("invalid UTF-8; convert the file (iconv -f LATIN1 -t UTF-8)")
      }
      unigrams.words.append(word)
    }
    let (logProbability, logBackoff) = try numbers(line, fields)
    unigrams.section.append(
      logProbability: logProbability, logBackoff: logBackoff, line: UInt32(clamping: lines.lineNumber))
  }

  private mutating func readNGram(_ line: UnsafeRawBufferPointer, order: Int) throws {
    guard let vocabulary else { return }
    let index = order - 2
    let sentenceStart = UInt32(vocabulary.count)
    let first = sections[index].words.count
    let fields = try Self.fields(of: line, order: order, in: lines) { word in
      if let id = vocabulary.find(word) {
        sections[index].words.append(id)
      } else if let mark = unigrams.mark(word) {
        sections[index].words.append(mark == .sentenceStart ? sentenceStart : mark.rawValue)
      } else {
        throw problem("the word '\(Self.excerpt(word))' is not among the 1-grams")
      }
    }
    let (logProbability, logBackoff) = try numbers(line, fields)
    // IRSTLM pads sentences with several <s>; in lmctl, one is a whole context.
    if sections[index].words[(first + 1)...].contains(sentenceStart) {
      sections[index].words.removeSubrange(first...)
      padding[index] += 1
      return
    }
    sections[index].append(
      logProbability: logProbability, logBackoff: logBackoff, line: UInt32(clamping: lines.lineNumber))
  }

  /// Ends the section of `order`.
  private mutating func finish(order: Int) throws {
    guard order > 0 else { return }
    let found = order == 1 ? unigrams.section.count : sections[order - 2].count + padding[order - 2]
    if found != counts[order - 1] {
      remarks.append("it has \(found) \(order)-grams, and its header announces \(counts[order - 1])")
    }
    guard order == 1 else { return }
    do {
      vocabulary = try unigrams.settle(&remarks)
    } catch let repeated as UnigramSection.Repetition {
      throw TextError(
        file: lines.source.name, line: Int(repeated.line),
        reason: "'\(repeated.word)' is among the 1-grams before")
    }
  }

  private mutating func contents() throws -> ARPAContents {
    guard let vocabulary else { throw problem("no 1-grams") }
    if positive.count > 0 {
      remarks.append(
        "\(positive.count) of its probabilities are above 1, first on line \(positive.line); they are taken as 1"
      )
    }
    let unused = padding.reduce(0, +)
    if unused > 0 {
      remarks.append("\(unused) n-grams with <s> behind another word can never be used, and are left out")
    }
    return ARPAContents(
      name: lines.source.name, vocabulary: vocabulary, sections: [unigrams.section] + sections,
      remarks: remarks)
  }

  // MARK: Lines

  /// The next line that is not empty, without white space at its ends.
  private func nextLine() throws -> UnsafeRawBufferPointer? {
    while let line = try lines.next() {
      var (start, end) = (0, line.count)
      while end > start, Self.isSeparator(line[end - 1]) { end -= 1 }
      while start < end, Self.isSeparator(line[start]) { start += 1 }
      if start < end { return UnsafeRawBufferPointer(rebasing: line[start..<end]) }
    }
    return nil
  }

  private func problem(_ reason: String) -> TextError { Self.problem(lines, reason) }

  private static func problem(_ lines: LineReader, _ reason: String) -> TextError {
    TextError(file: lines.source.name, line: lines.lineNumber, reason: reason)
  }

  private static func excerpt(_ text: UnsafeRawBufferPointer) -> String {
    let start = String(decoding: text.prefix(60), as: UTF8.self)
    let shown = String(start.unicodeScalars.map { $0.value < 0x20 ? "\u{FFFD}" : Character($0) })
    return text.count > 60 ? shown + "…" : shown
  }
}

/// The 1-grams of a file, from which its vocabulary is settled once all are read.
private struct UnigramSection {
  /// A word that stands there twice.
  struct Repetition: Error {
    let word: String
    let line: UInt32
  }

  /// The words with a meaning of their own; their numbers, but for the beginning of a sentence.
  enum Mark: UInt32, CaseIterable {
    case unknown = 0
    case endOfSentence = 1
    case sentenceStart = 2

    var text: String {
      switch self {
      case .unknown: "<unk>"
      case .endOfSentence: "</s>"
      case .sentenceStart: "<s>"
      }
    }
  }

  var words = ByteStrings()
  var section = ARPAContents.Section()
  /// How the marks are written in this file, where not as usual.
  private var spellings: [(text: [UInt8], mark: Mark)] = []

  /// The mark that `word` is.
  func mark(_ word: UnsafeRawBufferPointer) -> Mark? {
    guard word.first == UInt8(ascii: "<"), word.count <= 5 else { return nil }
    if let mark = Mark.allCases.first(where: { word.elementsEqual($0.text.utf8) }) { return mark }
    return spellings.first { word.elementsEqual($0.text) }?.mark
  }

  /// Settles the vocabulary and puts the section in its order: unknown words, the end of a sentence, words in the file's order, the
  /// beginning of a sentence.
  mutating func settle(_ remarks: inout [String]) throws -> Vocabulary {
    findSpellings()
    var builder = VocabularyBuilder(unit: .word)
    var places: [Int?] = [nil, nil]
    var sentenceStart: Int?
    for i in 0..<words.count {
      let (mark, number) = words.withBytes(of: i) { word -> (Mark?, Int) in
        let mark = self.mark(word)
        return (mark, mark == nil ? Int(builder.add(word)) : 0)
      }
      let isNew: Bool
      switch mark {
      case .sentenceStart?:
        isNew = sentenceStart == nil
        sentenceStart = i
      case let mark?:
        isNew = places[Int(mark.rawValue)] == nil
        places[Int(mark.rawValue)] = i
      case nil:
        isNew = number == places.count
        places.append(i)
      }
      guard isNew else {
        throw words.withBytes(of: i) {
          Repetition(word: String(decoding: $0, as: UTF8.self), line: section.lines[i])
        }
      }
    }
    if places[0] == nil {
      remarks.append("it has no <unk>; unknown words get the probability 1e-100, as in KenLM")
    }
    if places[1] == nil {
      remarks.append("it has no </s>; the end of a sentence gets the probability 1e-100")
    }
    var ordered = ARPAContents.Section()
    for (number, place) in (places + [sentenceStart]).enumerated() {
      ordered.words.append(UInt32(number))
      ordered.append(
        logProbability: place.map { section.logProbabilities[$0] } ?? -100,
        logBackoff: place.map { section.logBackoffs[$0] } ?? 0, line: place.map { section.lines[$0] } ?? 0)
    }
    section = ordered
    words = ByteStrings()
    return builder.inOrderOfAppearance
  }

  /// Finds the marks that are written in other case, unless they are there as usual as well.
  private mutating func findSpellings() {
    var usual: Set<String> = []
    var others: [String] = []
    for i in 0..<words.count {
      words.withBytes(of: i) { word in
        guard word.first == UInt8(ascii: "<"), word.count <= 5 else { return }
        let text = String(decoding: word, as: UTF8.self)
        if Mark.allCases.contains(where: { $0.text == text }) {
          usual.insert(text)
        } else {
          others.append(text)
        }
      }
    }
    for text in others {
      guard let mark = Mark.allCases.first(where: { $0.text == text.lowercased() }),
        !usual.contains(mark.text)
      else { continue }
      usual.insert(mark.text)
      spellings.append((Array(text.utf8), mark))
    }
  }
}

/// Byte strings one after the other in one array.
private struct ByteStrings {
  private var bytes: [UInt8] = []
  private var ends = [0]

  var count: Int { ends.count - 1 }

  mutating func append(_ string: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: string)
    ends.append(bytes.count)
  }

  func withBytes<R>(of i: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[ends[i]..<ends[i + 1]])) }
  }
}
