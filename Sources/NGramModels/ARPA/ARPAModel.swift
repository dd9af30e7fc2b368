import LanguageModels

extension NGramModel {
  /// Reads the model that an ARPA file holds; see `ARPAReader` for what is tolerated.
  ///
  /// An ARPA file says nothing of text rules: its tokens are words.
  ///
  /// - Parameter notice: called with a sentence about each thing that is unusual about the file.
  /// - Throws: `TextError` that names the line, or `FileError`.
  public init(arpa source: ByteSource, notice: (String) -> Void = { _ in }) throws {
    let contents = try ARPAReader.read(source)
    for remark in contents.remarks { notice("\(source.name): \(remark)") }
    let trie = try ARPATrie(contents).trie
    self.init(
      vocabulary: contents.vocabulary, context: .sentence, trie: trie, smoothing: nil, record: [],
      requestedOrder: trie.order)
  }

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
