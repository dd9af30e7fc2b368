import LanguageModels

/// Texts as the command line names them.
enum TextFiles {
  /// An error if texts (standard input, if there are none) and other files name standard input more than once.
  static func requireSingleStandardInput(_ texts: [String], _ others: String?...) throws {
    let named = (texts.isEmpty ? ["-"] : texts) + others.compactMap { $0 }
    guard named.filter({ $0 == "-" }).count < 2 else {
      throw UsageError("standard input ('-') can be read only once")
    }
  }

  /// A reader of the texts that `paths` name; of standard input if there are none.
  ///
  /// Says so when a person is expected to type.
  static func reader(_ paths: [String], tokenizer: Tokenizer, hashing: Bool = false) throws -> SentenceReader
  {
    try requireSingleStandardInput(paths)
    return SentenceReader(paths.isEmpty ? ["-"] : paths, tokenizer: tokenizer, hashing: hashing) { path in
      let source = try ByteSource(path: path)
      Terminal.announce(source)
      try requireText(source)
      return source
    }
  }

  /// The tokens of the text at `path`, which must have some.
  static func tokens(of path: String, tokenizer: Tokenizer, vocabulary: Vocabulary) throws -> [TokenID] {
    let reader = try reader([path], tokenizer: tokenizer)
    let tokens = try Corpus(from: reader, vocabulary: vocabulary).tokens
    try requireText(reader.statistics, [path])
    report(reader.statistics)
    return tokens
  }

  /// An error if `source` holds something else than text: a model, a log, a file of counts, a configuration.
  static func requireText(_ source: ByteSource) throws {
    let kind = try FileKind(source)
    // Whoever reads it knows more of what is compressed, and bytes may be just that.
    if kind == .text || kind == .compressed { return }
    let advice =
      switch kind {
      case .checkpoint, .arpa: "; models come before texts"
      case .counts: "; give it with --counts"
      case .configuration: "; give it with --config"
      case .binaryModel, .compressed, .log, .text: ""
      }
    throw FileError(path: source.name, reason: "is \(kind.name), not a text\(advice)")
  }

  /// Tells about lines and markers that were passed over.
  static func report(_ statistics: TextStatistics) { report(droppedMarkers: statistics.droppedMarkers) }

  /// Tells about literal `<s>` and `</s>`.
  static func report(droppedMarkers: Int) {
    if droppedMarkers > 0 {
      Terminal.warn(
        "dropped \(droppedMarkers) literal <s> or </s> in the text; "
          + "lmctl adds its own ends of sentences")
    }
  }

  /// An error if no sentence was read.
  static func requireText(_ statistics: TextStatistics, _ paths: [String]) throws {
    guard statistics.sentences == 0 else { return }
    let name =
      paths.isEmpty
      ? "standard input" : paths.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
    throw FileError(
      path: name,
      reason: statistics.bytes == 0 ? "the text is empty" : "the text has no sentence, only empty lines")
  }
}

extension TextStatistics {
  /// What has been read, for a line of progress.
  var shown: String { "\(tokens) tokens, \(Format.bytes(bytes))" }
}
