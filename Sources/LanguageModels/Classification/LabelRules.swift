/// How lines name the labels of their texts: in fastText's format, as words that begin with a prefix, `__label__good a fine film`, or in
/// columns, `good TAB a fine film`.
///
/// A line with words that have the prefix is in fastText's format, wherever these stand; else its first column is the label or, where texts
/// may have several, the labels with commas between them.
public struct LabelRules: Sendable, Equatable {
  /// What labels begin with in fastText's format.
  public var prefix = usualPrefix
  /// Whether a text may have several labels.
  public var isMultiple = false

  /// fastText's own.
  public static let usualPrefix = "__label__"

  public init() {}

  /// The labels of a line, and what of it is text; `columns` says whether a first column is the labels.
  ///
  /// In fastText's format the text is put together in `buffer`, which has room for the line.
  func split(_ line: UnsafeRawBufferPointer, columns: Bool, buffer: UnsafeMutableRawBufferPointer) -> (
    labels: [String], text: UnsafeRawBufferPointer
  ) {
    if let found = prefixed(line, buffer) { return found }
    guard columns, let tab = line.firstIndex(of: UInt8(ascii: "\t")) else { return ([], line) }
    let column = line[..<tab]
    let parts = isMultiple ? column.split(separator: UInt8(ascii: ",")) : [column]
    let labels = parts.map { part in
      let start = part.firstIndex { !Self.isSpace($0) } ?? part.endIndex
      let end = part.lastIndex { !Self.isSpace($0) }.map { $0 + 1 } ?? start
      return String(decoding: part[start..<max(start, end)], as: UTF8.self)
    }
    return (labels.filter { !$0.isEmpty }, UnsafeRawBufferPointer(rebasing: line[(tab + 1)...]))
  }

  /// The labels of a line in fastText's format, and its other words with what stands between them; `nil` if it has no label.
  private func prefixed(_ line: UnsafeRawBufferPointer, _ buffer: UnsafeMutableRawBufferPointer) -> (
    labels: [String], text: UnsafeRawBufferPointer
  )? {
    guard hasPrefix(line) else { return nil }
    var labels: [String] = []
    var (place, count) = (0, 0)
    func keep(_ part: Slice<UnsafeRawBufferPointer>) {
      UnsafeMutableRawBufferPointer(rebasing: buffer[count..<count + part.count]).copyBytes(from: part)
      count += part.count
    }
    while place < line.count {
      if Self.isSpace(line[place]) {
        keep(line[place...place])
        place += 1
        continue
      }
      let end = line[place...].firstIndex(where: Self.isSpace) ?? line.count
      let word = line[place..<end]
      if word.count > prefix.utf8.count, word.starts(with: prefix.utf8) {
        labels.append(String(decoding: word.dropFirst(prefix.utf8.count), as: UTF8.self))
        // The space behind a label is none of the text's.
        place = end < line.count && line[end] != UInt8(ascii: "\r") ? end + 1 : end
      } else {
        keep(word)
        place = end
      }
    }
    return labels.isEmpty ? nil : (labels, UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }

  /// Whether one of the words of a line begins with the prefix.
  private func hasPrefix(_ line: UnsafeRawBufferPointer) -> Bool {
    guard let first = prefix.utf8.first else { return false }
    for place in line.indices where line[place] == first {
      let isStart = place == 0 || Self.isSpace(line[place - 1])
      if isStart, line[place...].starts(with: prefix.utf8) { return true }
    }
    return false
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }
}

/// Takes the labels from the lines that a reader reads, and keeps those of each sentence.
public final class LabelReader {
  private let rules: LabelRules
  /// Whether lines without a label are in order: they are to be labelled.
  private let areOptional: Bool
  /// Where the text of a line is put together; valid until the next one, as lines are.
  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 12, alignment: 1)
  /// The labels of each sentence so far, none of them twice.
  public private(set) var labels: [[String]] = []

  /// To be set as `textOfLine` of a reader; labels in columns are looked for unless labels `areOptional`.
  public init(_ rules: LabelRules, areOptional: Bool = false) {
    (self.rules, self.areOptional) = (rules, areOptional)
  }

  deinit { buffer.deallocate() }

  /// The text of a line.
  ///
  /// - Throws: `TextError` if it has no label, or more than one where one is allowed.
  public func text(of line: UnsafeRawBufferPointer, file: String, number: Int) throws
    -> UnsafeRawBufferPointer?
  {
    if !areOptional, line.allSatisfy({ $0 == 0x20 || 0x09...0x0D ~= $0 }) { return nil }
    if line.count > buffer.count {
      buffer.deallocate()
      buffer = .allocate(byteCount: 2 * line.count, alignment: 1)
    }
    let (found, text) = rules.split(line, columns: !areOptional, buffer: buffer)
    if !areOptional { labels.append(try checked(found, file, number)) }
    return text
  }

  private func checked(_ found: [String], _ file: String, _ number: Int) throws -> [String] {
    func wrong(_ reason: String) -> TextError { TextError(file: file, line: number, reason: reason) }
    var own: [String] = []
    for label in found where !own.contains(label) { own.append(label) }
    guard !own.isEmpty else {
      throw wrong(
        "has no label; a line is '\(rules.prefix)LABEL text', or the label, a tab and the text")
    }
    if let label = own.first(where: { $0 == Vocabulary.unknownToken || $0 == TextUnit.word.endOfSentence }) {
      throw wrong("'\(label)' cannot be a label, because lmctl means something else by it; rename it")
    }
    guard own.count == 1 || rules.isMultiple else {
      throw wrong("has \(own.count) labels; with --multi-label, texts may have several")
    }
    return own
  }
}
