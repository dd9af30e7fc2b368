import LanguageModels
import NeuralModels

/// Finds the nearest tokens of words, and prints them.
struct NeighborSearch {
  let model: VectorModel
  let vectors: TokenVectors
  let settings: NeighborsSettings

  /// Answers one line after the other, at once if a program is asking, and ends each answer with an empty line.
  func answerStandardInput() throws {
    let source = try ByteSource(path: "-")
    Terminal.announce(source)
    try TextFiles.requireText(source)
    let reader = LineReader(source, maximumLength: LineReader.longestRecord)
    while true {
      if reader.wouldBlock { try StandardOutput.shared.flush() }
      guard let line = try reader.next() else { return }
      let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...]
      try answer(line: String(systemBytes: text), number: reader.lineNumber)
    }
  }

  private func answer(line: String, number: Int) throws {
    let words = settings.isAnalogy ? line.split(whereSeparator: \.isWhitespace).map(String.init) : [line]
    do {
      if settings.isAnalogy, !words.isEmpty, words.count != 3 {
        throw TextError(
          file: "standard input", line: number,
          reason: "--analogy takes three words a line, not \(words.count)")
      }
      if words.first?.isEmpty == false { try answer(words) }
    } catch let error as any UserError where error is FileError || error is TextError {
      // Who asks next may ask better.
      Terminal.warn(error.description)
      if settings.asJSON { write(words, nil) }
    }
    if !settings.asJSON { StandardOutput.shared.write("\n") }
    try StandardOutput.shared.endLine()
  }

  /// Prints the nearest tokens of a word, or of an analogy of three.
  ///
  /// - Throws: `FileError` if the model lacks a word.
  func answer(_ words: [String]) throws {
    let tokens = try words.map { try model.token($0) }
    let direction =
      tokens.count == 3
      ? vectors.analogy(tokens[0], tokens[1], tokens[2]) : vectors.direction(of: tokens[0])
    let found = vectors.nearest(
      settings.top, to: direction, excluding: Set(tokens).union([Vocabulary.unknown]))
    write(tokens.map { model.vocabulary.displayName(of: $0) }, found)
  }

  /// Prints an answer; `nil` if there is none.
  private func write(_ names: [String], _ found: [(token: TokenID, cosine: Double)]?) {
    let vocabulary = model.vocabulary
    let output = StandardOutput.shared
    guard settings.asJSON else {
      let query = names.count == 3 ? "\(names[0]) - \(names[1]) + \(names[2])" : names[0]
      for (token, cosine) in found ?? [] {
        output.write("\(query)\t\(vocabulary.displayName(of: token))\t\(Format.fixed(cosine, 4))\n")
      }
      return
    }
    let asked: JSONValue.Member =
      settings.isAnalogy
      ? .init("analogy", .array(names.map { .string($0) })) : .init("word", .string(names.first ?? ""))
    let neighbors = found.map { found -> JSONValue in
      .array(
        found.map { ["token": .string(vocabulary.displayName(of: $0.token)), "cosine": .number($0.cosine)] })
    }
    output.write(JSONValue.object([asked, .init("neighbors", neighbors ?? .null)]).text + "\n")
  }
}
