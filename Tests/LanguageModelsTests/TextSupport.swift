import LanguageModels
import TestSupport

/// The tokens of each sentence of `bytes`.
func sentences(_ bytes: some Sequence<UInt8>, _ tokenizer: Tokenizer = Tokenizer()) throws -> [[String]] {
  let reader = reader(Array(bytes), tokenizer)
  var result: [[String]] = []
  while let line = try reader.next() {
    var tokens: [String] = []
    reader.tokens.forEach { tokens.append(String(decoding: $0, as: UTF8.self)) }
    if line == .sentence { result.append(tokens) }
  }
  return result
}

/// The tokens of one line.
func tokens(_ line: String, _ tokenizer: Tokenizer = Tokenizer()) throws -> [String] {
  try sentences(line.utf8, tokenizer).flatMap { $0 }
}

/// A reader of a text in memory.
func reader(_ bytes: [UInt8], _ tokenizer: Tokenizer = Tokenizer()) -> SentenceReader {
  SentenceReader(["text"], tokenizer: tokenizer) { _ in ByteSource(bytes, name: "text") }
}

/// What was read of a text, once it has all been read.
func statistics(_ text: String, _ unit: TextUnit = .word) throws -> TextStatistics {
  let reader = reader(Array(text.utf8), Tokenizer(unit: unit))
  while try reader.next() != nil {}
  return reader.statistics
}

/// Text rules with some changed.
func rules(_ unit: TextUnit = .word, _ change: (inout Tokenizer) -> Void = { _ in }) -> Tokenizer {
  var tokenizer = Tokenizer(unit: unit)
  change(&tokenizer)
  return tokenizer
}
