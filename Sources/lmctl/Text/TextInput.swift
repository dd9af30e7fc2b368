import LanguageModels

/// The texts of a command, which may be read several times: what comes through a pipe is then kept.
final class TextInput {
  /// The files as they were named; standard input if none was.
  let paths: [String]
  private let isReadAgain: Bool
  /// The line between two documents, which is no sentence.
  private let documentSeparator: String?
  /// Sources that were opened to see what they are, and cannot be opened again.
  private var opened: [String: ByteSource]
  private var kept: [String: [UInt8]] = [:]

  /// Texts at `paths`; with `isReadAgain`, more than once.
  init(
    _ paths: [String], opened: [String: ByteSource] = [:], isReadAgain: Bool = false,
    documentSeparator: String? = nil
  ) throws {
    try TextFiles.requireSingleStandardInput(paths)
    self.paths = paths.isEmpty ? ["-"] : paths
    self.opened = opened
    self.isReadAgain = isReadAgain
    self.documentSeparator = documentSeparator
  }

  /// How the texts are named in results.
  var name: String { paths.joined(separator: " ") }

  /// A reader of all texts, or of one.
  func reader(_ path: String? = nil, tokenizer: Tokenizer) -> SentenceReader {
    let reader = SentenceReader(path.map { [$0] } ?? paths, tokenizer: tokenizer) { try self.open($0) }
    reader.documentSeparator = documentSeparator
    return reader
  }

  /// The tokens of all texts, which must have some.
  func tokens(tokenizer: Tokenizer, vocabulary: Vocabulary) throws -> [TokenID] {
    let reader = reader(tokenizer: tokenizer)
    let tokens = try Corpus(from: reader, vocabulary: vocabulary).tokens
    try TextFiles.requireText(reader.statistics, paths)
    return tokens
  }

  /// Opens one of the texts.
  func open(_ path: String) throws -> ByteSource {
    if let bytes = kept[path] { return ByteSource(bytes, name: path == "-" ? "standard input" : path) }
    let source = try opened.removeValue(forKey: path) ?? ByteSource(path: path)
    Terminal.announce(source)
    try TextFiles.requireText(source)
    guard isReadAgain, source.isInteractive || path == "-" else { return source }
    guard let bytes = try source.readAll(limit: ByteSource.mostToKeep) else {
      throw FileError(
        path: source.name,
        reason:
          "is read more than once, and a pipe of more than \(Format.bytes(ByteSource.mostToKeep)) cannot be kept; "
          + "write it to a file")
    }
    kept[path] = bytes
    return ByteSource(bytes, name: source.name)
  }
}
