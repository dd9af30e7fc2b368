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

  /// Says what the work will take.
  ///
  /// - Parameter temporaryBytes: how much of temporary files so many bytes that are read may need.
  static func announce(_ limit: CountingLimit, _ paths: [String], temporaryBytes: (Int) -> Int) {
    let sizes = paths.map { path in path == "-" ? nil : (try? ByteSource(path: path))?.size }
    let isKnown = !paths.isEmpty && !sizes.contains(nil)
    let bytes = temporaryBytes(isKnown ? sizes.reduce(0) { $0 + ($1 ?? 0) } : 1_000_000)
    Terminal.note(
      "working in \(Format.bytes(limit.memory)) of memory and, in \(limit.folder), up to about \(Format.bytes(bytes)) "
        + "of temporary files" + (isKnown ? "" : " for each MB that is read"))
  }
}
