import LanguageModels

/// `lmctl tokenize`.
enum TokenizeCommand: Command {
  static let name = "tokenize"
  static let summary = "show how text becomes tokens; count them"
  static let operands = "[OPTION…] [TEXT…]"
  static let discussion = """
    Writes the tokens of each sentence on one line, with spaces between them and the end of sentence behind. In units other
    than words, a space shows as ▁ and the end of a line as \\n. Tokens outside the vocabulary show as <unk> if there is a
    vocabulary: from --vocab or --checkpoint, or from the text itself with any of --ids, --vocab-out, --min-count, --max-vocab
    (the whole text is then read first).
    """
  static let options: [(heading: String, options: [Option])] = [
    (
      "output",
      [
        Option(flag: "ids", "numbers in place of tokens"),
        Option("vocab-out", "FILE", "write the vocabulary to FILE, one token a line"),
        Option(
          flag: "stats",
          "no tokens, but how many there are, and for each count\ncut-off from 1 to 10 the vocabulary and the unknown tokens"
        ),
        Option("valid", "FILE", "with --stats: count the unknown tokens of FILE"),
        Option(flag: "json", "with --stats: one JSON object"),
      ]
    ),
    (
      "text",
      [
        TextOptions.unit, TextOptions.lowercase, TextOptions.minimumCount, TextOptions.maximumSize,
        TextOptions.vocabulary, Option("checkpoint", "FILE", "text rules and vocabulary of a model"),
        TextOptions.invalid,
      ]
    ),
    ("other", [TextOptions.quiet]),
  ]
  static let operandsInConfiguration: String? = "texts"
  static let examples = [
    "lmctl tokenize --lowercase text.txt",
    "lmctl tokenize --checkpoint model.json --ids test.txt",
    "lmctl tokenize --stats train.txt --valid valid.txt",
  ]

  static func run(_ arguments: Arguments) throws {
    let paths = arguments.operands
    let files = ["vocab", "checkpoint", "valid"].map { arguments.string($0) }
    try TextOptions.requireSingleStandardInput(paths, files[0], files[1], files[2])
    if let output = arguments.string("vocab-out") {
      try AtomicFile.check(path: output, inputs: paths + files.compactMap { $0 })
    }
    for name in ["valid", "json"] where arguments.has(name) && !arguments.has("stats") {
      throw UsageError("--\(name) goes with --stats")
    }
    if arguments.has("stats") {
      for name in ["ids", "vocab-out", "vocab", "checkpoint", "min-count", "max-vocab"]
      where arguments.has(name) {
        throw UsageError("--\(name) does not go with --stats")
      }
      let tokenizer = try TextOptions.tokenizer(arguments)
      let statistics = try VocabularyStatistics(paths, valid: arguments.string("valid"), tokenizer: tokenizer)
      return StandardOutput.shared.write(
        arguments.has("json") ? statistics.json.text + "\n" : statistics.table)
    }
    let (tokenizer, source) = try rules(arguments)
    let writer = TokenWriter(asNumbers: arguments.has("ids"))
    let reader = try TextOptions.reader(paths, tokenizer: tokenizer)
    let written: Vocabulary?
    switch source {
    case nil:
      try writer.writeTokens(from: reader)
      written = nil
    case .fixed(let vocabulary):
      try writer.write(from: reader, vocabulary)
      written = vocabulary
    case .counted:
      guard let source else { return }
      let (corpus, _, vocabulary) = try Corpus.build(from: reader, vocabulary: source)
      try writer.write(corpus, vocabulary)
      written = vocabulary
    }
    if let path = arguments.string("vocab-out") { try written?.write(to: path) }
    if !arguments.has("quiet") { TextOptions.report(reader.statistics) }
  }

  /// The text rules, and where the vocabulary comes from if there is to be one.
  private static func rules(_ arguments: Arguments) throws -> (Tokenizer, VocabularySource?) {
    if let path = arguments.string("checkpoint") {
      for name in ["unit", "lowercase", "min-count", "max-vocab", "vocab"] where arguments.has(name) {
        throw UsageError("--\(name) does not go with --checkpoint, which fixes text rules and vocabulary")
      }
      let checkpoint = try Checkpoint(path: path)
      var tokenizer = checkpoint.tokenizer
      tokenizer.invalid = try arguments.choice("invalid") ?? tokenizer.invalid
      return (tokenizer, .fixed(checkpoint.vocabulary))
    }
    let tokenizer = try TextOptions.tokenizer(arguments)
    let needsVocabulary = ["ids", "vocab-out", "min-count", "max-vocab", "vocab"].contains {
      arguments.has($0)
    }
    return (tokenizer, needsVocabulary ? try TextOptions.vocabulary(arguments, tokenizer: tokenizer) : nil)
  }
}

/// Writes tokens, one sentence a line.
private struct TokenWriter {
  let asNumbers: Bool

  /// The tokens as they stand in the text.
  func writeTokens(from reader: SentenceReader) throws {
    var line: [UInt8] = []
    let unit = reader.tokenizer.unit
    while true {
      if reader.wouldBlock { try StandardOutput.shared.flush() }
      line.removeAll(keepingCapacity: true)
      guard let kind = try reader.next() else { return }
      reader.tokens.forEach { token in
        if unit == .word {
          line.append(contentsOf: token)
        } else {
          line.append(contentsOf: Vocabulary.displayName(of: String(decoding: token, as: UTF8.self)).utf8)
        }
        line.append(UInt8(ascii: " "))
      }
      guard kind == .sentence else { continue }
      line.append(contentsOf: (Vocabulary.displayName(of: unit.endOfSentence) + "\n").utf8)
      try StandardOutput.shared.writeBytes(line)
    }
  }

  /// The tokens as `vocabulary` knows them.
  func write(from reader: SentenceReader, _ vocabulary: Vocabulary) throws {
    let names = self.names(vocabulary)
    var tokens: [TokenID] = []
    while true {
      if reader.wouldBlock { try StandardOutput.shared.flush() }
      tokens.removeAll(keepingCapacity: true)
      guard let kind = try reader.next() else { return }
      guard kind == .sentence else { continue }
      vocabulary.append(idsOf: reader.tokens, to: &tokens)
      for token in tokens { try StandardOutput.shared.writeBytes(names[Int(token)]) }
      try StandardOutput.shared.writeBytes(names[Int(Vocabulary.endOfSentence)])
    }
  }

  /// A text read before.
  func write(_ corpus: Corpus, _ vocabulary: Vocabulary) throws {
    let names = self.names(vocabulary)
    for token in corpus.tokens { try StandardOutput.shared.writeBytes(names[Int(token)]) }
  }

  /// What is written for each token: itself and what separates it from the next.
  private func names(_ vocabulary: Vocabulary) -> [[UInt8]] {
    (0..<TokenID(vocabulary.count)).map { token in
      let name = asNumbers ? "\(token)" : vocabulary.displayName(of: token)
      return Array((name + (token == Vocabulary.endOfSentence ? "\n" : " ")).utf8)
    }
  }
}
