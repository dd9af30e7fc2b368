import LanguageModels
import NGramModels
import NeuralModels

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
  nonisolated(unsafe) static let settings = TokenizeSettings.table
  static let typed = ["tokenise", "split", "vocab", "wc"]
  static let configurationExample = (
    line: "lmctl tokenize --config run.json", file: #"{"unit": "char", "texts": ["text.txt"]}"#
  )
  static let operandsInConfiguration: String? = "texts"
  static let examples = [
    "lmctl tokenize --lowercase text.txt",
    "lmctl tokenize --checkpoint model.json --ids test.txt",
    "lmctl tokenize --stats train.txt --valid valid.txt",
  ]

  static func run(_ settings: TokenizeSettings, _ paths: [String], given: Arguments) throws {
    let files = [settings.text.vocabularyPath, settings.checkpointPath, settings.validPath]
    try TextFiles.requireSingleStandardInput(paths, files[0], files[1], files[2])
    if let output = settings.vocabularyOutput {
      _ = try OutputFile(
        output, .vocabulary, inputs: paths + files.compactMap { $0 }, isForced: settings.common.isForced)
    }
    if settings.showsStatistics {
      let statistics = try VocabularyStatistics(
        paths, valid: settings.validPath, tokenizer: settings.text.tokenizer,
        allowsEmpty: settings.common.allowsEmpty)
      return StandardOutput.shared.write(
        settings.asJSON ? statistics.json.text + "\n" : statistics.table)
    }
    let (tokenizer, source) = try rules(settings, given)
    if settings.reverses { return try reverse(paths, tokenizer, source, settings) }
    let writer = TokenWriter(asNumbers: settings.asNumbers, asJSON: settings.asJSON)
    let reader = try TextFiles.reader(paths, tokenizer: tokenizer)
    let written: Vocabulary?
    switch source {
    case nil:
      Progress.begin(Progress.writing("-"))
      try writer.writeTokens(from: reader)
      written = nil
    case .fixed(let vocabulary):
      Progress.begin(Progress.writing("-"))
      try writer.write(from: reader, vocabulary)
      written = vocabulary
    case .counted:
      guard let source else { return }
      Progress.begin("reading")
      let (corpus, _, vocabulary) = try Corpus.build(from: reader, vocabulary: source) {
        Progress.show($0.shown)
      }
      Progress.begin(Progress.writing("-"))
      try writer.write(corpus, vocabulary)
      written = vocabulary
    }
    Progress.end()
    if let path = settings.vocabularyOutput { try written?.write(to: path) }
    TextFiles.report(reader.statistics)
  }

  /// Turns tokens, or numbers, back into text.
  private static func reverse(
    _ paths: [String], _ tokenizer: Tokenizer, _ source: VocabularySource?, _ settings: TokenizeSettings
  ) throws {
    var vocabulary: Vocabulary?
    if settings.asNumbers {
      guard case .fixed(let known)? = source else {
        throw UsageError(
          "--reverse --ids needs the vocabulary that the numbers are of: --checkpoint or --vocab FILE")
      }
      vocabulary = known
    }
    let detokenizer = Detokenizer(tokenizer, numbersIn: vocabulary)
    Progress.begin(Progress.writing("-"))
    defer { Progress.end() }
    for path in paths.isEmpty ? ["-"] : paths {
      let byteSource = try ByteSource(path: path)
      Terminal.announce(byteSource)
      try TextFiles.requireText(byteSource)
      let reader = LineReader(byteSource)
      while true {
        if reader.wouldBlock { try StandardOutput.shared.flush() }
        guard let line = try reader.next() else { break }
        try StandardOutput.shared.writeBytes(
          detokenizer.text(of: line, file: byteSource.name, line: reader.lineNumber))
      }
    }
  }

  /// The text rules, and where the vocabulary comes from if there is to be one.
  private static func rules(_ settings: TokenizeSettings, _ given: Arguments) throws -> (
    Tokenizer, VocabularySource?
  ) {
    var tokenizer = settings.text.tokenizer
    try settings.text.checkRules()
    if let path = settings.checkpointPath {
      let source = try ByteSource(path: path)
      let isARPA = try NGramModel.isARPA(source)
      let checkpoint =
        isARPA ? try ModelKind.loadARPA(source).checkpoint : try Checkpoint(source)
      let invalid = tokenizer.invalid
      tokenizer = checkpoint.tokenizer
      if given.has("invalid") { tokenizer.invalid = invalid }
      guard TaskKind(of: checkpoint) == .translate else {
        if settings.side != nil { throw UsageError("--side goes with translators, and \(path) is none") }
        return (tokenizer, .fixed(checkpoint.vocabulary))
      }
      let configuration = try TranslatorConfiguration(json: checkpoint.configuration)
      return (
        tokenizer,
        .fixed(
          settings.side == .target
            ? checkpoint.vocabulary : try Translator.sourceVocabulary(of: checkpoint, configuration))
      )
    }
    let needsVocabulary = TokenizeSettings.needingVocabulary.contains { given.has($0) }
    return (tokenizer, needsVocabulary ? try settings.text.vocabularySource() : nil)
  }
}

/// The settings of `lmctl tokenize`.
struct TokenizeSettings: CommandValues {
  /// A side of a translator.
  enum Side: String, CaseIterable {
    case source
    case target
  }

  var asNumbers = false
  var reverses = false
  var vocabularyOutput: String?
  var showsStatistics = false
  var validPath: String?
  var asJSON = false
  var text = TextSettings()
  var checkpointPath: String?
  var side: Side?
  var common = CommonSettings()

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("output") {
        ids
        Setting(flag: "reverse", \.reverses, "turn lines of tokens, or with --ids of numbers, back into text")
          .notWithStatistics().excludes("vocab-out").typed("detokenize", "decode", "join")
        vocabularyOutput
        CommonSettings.force.lifted(\.common).needs("vocab-out")
        Setting(
          flag: "stats", \.showsStatistics,
          "no tokens, but how many there are, and for each count cut-off from 1 to 10 the vocabulary and the unknown "
            + "tokens"
        ).typed("statistics", "count", "summary")
        Setting("valid", \.validPath, .file, "with --stats: count the unknown tokens of FILE").needs("stats")
        Setting(flag: "json", \.asJSON, "a JSON array for each sentence; with --stats one object")
          .excludes("reverse", because: "which writes text")
      },
      SettingGroup("text") {
        TextSettings.rules.map { $0.lifted(\.text).notWithCheckpoint() }
        vocabulary.map { $0.notWithCheckpoint().notWithStatistics() }
        Setting("checkpoint", \.checkpointPath, .file, "text rules and vocabulary of a model")
          .notWithStatistics().typed("model")
        Setting(
          "side", \.side, .choice("WHICH"), "with the checkpoint of a translator: whose vocabulary",
          default: .rule("source") { $0.side }
        ).needs("checkpoint").typed("language")
        TextSettings.invalid.lifted(\.text)
        CommonSettings.allowEmpty.lifted(\.common)
      },
      CommonSettings.group(\.common),
    ])
  }

  private static var ids: Setting<Self> {
    Setting(flag: "ids", \.asNumbers, "numbers in place of tokens").notWithStatistics().typed("numbers")
  }

  private static var vocabularyOutput: Setting<Self> {
    Setting("vocab-out", \.vocabularyOutput, .file, "write the vocabulary to FILE, one token a line")
      .notWithStatistics().typed("write-vocab", "save-vocab")
  }

  private static var vocabulary: [Setting<Self>] {
    [TextSettings.minimumCount, TextSettings.maximumSize, TextSettings.vocabulary].map { $0.lifted(\.text) }
  }

  /// The settings that ask for tokens as a vocabulary knows them.
  static var needingVocabulary: [String] { ([ids, vocabularyOutput] + vocabulary).map(\.name) }
}

extension Setting where Values == TokenizeSettings {
  /// Statistics are of the text alone.
  fileprivate func notWithStatistics() -> Setting {
    rule { _, given in given.has("stats") ? "does not go with --stats" : nil }
  }

  /// A model has its own rules.
  fileprivate func notWithCheckpoint() -> Setting {
    excludes("checkpoint", because: "which fixes text rules and vocabulary")
  }
}

/// Writes tokens, one sentence a line.
private struct TokenWriter {
  let asNumbers: Bool
  /// Whether each sentence is a JSON array.
  let asJSON: Bool

  /// What stands before the tokens of a sentence.
  private var start: [UInt8] { asJSON ? [UInt8(ascii: "[")] : [] }

  /// A token and what separates it from the next.
  private func written(_ name: String, isLast: Bool) -> [UInt8] {
    guard asJSON else { return Array((name + (isLast ? "\n" : " ")).utf8) }
    let value: JSONValue = asNumbers ? .integer(Int(name) ?? 0) : .string(name)
    return Array((value.text + (isLast ? "]\n" : ",")).utf8)
  }

  /// The tokens as they stand in the text.
  func writeTokens(from reader: SentenceReader) throws {
    var line: [UInt8] = []
    let unit = reader.tokenizer.unit
    while true {
      if reader.wouldBlock { try StandardOutput.shared.flush() }
      line.removeAll(keepingCapacity: true)
      guard let kind = try reader.next() else { return }
      line += start
      reader.tokens.forEach { token in
        if asJSON {
          var name: [UInt8] = []
          Vocabulary.append(displayNameOf: token, unit: unit, to: &name)
          line += written(String(decoding: name, as: UTF8.self), isLast: false)
        } else {
          Vocabulary.append(displayNameOf: token, unit: unit, to: &line)
          line.append(UInt8(ascii: " "))
        }
      }
      guard kind == .sentence else { continue }
      line += written(Vocabulary.displayName(of: unit.endOfSentence, unit: unit), isLast: true)
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
      try StandardOutput.shared.writeBytes(start)
      for token in tokens { try StandardOutput.shared.writeBytes(names[Int(token)]) }
      try StandardOutput.shared.writeBytes(names[Int(Vocabulary.endOfSentence)])
    }
  }

  /// A text read before.
  func write(_ corpus: Corpus, _ vocabulary: Vocabulary) throws {
    let names = self.names(vocabulary)
    var isFirst = true
    for token in corpus.tokens {
      if isFirst { try StandardOutput.shared.writeBytes(start) }
      try StandardOutput.shared.writeBytes(names[Int(token)])
      isFirst = token == Vocabulary.endOfSentence
    }
  }

  /// What is written for each token: itself and what separates it from the next.
  private func names(_ vocabulary: Vocabulary) -> [[UInt8]] {
    (0..<TokenID(vocabulary.count)).map { token in
      written(
        asNumbers ? "\(token)" : vocabulary.displayName(of: token),
        isLast: token == Vocabulary.endOfSentence)
    }
  }
}
