/// One list of an n-best file.
public struct NBestList: Sendable {
  /// The file, as messages name it.
  public let file: String
  /// What stands before it that is no hypothesis: a header, an empty line, a byte order mark.
  public let before: [UInt8]
  /// Its lines; at least one.
  public fileprivate(set) var hypotheses: [NBestLine]

  /// What its list is called; empty where lists have no names.
  public var id: [UInt8] { hypotheses[0].id }

  /// The hypothesis that is best as the file has it: that of the largest sum of all, or the first.
  public var best: Int {
    hypotheses.indices.reduce(0) {
      (hypotheses[$1].total ?? -.infinity) > (hypotheses[$0].total ?? -.infinity) ? $1 : $0
    }
  }
}

/// Reads an n-best file list by list.
public final class NBestReader {
  /// What is read; the format is known when a list was read.
  public private(set) var layout: NBestLayout
  /// What stands behind the last hypothesis, when all was read.
  public private(set) var rest: [UInt8] = []

  private let reader: LineReader
  /// Further features of each line, by its key.
  private let archives: [ScoreArchive]
  /// The first line of the next list.
  private var pending: (hypothesis: NBestLine, before: [UInt8])?
  private var srilmVersion = 3

  /// A reader of `source`.
  ///
  /// - Parameter archives: features of the lines that stand in other files.
  public init(_ source: ByteSource, _ layout: NBestLayout, archives: [ScoreArchive] = []) {
    (self.layout, self.archives) = (layout, archives)
    reader = LineReader(source, dropsByteOrderMark: false, maximumLength: LineReader.longestRecord)
  }

  /// The file, as messages name it.
  public var file: String { reader.source.name }

  /// Whether the next call would have to wait for input.
  public var wouldBlock: Bool { reader.wouldBlock }

  /// The next list; `nil` at the end.
  ///
  /// - Throws: `TextError` for a line that is no hypothesis.
  public func next() throws -> NBestList? {
    guard let first = try pending ?? read() else { return nil }
    pending = nil
    var list = NBestList(file: file, before: first.before, hypotheses: [first.hypothesis])
    while let (hypothesis, before) = try read() {
      if !before.isEmpty || hypothesis.id != first.hypothesis.id {
        pending = (hypothesis, before)
        break
      }
      list.hypotheses.append(hypothesis)
    }
    return list
  }

  /// The next hypothesis, and what stands before it.
  private func read() throws -> (hypothesis: NBestLine, before: [UInt8])? {
    var before: [UInt8] = []
    while let line = try reader.next() {
      var bytes = Array(line)
      var end: [UInt8] = reader.isTerminated ? [UInt8(ascii: "\n")] : []
      if bytes.last == UInt8(ascii: "\r") { end.insert(bytes.removeLast(), at: 0) }
      if reader.lineNumber == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
        before += bytes[..<3]
        bytes.removeFirst(3)
      }
      do {
        if try isHypothesis(bytes) {
          var hypothesis = try parse(NBestLine(bytes, line: reader.lineNumber))
          hypothesis.lineEnd = end
          return (hypothesis, before)
        }
      } catch let problem as NBestLine.Problem {
        throw TextError(file: file, line: reader.lineNumber, reason: problem.reason)
      }
      before += bytes + end
    }
    rest += before
    return nil
  }

  /// Whether a line is a hypothesis, not a header or an empty line between lists.
  private func isHypothesis(_ bytes: [UInt8]) throws -> Bool {
    let isEmpty = bytes.allSatisfy(NBestLine.isSpace)
    let format: NBestFormat
    if let known = layout.format {
      format = known
    } else {
      if isEmpty { return false }
      guard let found = NBestFormat(firstLine: bytes) else {
        throw NBestLine.Problem(
          "no n-best list of Moses, SRILM or Kaldi, and without tabs; name the format with --format, and for lines of words alone "
            + "--format tsv --text-column 1 --id-column 0")
      }
      layout.format = found
      format = found
    }
    switch format {
    case .moses, .kaldi:
      if isEmpty { throw NBestLine.Problem("is empty") }
      return true
    case .srilm:
      guard bytes.starts(with: NBestLine.srilmHeader.utf8) else { return !isEmpty }
      srilmVersion = try NBestLine.srilmVersion(bytes)
      return false
    case .tsv: return !isEmpty || bytes.contains(UInt8(ascii: "\t"))
    }
  }

  private func parse(_ line: NBestLine) throws -> NBestLine {
    var hypothesis: NBestLine
    switch layout.format {
    case .moses: hypothesis = try NBestLine(moses: line)
    case .srilm: hypothesis = try NBestLine(srilm: line, version: srilmVersion)
    case .kaldi: hypothesis = try NBestLine(kaldi: line)
    case .tsv, nil: hypothesis = try NBestLine(columns: line, layout)
    }
    for archive in archives {
      let key = String(systemBytes: hypothesis.key)
      guard let cost = archive.costs[key] else {
        throw NBestLine.Problem("'\(key)' has no cost in \(archive.file)")
      }
      hypothesis.features.append(.init(name: archive.name, value: -cost))
    }
    return hypothesis
  }
}

/// Costs, −ln p, of the lines of an n-best file: an archive of Kaldi, as text, with lines `key cost`.
public struct ScoreArchive: Sendable {
  /// What the feature is called that it gives: ln p.
  public let name: String
  /// The file, as messages name it.
  public let file: String
  let costs: [String: Double]

  /// Reads an archive.
  ///
  /// - Throws: `TextError` for a line that is not a key and a number.
  public init(_ source: ByteSource, name: String) throws {
    let reader = LineReader(source, maximumLength: LineReader.longestRecord)
    var costs: [String: Double] = [:]
    while var line = try reader.next() {
      if line.last == UInt8(ascii: "\r") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
      let fields = line.split(whereSeparator: NBestLine.isSpace)
      guard fields.count == 2, let cost = NBestLine.number(fields[1]) else {
        throw TextError(file: source.name, line: reader.lineNumber, reason: "is not a key and a cost")
      }
      costs[String(systemBytes: fields[0])] = cost
    }
    (self.name, self.file, self.costs) = (name, source.name, costs)
  }
}
