/// Two sentences that differ in little, the first of which is the better.
public struct MinimalPair: Sendable {
  public let good: [UInt8]
  public let bad: [UInt8]
  /// What kind of pair it is; empty if nobody says.
  public let group: String
  /// Where it stands in its file.
  public let line: Int

  /// The members that name the group of an object where nobody says which does, in the order in which they are looked for.
  public static let groupMembers = ["UID", "linguistics_term", "field"]

  /// Reads all pairs of a file: lines of two or three columns with tabs between them (good, bad, group), or JSON Lines with the members of BLiMP
  /// (Warstadt et al. 2020): `sentence_good`, `sentence_bad`. Empty lines are passed over.
  ///
  /// - Parameter member: the member that names the group of an object.
  /// - Throws: `TextError`, which names the line that is no pair; `FileError` if there is none.
  public static func read(from source: ByteSource, groupedBy member: String? = nil) throws -> [MinimalPair] {
    let reader = LineReader(source)
    var pairs: [MinimalPair] = []
    var isJSON = false
    while var line = try reader.next() {
      if line.last == UInt8(ascii: "\r") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
      if line.allSatisfy({ $0 == UInt8(ascii: " ") }) { continue }
      if pairs.isEmpty {
        isJSON = line.first == UInt8(ascii: "{") && !line.contains(UInt8(ascii: "\t"))
        if !isJSON, let member {
          throw FileError(
            path: source.name,
            reason: "has columns, the third of which is the group; '\(member)' cannot be one"
          )
        }
      }
      let place = Place(file: source.name, line: reader.lineNumber)
      pairs.append(try isJSON ? object(line, place, member) : columns(line, place))
    }
    if pairs.isEmpty {
      throw FileError(path: source.name, reason: "has no pairs; \(expected)")
    }
    return pairs
  }

  private static let expected = "a pair is a line of two sentences with a tab between them, or a JSON object"

  /// A line of a file.
  private struct Place {
    let file: String
    let line: Int

    func problem(_ reason: String) -> TextError { TextError(file: file, line: line, reason: reason) }
  }

  private static func columns(_ line: UnsafeRawBufferPointer, _ place: Place) throws -> MinimalPair {
    let columns = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
    guard (2...3).contains(columns.count) else {
      throw place.problem(
        "has \(columns.count) column\(columns.count == 1 ? "" : "s"); the good sentence, the bad one and, if there are groups, the group "
          + "stand in columns with tabs between them")
    }
    if columns[0].isEmpty || columns[1].isEmpty { throw place.problem("one of the two sentences is empty") }
    return MinimalPair(
      good: Array(columns[0]), bad: Array(columns[1]),
      group: columns.count > 2 ? String(decoding: columns[2], as: UTF8.self) : "", line: place.line)
  }

  private static func object(
    _ line: UnsafeRawBufferPointer, _ place: Place, _ member: String?
  ) throws -> MinimalPair {
    let object = try JSONValue(parsing: line, file: place.file, line: place.line)
    func sentence(_ name: String) throws -> [UInt8] {
      guard let text = object[name]?.stringValue else {
        throw place.problem("has no text '\(name)'; an object has the members sentence_good and sentence_bad")
      }
      if text.isEmpty { throw place.problem("'\(name)' is empty") }
      return Array(text.utf8)
    }
    let (good, bad) = (try sentence("sentence_good"), try sentence("sentence_bad"))
    let group = (member.map { [$0] } ?? groupMembers).lazy.compactMap { object[$0] }.first
    if let member, group == nil { throw place.problem("has no '\(member)', which is to name its group") }
    return MinimalPair(
      good: good, bad: bad, group: group.map { $0.stringValue ?? $0.text } ?? "", line: place.line)
  }

  /// Its sentences as tokens, without their ends.
  ///
  /// - Parameter file: where it stands, for messages.
  public func tokens(
    _ tokenizer: Tokenizer, _ vocabulary: Vocabulary, file: String
  ) throws -> (good: [TokenID], bad: [TokenID]) {
    func tokens(_ text: [UInt8]) throws -> [TokenID] {
      var tokens: [TokenID] = []
      try tokenizer.forEachToken(of: text) { tokens.append(vocabulary.id(of: $0)) }
      return tokens
    }
    do {
      return (try tokens(good), try tokens(bad))
    } catch let error as TextError {
      throw TextError(file: file, line: line, reason: error.reason)
    }
  }
}
