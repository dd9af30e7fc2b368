import LanguageModels

extension NGramModel {
  /// Reads the model that an ARPA file holds; see `read(arpa:tokenizer:notice:)`.
  ///
  /// - Parameter notice: called with a sentence about each thing that is unusual about the file.
  /// - Throws: `TextError` that names the line, or `FileError`.
  public init(arpa source: ByteSource, notice: (String) -> Void = { _ in }) throws {
    self = try Self.read(arpa: source, notice: notice).model
  }

  /// Reads the model that an ARPA file holds, and the text rules that belong to it; see `ARPAReader` for what is tolerated.
  ///
  /// Files of other programs say nothing of text rules: their tokens are words, between white space of ASCII, which is how KenLM's and
  /// SRILM's programs split text. A logarithm of exactly −99 is that of zero, as in SRILM; KenLM takes it for 1e-99.
  ///
  /// - Parameters:
  ///   - tokenizer: the text rules, instead of those in the file or those of other programs; its unit must be the file's, if that names one.
  ///   - notice: called with a sentence about each thing that is unusual about the file.
  /// - Returns: the model, its text rules, and its context, if the file tells it.
  /// - Throws: `TextError` that names the line, or `FileError`.
  public static func read(
    arpa source: ByteSource, tokenizer: Tokenizer? = nil, notice: (String) -> Void = { _ in }
  ) throws -> (model: NGramModel, tokenizer: Tokenizer, context: ContextMode?) {
    let contents = try ARPAReader.read(source, tokenizer: tokenizer)
    for remark in contents.remarks { notice("\(source.name): \(remark)") }
    let (trie, digits) = try ARPATrie(contents).trie
    let model = NGramModel(
      vocabulary: contents.vocabulary, context: contents.context ?? .sentence, trie: trie, smoothing: nil,
      record: [], requestedOrder: trie.order, digits: digits)
    return (model, contents.tokenizer, contents.context)
  }

  /// The text rules that stand at the beginning of an ARPA file, and the context of its model; `nil` if another program wrote it, or a model of plain
  /// words. Nothing is taken from `source`.
  ///
  /// - Throws: `TextError` when they cannot be understood.
  public static func textRules(
    ofARPA source: ByteSource
  ) throws -> (tokenizer: Tokenizer, context: ContextMode)? {
    let start = try source.peek(4096)
    for (i, line) in start.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
      if line.starts(with: "\\data\\".utf8) { break }
      let rules = try line.withUnsafeBytes { try ARPATextRules(line: $0, file: source.name, number: i + 1) }
      if let rules { return (rules.tokenizer, rules.context) }
    }
    return nil
  }

  /// The text rules that are assumed for ARPA files of other programs: words between white space of ASCII.
  public static var foreignTokenizer: Tokenizer { ARPATextRules.foreign }

  /// Whether `source` looks like an ARPA file rather than a checkpoint; nothing is taken from it.
  public static func isARPA(_ source: ByteSource) throws -> Bool {
    let start = try source.peek(4096)
    let first = start.first { $0 > 0x20 }
    if first == UInt8(ascii: "{") { return false }
    // Anything may stand before \data\, so a name counts too.
    if source.name.withoutCompressionExtension.hasSuffix(".arpa") { return true }
    let marks = ["\\data\\", "iARPA", "mmap lm "]
    return start.indices.contains { i in marks.contains { start[i...].starts(with: $0.utf8) } }
  }
}
