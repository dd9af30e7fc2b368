import LanguageModels

/// Reads ARPA files as KenLM, SRILM, IRSTLM and others write them.
///
/// Text before `\data\`, but for text rules, and empty lines are passed over; fields are separated by tabs, spaces, CR or NUL, as in KenLM; a
/// back-off weight may be missing anywhere; −99 is the logarithm of zero; probabilities above 1 are taken as 1; the marks `<s>`, `</s>`
/// and `<unk>` may be in other case, or missing. Memory: that of the n-grams.
struct ARPAReader {
  private let lines: LineReader
  /// How many n-grams of each order the header announces.
  private var counts: [Int] = []
  private var unigrams = UnigramSection()
  /// The words as they stand in the file, by which n-grams find their numbers.
  private var names: Vocabulary?
  private var vocabulary: Vocabulary?
  /// The text rules in the file, and their line.
  private var rules: (ARPATextRules, line: Int)?
  private var tokenizer: Tokenizer?
  private var sections: [ARPAContents.Section] = []
  private var remarks: [String] = []
  private var positive = (count: 0, line: 0)
  /// How many n-grams of each order from 2 have `<s>` behind their first word.
  private var padding: [Int] = []

  /// The highest order: a state counts its words in a byte.
  private static let maximumOrder = 255

  private init(_ source: ByteSource, _ tokenizer: Tokenizer?) {
    lines = LineReader(source)
    self.tokenizer = tokenizer
  }

  /// Reads the whole file, by its own text rules unless `tokenizer` gives others.
  ///
  /// - Throws: `TextError` that names the line; `FileError` when the file is cut short.
  static func read(_ source: ByteSource, tokenizer: Tokenizer?) throws -> ARPAContents {
    var reader = ARPAReader(source, tokenizer)
    try reader.findData()
    return try reader.readSections()
  }

  private mutating func findData() throws {
    var isFirst = true
    while let line = try nextLine() {
      if line.elementsEqual("\\data\\".utf8) { return try checkUnit() }
      if isFirst, line.starts(with: "iARPA".utf8) {
        throw problem("an iARPA file of IRSTLM; convert it with IRSTLM's compile-lm --text=yes")
      }
      if isFirst, line.starts(with: "mmap lm ".utf8) {
        throw problem("a binary model of KenLM; give the ARPA file that it was made from")
      }
      isFirst = false
      if let found = try ARPATextRules(line: line, file: lines.source.name, number: lines.lineNumber) {
        rules = (found, lines.lineNumber)
      }
    }
    throw FileError(path: lines.source.name, reason: "is no ARPA file: it has no line \\data\\")
  }

  /// Tokens of one unit cannot be read as those of another.
  private func checkUnit() throws {
    guard let (rules, line) = rules, let tokenizer, tokenizer.unit != rules.tokenizer.unit else { return }
    let unit = rules.tokenizer.unit.rawValue
    throw TextError(
      file: lines.source.name, line: line,
      reason: "the model's tokens are those of --unit \(unit), not of --unit \(tokenizer.unit.rawValue)")
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
    guard order <= Self.maximumOrder else {
      throw problem("n-grams of order \(order); lmctl reads orders up to \(Self.maximumOrder)")
    }
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

  /// Whether `byte` separates fields: not so a vertical tab or a form feed.
  @inline(__always)
  static func isSeparator(_ byte: UInt8) -> Bool {
    byte <= 0x20 && (byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A || byte == 0)
  }

  /// The numbers of a line.
  @inline(__always)
  private mutating func numbers(
    _ line: UnsafeRawBufferPointer, _ fields: Fields
  ) throws -> (probability: ARPANumber, backoff: ARPANumber) {
    func number(_ range: Range<Int>, _ kind: String) throws -> ARPANumber {
      let text = UnsafeRawBufferPointer(rebasing: line[range])
      guard let decimal = DecimalText.parse(text), !decimal.isNaN, decimal < .infinity else {
        throw problem("'\(Self.excerpt(text))' is not the logarithm of a \(kind)")
      }
      // A number, however large, is not what infinity is: ln 0.
      let isNumber = text.contains { (48...57).contains($0) }
      guard decimal.isFinite || !isNumber, let number = ARPANumber(decimal: decimal) else {
        throw problem("'\(Self.excerpt(text))' as the logarithm of a \(kind) is beyond single precision")
      }
      return number
    }
    var probability = try number(fields.logProbability, "probability")
    if probability.natural > 0 {
      if positive.count == 0 { positive.line = lines.lineNumber }
      positive.count += 1
      probability = ARPANumber(natural: 0)
    }
    let backoff = try fields.logBackoff.map { try number($0, "back-off weight") }
    return (probability, backoff ?? ARPANumber(natural: 0))
  }

  private mutating func readUnigram(_ line: UnsafeRawBufferPointer) throws {
    let fields = try Self.fields(of: line, order: 1, in: lines) { word in
      guard String(validating: word, as: UTF8.self) != nil else {
        throw problem("invalid UTF-8; convert the file (iconv -f LATIN1 -t UTF-8)")
      }
      unigrams.words.append(word)
    }
    let (probability, backoff) = try numbers(line, fields)
    unigrams.section.append(
      probability: probability, backoff: backoff, line: UInt32(clamping: lines.lineNumber))
  }

  private mutating func readNGram(_ line: UnsafeRawBufferPointer, order: Int) throws {
    guard let names else { return }
    let index = order - 2
    let sentenceStart = UInt32(names.count)
    let first = sections[index].words.count
    let fields = try Self.fields(of: line, order: order, in: lines) { word in
      if let id = names.find(word) {
        sections[index].words.append(id)
      } else if let mark = unigrams.mark(word) {
        sections[index].words.append(mark == .sentenceStart ? sentenceStart : mark.rawValue)
      } else {
        throw problem("the word '\(Self.excerpt(word))' is not among the 1-grams")
      }
    }
    let (probability, backoff) = try numbers(line, fields)
    // IRSTLM pads sentences with several <s>; in lmctl, one is a whole context.
    if sections[index].words[(first + 1)...].contains(sentenceStart) {
      sections[index].words.removeSubrange(first...)
      padding[index] += 1
      return
    }
    sections[index].append(
      probability: probability, backoff: backoff, line: UInt32(clamping: lines.lineNumber))
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
      let names = try unigrams.settle(&remarks)
      self.names = names
      vocabulary = try vocabulary(named: names)
    } catch let repeated as UnigramSection.Repetition {
      throw TextError(
        file: lines.source.name, line: Int(repeated.line),
        reason: "'\(repeated.word)' is among the 1-grams before")
    }
  }

  /// The tokens that the words of the file stand for, with the same numbers.
  private func vocabulary(named names: Vocabulary) throws -> Vocabulary {
    guard ARPAName.escapes(textRules) else { return names }
    var builder = VocabularyBuilder(unit: textRules.unit)
    for id in 2..<TokenID(names.count) {
      var token = CharacterEscape.token(named: names[id])
      let line = unigrams.section.lines[Int(id)]
      guard textRules.unit == .word || textRules.isToken(token) else {
        throw TextError(
          file: lines.source.name, line: Int(line),
          reason: "'\(names[id])' is not one token of \(textRules.optionsOfTokens)")
      }
      guard token.withUTF8({ builder.add(UnsafeRawBufferPointer($0)) }) == id else {
        throw UnigramSection.Repetition(word: names[id], line: line)
      }
    }
    return builder.inOrderOfAppearance
  }

  /// The text rules to go by.
  private var textRules: Tokenizer { tokenizer ?? rules?.0.tokenizer ?? ARPATextRules.foreign }

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
      name: lines.source.name, vocabulary: vocabulary, tokenizer: textRules, context: rules?.0.context,
      sections: [unigrams.section] + sections, remarks: remarks)
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
