/// The tokens that a model knows, numbered from 0.
///
/// Token 0 is UNK, which stands for every token outside the vocabulary. Token 1 ends a sentence. The others follow
/// by falling count in the training text, then by code point.
public struct Vocabulary: Sendable {
  /// The token that stands for every token outside the vocabulary.
  public static let unknown: TokenID = 0
  /// The token that ends every sentence; it is predicted and scored.
  public static let endOfSentence: TokenID = 1
  /// How UNK is written.
  public static let unknownToken = "<unk>"

  /// What a token is.
  public let unit: TextUnit
  private let table: WordTable

  /// A vocabulary of UNK, the unit's end of sentence, and `tokens` in their order.
  ///
  /// UNK, the end of sentence and repetitions among `tokens` are passed over.
  public init(unit: TextUnit, tokens: some Sequence<String>) {
    var table = Self.specials(of: unit)
    for var token in tokens {
      token.withUTF8 { _ = table.insert(UnsafeRawBufferPointer($0)) }
    }
    self.unit = unit
    self.table = table
  }

  init(unit: TextUnit, table: WordTable) {
    self.unit = unit
    self.table = table
  }

  /// A table that holds just UNK and the end of sentence.
  static func specials(of unit: TextUnit) -> WordTable {
    var table = WordTable()
    for var token in [unknownToken, unit.endOfSentence] {
      token.withUTF8 { _ = table.insert(UnsafeRawBufferPointer($0)) }
    }
    return table
  }

  /// How many tokens there are, with UNK and the end of sentence.
  public var count: Int { table.count }

  /// How often `tokens` have each of its own.
  public func counts(of tokens: [TokenID]) -> [Int] {
    var counts = [Int](repeating: 0, count: count)
    for token in tokens { counts[Int(token)] += 1 }
    return counts
  }

  /// The text of token `id`, as it stands in the checkpoint.
  public subscript(id: TokenID) -> String {
    table.withBytes(of: id) { String(decoding: $0, as: UTF8.self) }
  }

  /// All tokens in order.
  public var tokens: [String] { (0..<TokenID(count)).map { self[$0] } }

  /// The number of the token with these bytes; UNK if there is none.
  public func id(of token: UnsafeRawBufferPointer) -> TokenID { table.find(token) ?? Self.unknown }

  /// The number of the token with these bytes; `nil` if there is none.
  public func find(_ token: UnsafeRawBufferPointer) -> TokenID? { table.find(token) }

  /// Appends the number of each of `tokens`, UNK where there is none.
  public func append(idsOf tokens: TokenSpans, to ids: inout [TokenID]) {
    table.withLookup { lookup in
      tokens.withBytes { bytes in
        for span in tokens.spans { ids.append(lookup.find(bytes, span.start, span.end) ?? Self.unknown) }
      }
    }
  }

  /// The number of `token`; UNK if there is none.
  public func id(of token: String) -> TokenID {
    var token = token
    return token.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }
  }

  /// Calls `body` with the bytes of token `id`.
  public func withBytes<R>(of id: TokenID, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try table.withBytes(of: id, body)
  }
}

/// Collects the tokens of a text and their counts, then settles the vocabulary.
///
/// Tokens get provisional numbers in order of appearance, so that one pass over the text serves both the counts and the
/// text's numbers; `settle` says how to renumber them.
public struct VocabularyBuilder: Sendable {
  /// What a token is.
  public let unit: TextUnit
  /// How often each provisional token was seen.
  public private(set) var counts: [Int] = [0, 0]
  private var table: WordTable

  /// An empty count of tokens of `unit`.
  public init(unit: TextUnit) {
    self.unit = unit
    table = Vocabulary.specials(of: unit)
  }

  /// Counts `token` once and returns its provisional number.
  public mutating func add(_ token: UnsafeRawBufferPointer) -> TokenID {
    let id = table.insert(token)
    if Int(id) == counts.count { counts.append(0) }
    counts[Int(id)] += 1
    return id
  }

  /// Counts each of `tokens` once, and appends their provisional numbers.
  public mutating func add(_ tokens: TokenSpans, to ids: inout [TokenID]) {
    let first = ids.count
    number(tokens, to: &ids)
    ids.withUnsafeBufferPointer { ids in
      counts.withUnsafeMutableBufferPointer { counts in
        for i in first..<ids.count { counts[Int(ids[i])] += 1 }
      }
    }
  }

  /// Appends the provisional numbers of `tokens`, which are not counted.
  public mutating func number(_ tokens: TokenSpans, to ids: inout [TokenID]) {
    tokens.withBytes { bytes in
      for span in tokens.spans {
        ids.append(table.insert(bytes, span.start, span.end))
      }
    }
    if counts.count < table.count {
      counts.append(contentsOf: repeatElement(0, count: table.count - counts.count))
    }
  }

  /// The provisional number of `token`, which is not counted.
  public mutating func number(of token: UnsafeRawBufferPointer) -> TokenID {
    let id = table.insert(token)
    if Int(id) == counts.count { counts.append(0) }
    return id
  }

  /// The provisional number of `token` if it has one.
  public func find(_ token: UnsafeRawBufferPointer) -> TokenID? { table.find(token) }

  /// Counts a provisional token `count` times.
  public mutating func add(count: Int, to id: TokenID) { counts[Int(id)] += count }

  /// Calls `body` with the bytes of a provisional token.
  public func withBytes<R>(of id: TokenID, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try table.withBytes(of: id, body)
  }

  /// The number in `vocabulary` of every provisional token.
  public func renumbering(to vocabulary: Vocabulary) -> [TokenID] {
    (0..<TokenID(counts.count)).map { id in table.withBytes(of: id) { vocabulary.id(of: $0) } }
  }

  /// Takes back one count of a provisional token.
  public mutating func remove(_ id: TokenID) { counts[Int(id)] -= 1 }

  /// How often `token` was seen.
  public func count(of token: UnsafeRawBufferPointer) -> Int {
    table.find(token).map { counts[Int($0)] } ?? 0
  }

  /// How many different tokens were seen, the end of sentence among them; UNK only if the text holds it.
  public var types: Int { counts.reduce(0) { $0 + ($1 > 0 ? 1 : 0) } }

  /// The vocabulary of all tokens seen at least `minimumCount` times, cut to `maximumSize` entries (with UNK and the end of
  /// sentence) by dropping the rarest, and the final number of every provisional one.
  public consuming func settle(
    minimumCount: Int, maximumSize: Int?
  ) -> (Vocabulary, renumbering: [TokenID]) {
    // Two tables at the same time would take twice the memory.
    table.forgetPlaces()
    var kept = (2..<TokenID(counts.count)).filter { counts[Int($0)] >= minimumCount }
    kept.sort { left, right in
      let (a, b) = (counts[Int(left)], counts[Int(right)])
      return a != b ? a > b : precedes(left, right)
    }
    if let maximumSize { kept = Array(kept.prefix(max(0, maximumSize - 2))) }
    var settled = Vocabulary.specials(of: unit)
    var renumbering = [TokenID](repeating: Vocabulary.unknown, count: counts.count)
    renumbering[Int(Vocabulary.endOfSentence)] = Vocabulary.endOfSentence
    for id in kept {
      renumbering[Int(id)] = table.withBytes(of: id) { settled.insert($0) }
    }
    return (Vocabulary(unit: unit, table: settled), renumbering)
  }

  /// The vocabulary of all tokens seen, numbered as `add` numbered them.
  public var inOrderOfAppearance: Vocabulary { Vocabulary(unit: unit, table: table) }

  /// UTF-8 bytes compare as code points do.
  private func precedes(_ left: TokenID, _ right: TokenID) -> Bool {
    table.withBytes(of: left) { left in
      table.withBytes(of: right) { right in left.lexicographicallyPrecedes(right) }
    }
  }
}
