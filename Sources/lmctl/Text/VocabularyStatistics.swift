import LanguageModels

/// How many tokens and types a text has, and how the vocabulary and the unknown tokens depend on the count cut-off.
struct VocabularyStatistics {
  private let text: TextStatistics
  private let types: Int
  private let valid: TextStatistics?
  private let cutoffs: [(minimumCount: Int, vocabulary: Int, unknown: Int)]

  /// Reads the texts, and counts the unknown tokens of `valid`, or else of the texts themselves.
  init(_ paths: [String], valid: String?, tokenizer: Tokenizer, allowsEmpty: Bool) throws {
    let reader = try TextFiles.reader(paths, tokenizer: tokenizer)
    Progress.begin("reading")
    defer { Progress.end() }
    var builder = VocabularyBuilder(unit: tokenizer.unit)
    while try reader.next() != nil { reader.tokens.forEach { _ = builder.add($0) } }
    builder.add(count: reader.statistics.sentences, to: Vocabulary.endOfSentence)
    text = reader.statistics
    if !allowsEmpty { try TextFiles.requireText(text, paths) }
    types = builder.types

    // How many tokens there are whose type was seen r times in the text; the last entry is for all counts above.
    var seen = [Int](repeating: 0, count: 11)
    if let valid {
      let reader = try TextFiles.reader([valid], tokenizer: tokenizer)
      while try reader.next() != nil {
        reader.tokens.forEach { seen[min(builder.count(of: $0), 10)] += 1 }
      }
      if !allowsEmpty { try TextFiles.requireText(reader.statistics, [valid]) }
      self.valid = reader.statistics
    } else {
      self.valid = nil
      for count in builder.counts.dropFirst(2) { seen[min(count, 10)] += count }
    }
    let counts = builder.counts.dropFirst(2)
    cutoffs = (1...10).map { minimum in
      (minimum, 2 + counts.reduce(0) { $0 + ($1 >= minimum ? 1 : 0) }, seen[..<minimum].reduce(0, +))
    }
  }

  private var scored: Int { (valid ?? text).tokens }

  /// The table for people.
  var table: String {
    var rows = [
      ("sentences", "\(text.sentences)"),
      ("empty lines skipped", "\(text.emptyLines)"),
      ("tokens", "\(text.tokens)  (with one end of sentence each)"),
      ("types", "\(types)  (with the end of sentence)"),
      ("bytes", "\(text.bytes)"),
    ]
    if let valid { rows.append(("held-out tokens", "\(valid.tokens)")) }
    func column(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: width - text.count) + text
    }
    var lines = Format.table(rows) + "\nmin-count  vocabulary   unknown tokens\n"
    for row in cutoffs {
      lines +=
        column("\(row.minimumCount)", 9) + column("\(row.vocabulary)", 12) + column("\(row.unknown)", 12)
      lines += "  " + Format.percent(row.unknown, of: scored) + "\n"
    }
    return lines
      + "(vocabulary with <unk> and the end of sentence; unknown tokens of \(valid == nil ? "this text" : "the held-out text"))\n"
  }

  /// The object for programs.
  var json: JSONValue {
    [
      "sentences": .integer(text.sentences),
      "empty_lines": .integer(text.emptyLines),
      "tokens": .integer(text.tokens),
      "types": .integer(types),
      "bytes": .integer(text.bytes),
      "valid_tokens": valid.map { .integer($0.tokens) } ?? .null,
      "cutoffs": .array(
        cutoffs.map { row in
          [
            "min_count": .integer(row.minimumCount), "vocabulary": .integer(row.vocabulary),
            "unknown": .integer(row.unknown), "unknown_rate": .number(Double(row.unknown) / Double(scored)),
          ]
        }),
    ]
  }
}
