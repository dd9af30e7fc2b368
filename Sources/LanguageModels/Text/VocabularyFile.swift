extension Vocabulary {
  /// Reads a vocabulary from `path`: one token a line, in order; UNK and the end of sentence come first whether they are in
  /// the file or not. In units other than words, the line `\n` is the end of a line.
  ///
  /// - Throws: `FileError` or `TextError` when the file cannot be read, is empty, or a line holds white space between words.
  public init(file path: String, unit: TextUnit) throws {
    let reader = LineReader(try ByteSource(path: path))
    var tokens: [String] = []
    while let line = try reader.next() {
      let content = UTF8Content(of: line)
      guard content == .plainASCII || content == .wide else {
        throw TextError(file: path, line: reader.lineNumber, reason: "not UTF-8 text, so not a vocabulary")
      }
      var token = String(decoding: line, as: UTF8.self)
      if token.hasSuffix("\r") { token.removeLast() }
      if unit != .word, token == "\\n" { continue }
      if ["<s>", unit.endOfSentence, Self.unknownToken, ""].contains(token) { continue }
      guard unit.isToken(token) else {
        throw TextError(
          file: path, line: reader.lineNumber,
          reason: "not one token of --unit \(unit.rawValue); a vocabulary has one token a line")
      }
      tokens.append(token)
    }
    guard !tokens.isEmpty else {
      throw FileError(path: path, reason: "holds no tokens, so it is not a vocabulary")
    }
    self.init(unit: unit, tokens: tokens)
  }

  /// Writes the vocabulary to `path` in the form that `init(file:unit:)` reads.
  public func write(to path: String) throws {
    let file = try AtomicFile(path: path)
    var text: [UInt8] = []
    for token in tokens {
      text += (token == "\n" ? "\\n" : token).utf8
      text.append(UInt8(ascii: "\n"))
    }
    try text.withUnsafeBytes { try file.write($0) }
    try file.commit()
  }
}
