/// How n-best lists are written.
public enum NBestFormat: String, CaseIterable, Sendable {
  /// Moses: `id ||| words ||| Name0= v Name1= v v ||| score`, in natural logarithms; further fields may follow.
  case moses
  /// SRILM's formats 1, 2 and 3 (nbest-format(5)).
  case srilm
  /// Kaldi: `utterance-N words`.
  case kaldi
  /// Columns with tabs between them.
  case tsv

  /// The format of a file that begins with this line; `nil` if it is none of these.
  public init?(firstLine line: [UInt8]) {
    var probe = NBestLine(line, line: 1)
    let rest = probe.takeNamedFeatures()
    let fields = rest.split(maxSplits: 3, whereSeparator: NBestLine.isSpace)
    if line.starts(with: NBestLine.srilmHeader.utf8) {
      self = .srilm
    } else if NBestLine.mosesFields(line).count > 1 {
      self = .moses
    } else if rest.contains(UInt8(ascii: "\t")) {
      self = .tsv
    } else if fields.count >= 3, fields[..<3].allSatisfy({ NBestLine.number($0) != nil }) {
      self = .srilm
    } else if let key = fields.first, NBestLine.list(ofKey: key).count < key.count {
      self = .kaldi
    } else {
      return nil
    }
  }
}

/// What is known of n-best lists before they are read.
public struct NBestLayout: Sendable {
  /// `nil`: what the first line looks like.
  public var format: NBestFormat?
  /// With columns, the number of the one that has the words, from 1.
  public var textColumn: Int
  /// With columns, the number of the one that is the same for all lines of a list; 0: empty lines stand between lists.
  public var idColumn: Int

  /// What is usual.
  public init(format: NBestFormat? = nil, textColumn: Int = 2, idColumn: Int = 1) {
    (self.format, self.textColumn, self.idColumn) = (format, textColumn, idColumn)
  }
}

// MARK: Moses

extension NBestLine {
  /// `id ||| words ||| features ||| score`, and whatever follows.
  init(moses line: NBestLine) throws(Problem) {
    self = line
    let fields = Self.mosesFields(bytes)
    guard fields.count > 2 else {
      throw Problem(
        "has \(fields.count) field\(fields.count == 1 ? "" : "s"); a line is 'id ||| words ||| features ||| score'"
      )
    }
    style = .moses
    id = Array(Self.trimmed(bytes[fields[0]]))
    key = id
    text = Array(Self.trimmed(bytes[fields[1]]))
    let own = Self.trimmed(bytes[fields[2]])
    insertion = own.isEmpty ? fields[2].lowerBound : own.endIndex
    features = Self.mosesFeatures(own)
    guard fields.count > 3 else { return }
    let field = Self.trimmed(bytes[fields[3]])
    guard let value = Self.number(field) else {
      throw Problem("its score, the fourth field, is no number")
    }
    total = value
    totalPlace = field.startIndex..<field.endIndex
    features.append(Feature(name: Self.scoreName, value: value))
  }

  /// Where the fields between `|||` stand.
  static func mosesFields(_ bytes: [UInt8]) -> [Range<Int>] {
    var fields: [Range<Int>] = []
    var (start, i) = (0, 0)
    let bar = UInt8(ascii: "|")
    while i + 2 < bytes.count {
      let isBetween = (i == 0 || isSpace(bytes[i - 1])) && (i + 3 == bytes.count || isSpace(bytes[i + 3]))
      if isBetween, bytes[i] == bar, bytes[i + 1] == bar, bytes[i + 2] == bar {
        fields.append(start..<i)
        start = i + 3
        i = start
      } else {
        i += 1
      }
    }
    return fields + [start..<bytes.count]
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes.drop(while: isSpace)
    while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    return bytes
  }

  /// `Name0= v Name1= v v`, or with colons, as it once was: `Name0`, `Name1.0`, `Name1.1`. Numbers without a name are called 0, 1, ….
  private static func mosesFeatures(_ bytes: ArraySlice<UInt8>) -> [Feature] {
    var groups: [(name: String, values: [Double])] = []
    for field in bytes.split(whereSeparator: isSpace) {
      if let value = number(field) {
        if groups.isEmpty { groups.append(("", [])) }
        groups[groups.count - 1].values.append(value)
      } else if let last = field.last, last == UInt8(ascii: "=") || last == UInt8(ascii: ":") {
        groups.append((String(decoding: field.dropLast(), as: UTF8.self), []))
      } else if let feature = named(field) {
        groups.append((feature.name, [feature.value]))
      }
    }
    return groups.flatMap { group in
      group.values.enumerated().map { i, value in
        let name = group.name.isEmpty ? "\(i)" : group.values.count > 1 ? "\(group.name).\(i)" : group.name
        return Feature(name: name, value: value)
      }
    }
  }
}

// MARK: Kaldi

extension NBestLine {
  /// `utterance-N words`.
  init(kaldi line: NBestLine) throws(Problem) {
    self = line
    let rest = takeNamedFeatures()
    let first = rest.prefix { !Self.isSpace($0) }
    guard !first.isEmpty else { throw Problem("has no key; a line is 'utterance-N words'") }
    key = Array(first)
    id = Array(Self.list(ofKey: first))
    text = Array(rest[first.endIndex...].drop(while: Self.isSpace))
  }

  /// The name of the list that a key `utterance-N` belongs to: what stands before the number.
  static func list(ofKey key: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let dash = key.lastIndex(of: UInt8(ascii: "-")), dash > key.startIndex, dash + 1 < key.endIndex,
      key[(dash + 1)...].allSatisfy({ (48...57).contains($0) })
    else { return key }
    return key[..<dash]
  }
}

// MARK: Columns

extension NBestLine {
  /// Columns with tabs between them; those that are numbers are features, called by the number of the column.
  init(columns line: NBestLine, _ layout: NBestLayout) throws(Problem) {
    self = line
    let columns = bytes.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
    let needed = max(layout.textColumn, layout.idColumn)
    guard columns.count >= needed else {
      throw Problem(
        "has \(columns.count) column\(columns.count == 1 ? "" : "s") and needs \(needed); say where the words are with --text-column, "
          + "and with --id-column what is the same for a list, 0 if empty lines stand between lists")
    }
    text = Array(columns[layout.textColumn - 1])
    if layout.idColumn > 0 { id = Array(columns[layout.idColumn - 1]) }
    key = id
    for (i, column) in columns.enumerated() where i + 1 != layout.textColumn && i + 1 != layout.idColumn {
      if let value = Self.number(column) { features.append(Feature(name: "\(i + 1)", value: value)) }
    }
  }
}
