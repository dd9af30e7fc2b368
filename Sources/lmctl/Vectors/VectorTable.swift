import LanguageModels
import NeuralModels

/// The vectors of all tokens as lines: the token and its numbers, with tabs between them.
struct VectorTable {
  let vectors: TokenVectors
  let vocabulary: Vocabulary

  /// Writes them to `path`.
  func write(to path: String) throws {
    Progress.begin(Progress.writing(path))
    defer { Progress.end() }
    let file = try AtomicFile(path: path)
    var lines: [UInt8] = []
    for token in 0..<TokenID(vocabulary.count) {
      lines += vocabulary.displayName(of: token).utf8
      for value in vectors[token] {
        lines.append(UInt8(ascii: "\t"))
        lines += value.description.utf8
      }
      lines.append(UInt8(ascii: "\n"))
      guard lines.count > 1 << 18 || token == vocabulary.count - 1 else { continue }
      try lines.withUnsafeBytes { try file.write($0) }
      lines.removeAll(keepingCapacity: true)
    }
    try file.commit()
  }
}
