import LanguageModels
import NGramModels

/// What a file is by what stands in it, so that a model that is given where a text belongs is not read as one.
enum FileKind {
  case checkpoint
  case arpa
  case binaryModel
  case log
  case counts
  case configuration
  case text

  /// Bytes that are looked at.
  private static let size = 1 << 16

  /// The kind of `source`, of which nothing is taken.
  init(_ source: ByteSource) throws {
    // Somebody may be typing, or answering line by line: what is there must do.
    let start = try source.isInteractive ? source.peekOnce(Self.size) : source.peek(Self.size)
    self.init(start: start)
  }

  /// The kind of a file that begins so.
  init(start: [UInt8]) {
    let bytes = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start[3...] : start[...]
    let isWhole = start.count < Self.size
    let head = bytes.drop { $0 <= 0x20 }
    if head.first == UInt8(ascii: "{") {
      self = Self.ofJSON(Array(head), isWhole: isWhole)
    } else if head.starts(with: "mmap lm ".utf8) || head.starts(with: "iARPA".utf8) {
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
    if start.starts(with: #"{"event":"#.utf8) { return .log }
    // To search a string for another would bring regular expressions into the program, a tenth of its size.
    if start.indices.contains(where: { start[$0...].starts(with: #""format":"lmctl""#.utf8) }) {
      return .checkpoint
    }
    guard isWhole, let value = try? bytes.withUnsafeBytes({ try JSONValue(parsing: $0, file: "") }),
      let members = value.members, !members.isEmpty
    else { return .text }
    return members.allSatisfy { optionNames.contains($0.name) } ? .configuration : .text
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
    guard all.count > 1 else { return false }
    var hasMarker = false
    for line in all {
      guard let tab = line.lastIndex(of: UInt8(ascii: "\t")), tab > line.startIndex, tab + 1 < line.endIndex,
        line[(tab + 1)...].allSatisfy({ (48...57).contains($0) })
      else { return false }
      let words = line[..<tab].split(separator: UInt8(ascii: " "))
      hasMarker =
        hasMarker || words.contains { $0.elementsEqual("</s>".utf8) || $0.elementsEqual("<s>".utf8) }
    }
    return hasMarker
  }
}
