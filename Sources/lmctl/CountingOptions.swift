import Glibc
import LanguageModels
import NGramModels

/// The options that bound the memory of counting.
enum CountingOptions {
  static let all = [
    Option(
      "memory", "SIZE",
      "memory that counting and estimation may take, such as 500M or\n2G; what is more goes to temporary files (default: no bound)"
    ),
    Option("temp", "DIR", "folder of temporary files (default: $TMPDIR, or /tmp)"),
  ]
  static let names = all.map(\.name)

  /// The limit that the options set.
  static func limit(_ arguments: Arguments) throws -> CountingLimit? {
    guard let text = arguments.string("memory") else {
      if arguments.has("temp") { throw UsageError("--temp goes with --memory") }
      return nil
    }
    let minimum = Format.bytes(CountingLimit.minimum)
    guard let memory = bytes(text), memory >= CountingLimit.minimum else {
      throw UsageError("--memory takes a size from \(minimum), such as 500M or 2G, not '\(text)'")
    }
    let folder = arguments.string("temp") ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    _ = try TemporaryFile(in: folder)
    return CountingLimit(memory: memory, folder: folder)
  }

  /// A size in bytes: a number, with k, M or G behind it for powers of 1000.
  private static func bytes(_ text: String) -> Int? {
    let units: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9]
    let unit = text.last.flatMap { units[$0] }
    guard let number = Double(unit == nil ? text : String(text.dropLast())), number >= 0, number < 1e9 else {
      return nil
    }
    return Int(number * (unit ?? 1))
  }

  /// Says what counting will take.
  static func announce(_ limit: CountingLimit, order: Int, _ paths: [String]) {
    let sizes = paths.map { path in path == "-" ? nil : try? ByteSource(path: path).size }
    let disk: String
    if !paths.isEmpty, sizes.allSatisfy({ $0 != nil }) {
      let text = sizes.reduce(0) { $0 + ($1 ?? 0) }
      disk = "about " + Format.bytes(CountingLimit.temporaryBytes(text: text, order: order))
    } else {
      disk =
        "about \(Format.bytes(CountingLimit.temporaryBytes(text: 1_000_000, order: order))) for each MB of text"
    }
    Terminal.note(
      "working in \(Format.bytes(limit.memory)) of memory, and up to \(disk) of temporary files in \(limit.folder)"
    )
  }

  /// Says so if a vocabulary leaves no room.
  static func check(_ limit: CountingLimit, vocabularySize: Int) {
    if limit.isExceeded(byVocabulary: vocabularySize) {
      Terminal.note(
        "warning: the \(vocabularySize) words alone take more than --memory \(Format.bytes(limit.memory)); it will be exceeded"
      )
    }
  }
}
