import LanguageModels
import NGramModels

/// What a file is by what stands in it, so that a model that is given where a text belongs is not read as one.
enum FileKind {
  case checkpoint
  case arpa
  case binaryModel
  /// Compressed, under a name that does not say so.
  case compressed
  case log
  case counts
  case configuration
  case text

  /// Bytes that are looked at.
  private static let size = 1 << 16

  /// Bytes that are looked at for the beginning of an ARPA file's data.
  private static let sizeBeforeData = 1 << 24

  /// The kind of `source`, of which nothing is taken.
  init(_ source: ByteSource) throws {
    // Somebody may be typing, or answering line by line: what is there must do.
    let start = try source.isInteractive ? source.peekOnce(Self.size) : source.peek(Self.size)
    self.init(start: start)
    // Anything may stand before an ARPA file's data, so one that is called so is looked through further.
    if self == .text, !source.isInteractive, source.name.withoutCompressionExtension.hasSuffix(".arpa"),
      Self.hasLine("\\data\\", try source.peek(Self.sizeBeforeData)[...])
    {
      self = .arpa
    }
  }

  /// The kind of a file that begins so.
  init(start: [UInt8]) {
    let bytes = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start[3...] : start[...]
    let isWhole = start.count < Self.size
    let head = bytes.drop { $0 <= 0x20 }
    let magics: [[UInt8]] = [
      [0x1F, 0x8B], [0x28, 0xB5, 0x2F, 0xFD], [0xFD, 0x37, 0x7A, 0x58, 0x5A], Array("BZh".utf8),
    ]
    if magics.contains(where: { start.starts(with: $0) }) {
      self = .compressed
    } else if head.first == UInt8(ascii: "{") {
      self = Self.ofJSON(Array(head), isWhole: isWhole)
    } else if ["mmap lm ", "iARPA", "qARPA", "blmt"].contains(where: { head.starts(with: $0.utf8) }) {
      self = .binaryModel
    } else if Self.hasLine("\\data\\", bytes), Self.hasLine("ngram 1=", bytes, isPrefix: true) {
      self = .arpa
    } else if Self.isCounts(bytes, isWhole: isWhole) {
      self = .counts
    } else {
      self = .text
    }
  }

  /// What it is, as in `is …, not a text`.
  var name: String {
    switch self {
    case .checkpoint: "a model of lmctl"
    case .arpa: "an ARPA file"
    case .binaryModel: "a binary model of another program"
    case .compressed: "compressed (give the file a name that ends in .gz, .bz2, .xz or .zst, or use zcat)"
    case .log: "a log of a training"
    case .counts: "a file of counts"
    case .configuration: "a configuration of lmctl"
    case .text: "a text"
    }
  }

  /// Whether it is a model that lmctl reads.
  var isModel: Bool { self == .checkpoint || self == .arpa }

  /// An error if the file at `path` shows that it is none of these kinds.
  ///
  /// A text may be anything, so it is left to whoever reads it; and what can be read only once is not looked at.
  static func require(_ kinds: [FileKind], _ path: String, _ wanted: String) throws {
    if path == "-" { return }
    let source = try ByteSource(path: path)
    if source.isInteractive { return }
    let kind = try FileKind(source)
    if kind != .text, !kinds.contains(kind) {
      throw FileError(path: path, reason: "is \(kind.name), not \(wanted)")
    }
  }

  // MARK: Signs

  private static func ofJSON(_ bytes: [UInt8], isWhole: Bool) -> FileKind {
    let start = bytes.prefix(4096).filter { $0 > 0x20 }
    // Other programs write objects with an event, too.
    if [#"{"event":"start","time":"#, #"{"event":"resume","time":"#].contains(where: {
      start.starts(with: $0.utf8)
    }) {
      return .log
    }
    if [#"{"ngram":["#, #"{"text_rules":{"#].contains(where: { start.starts(with: $0.utf8) }) {
      return .counts
    }
    // To search a string for another would bring regular expressions into the program, a tenth of its size.
    if start.indices.contains(where: { start[$0...].starts(with: #""format":"lmctl""#.utf8) }) {
      return .checkpoint
    }
    guard isWhole, let value = try? bytes.withUnsafeBytes({ try JSONValue(parsing: $0, file: "") }),
      let members = value.members, !members.isEmpty
    else { return .text }
    // A few members may have the names of options by chance.
    let isConfiguration =
      members.count >= 5
      || members.contains { $0.name == "model" && ModelKind(rawValue: $0.value.stringValue ?? "") != nil }
    return isConfiguration && members.allSatisfy { optionNames.contains($0.name) } ? .configuration : .text
  }

  /// What can stand in a configuration.
  private static let optionNames: Set<String> = Set(
    CommandLineTool.commands.flatMap { command in
      command.allOptions.map(\.name) + [command.operandsInConfiguration].compactMap { $0 }
    })

  private static func lines(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    bytes.split(separator: UInt8(ascii: "\n")).map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
  }

  private static func hasLine(_ text: String, _ bytes: ArraySlice<UInt8>, isPrefix: Bool = false) -> Bool {
    lines(bytes).contains { isPrefix ? $0.starts(with: text.utf8) : $0.elementsEqual(text.utf8) }
  }

  /// Counts are lines `n-gram TAB number`, sorted; there are always ends of sentences among them.
  private static func isCounts(_ bytes: ArraySlice<UInt8>, isWhole: Bool) -> Bool {
    guard bytes.prefix(1000).contains(UInt8(ascii: "\t")) else { return false }
    var all = lines(bytes)
    if !isWhole { all.removeLast() }
    // What begins with a space is no n-gram, but says what these are.
    if all.first?.first == UInt8(ascii: " ") { all.removeFirst() }
    guard all.count > 1 else { return false }
    var hasMarker = false
    var previous: [ArraySlice<UInt8>] = []
    for line in all {
      guard let tab = line.lastIndex(of: UInt8(ascii: "\t")), tab > line.startIndex, tab + 1 < line.endIndex,
        line[(tab + 1)...].allSatisfy({ (48...57).contains($0) })
      else { return false }
      let words = line[..<tab].split(separator: UInt8(ascii: " "))
      guard previous.isEmpty || isOrdered(previous, words) else { return false }
      previous = words
      hasMarker =
        hasMarker || words.contains { $0.elementsEqual("</s>".utf8) || $0.elementsEqual("<s>".utf8) }
    }
    return hasMarker
  }

  /// Whether one n-gram stands before another, word by word.
  private static func isOrdered(_ a: [ArraySlice<UInt8>], _ b: [ArraySlice<UInt8>]) -> Bool {
    a.lexicographicallyPrecedes(b) { $0.lexicographicallyPrecedes($1) }
  }
}
