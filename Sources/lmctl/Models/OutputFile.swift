import Glibc
import LanguageModels

/// A file that a command is to write: it takes the place of one of its own kind, of an empty one, or of none.
struct OutputFile {
  /// What an output may hold already and be replaced.
  enum Content {
    case model
    case counts
    case vocabulary
    case picture
    case vectors
    case weights

    fileprivate var name: String {
      switch self {
      case .model: "a model"
      case .counts: "counts"
      case .vocabulary: "a vocabulary"
      case .picture: "a picture of lmctl"
      case .vectors: "a table of vectors"
      case .weights: "weights of lmctl rescore"
      }
    }
  }

  /// How it is named.
  let path: String
  /// The kind of the model that stands there now.
  private(set) var oldModel: String?

  /// Makes sure, before the work, that `path` can be written, is none of `inputs`, and holds nothing that would be missed.
  ///
  /// - Parameters:
  ///   - content: what is going to be written.
  ///   - isForced: whether it is written whatever stands there.
  ///   - resumed: the checkpoint of an unfinished run that may be replaced, because that run goes on.
  /// - Throws: `FileError`, which names the remedy.
  init(
    _ path: String, _ content: Content, inputs: [String] = [], isForced: Bool, resumed: String? = nil
  ) throws {
    self.path = path
    try AtomicFile.check(path: path, inputs: inputs)
    guard try OutputTarget(path: path).isOldFile, !isForced else { return }
    let remedy = "name another file, or replace it with --force"
    let start: [UInt8]
    do {
      start = try ByteSource(path: path).peek(1 << 16)
    } catch is FileError {
      throw FileError(path: path, reason: "cannot be read to see what it holds; \(remedy)")
    }
    if start.isEmpty { return }
    let kind = FileKind(start: start)
    switch (content, kind) {
    case (.model, .checkpoint):
      if path != resumed, try Self.isUnfinished(path, start) {
        throw FileError(
          path: path,
          reason: "is the checkpoint of a run that is not finished; go on with --resume, \(remedy)")
      }
      oldModel = Self.model(start)
    case (.model, .arpa): oldModel = ModelKind.ngram.rawValue
    case (.counts, .counts),
      (.counts, .text) where try Self.isCounts(path):
      break
    case (.vocabulary, .text) where Self.isVocabulary(start): break
    case (.picture, .text) where Self.isPicture(start): break
    case (.vectors, .text) where start.starts(with: "\(Vocabulary.unknownToken)\t".utf8): break
    case (.weights, .text) where start.starts(with: "{\"weight\":".utf8): break
    case (_, .text): throw FileError(path: path, reason: "is not \(content.name); \(remedy)")
    default: throw FileError(path: path, reason: "is \(kind.name), not \(content.name); \(remedy)")
    }
  }

  /// Says that a model of another kind goes, if it does.
  func remark(onWriting model: String) {
    guard let oldModel, oldModel != model else { return }
    Terminal.note("\(path) holds a model of kind '\(oldModel)', which one of kind '\(model)' will replace")
  }

  // MARK: Signs

  /// The kind of the model whose checkpoint begins so.
  private static func model(_ start: [UInt8]) -> String? {
    let bytes = start.prefix(4096).filter { $0 > 0x20 }
    let name = Array(#""model":""#.utf8)
    guard let place = bytes.indices.first(where: { bytes[$0...].starts(with: name) }) else { return nil }
    return String(decoding: bytes[(place + name.count)...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
  }

  /// Whether the checkpoint at `path` is that of a run that can go on. It is looked for where lmctl writes it: on a line of its own,
  /// before the tensors.
  private static func isUnfinished(_ path: String, _ start: [UInt8]) throws -> Bool {
    guard start.starts(with: #"{"format":"lmctl","#.utf8), start.prefix(100).contains(UInt8(ascii: "\n"))
    else { return false }
    let lines = LineReader(try ByteSource(path: path))
    let name = Array(#""training":"#.utf8)
    while let line = try? lines.next(), !line.starts(with: #""tensors""#.utf8) {
      guard line.starts(with: name) else { continue }
      let value = line[name.count...].last == UInt8(ascii: ",") ? line.dropLast() : line[...]
      let training = try? JSONValue(
        parsing: UnsafeRawBufferPointer(rebasing: value[name.count...]), file: path)
      guard let resume = training?["resume"] else { return false }
      return resume["state"]?["finished"] != true
    }
    return false
  }

  /// Whether lines `n-gram TAB number` stand in the file, a beginning or an end of a sentence among them.
  private static func isCounts(_ path: String) throws -> Bool {
    let lines = LineReader(try ByteSource(path: path))
    while let line = try? lines.next() {
      guard let tab = line.lastIndex(of: UInt8(ascii: "\t")), tab > 0, tab + 1 < line.count,
        line[(tab + 1)...].allSatisfy({ (48...57).contains($0) })
      else { return false }
      let words = line[..<tab].split(separator: UInt8(ascii: " "))
      if words.contains(where: { $0.elementsEqual("</s>".utf8) || $0.elementsEqual("<s>".utf8) }) {
        return true
      }
    }
    return false
  }

  /// A vocabulary that lmctl writes begins with `<unk>` and the end of a sentence.
  private static func isVocabulary(_ start: [UInt8]) -> Bool {
    ["<unk>\n</s>\n", "<unk>\n\\n\n"].contains { start.starts(with: $0.utf8) }
  }

  private static func isPicture(_ start: [UInt8]) -> Bool {
    let sign = Array("prefers-color-scheme:dark".utf8)
    return start.starts(with: #"<svg xmlns="http://www.w3.org/2000/svg" width=""#.utf8)
      && start.indices.contains { start[$0...].starts(with: sign) }
  }
}
