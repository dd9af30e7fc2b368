import Glibc
import LanguageModels
import NGramModels

/// The memory that counting may take.
struct CountingSettings: SettingValues {
  var memory: ByteSize?
  var folder: String?

  static var memory: Setting<Self> {
    Setting(
      "memory", \.memory, ByteSize.type,
      "memory that counting and estimation may take, such as 500M or 2G; what is more goes to temporary files",
      default: .rule("no bound") { $0.memory }
    ).typed("max-memory", "mem")
  }

  static var folder: Setting<Self> {
    Setting(
      "temp", \.folder, .path("DIR"), "folder of temporary files",
      default: .rule("$TMPDIR, or /tmp") { $0.folder }
    ).needs("memory").typed("tmp", "temp-dir", "temp-prefix", "tmpdir")
  }

  /// The limit that they set.
  func limit() throws -> CountingLimit? {
    guard let memory else { return nil }
    let folder = self.folder ?? getenv("TMPDIR").map { String(systemText: $0) } ?? "/tmp"
    _ = try TemporaryFile(in: folder)
    return CountingLimit(memory: memory.bytes, folder: folder)
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

/// A size in bytes, as it was given.
struct ByteSize {
  let text: String
  let bytes: Int

  /// A size of memory: a number, with k, M or G behind it for powers of 1000.
  static var type: ValueType<ByteSize> {
    let requirement = "from \(Format.bytes(CountingLimit.minimum))"
    return ValueType(
      placeholder: "SIZE", range: requirement,
      parse: { text in
        let units: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9]
        let unit = text.last.flatMap { units[$0] }
        guard let number = Double(unit == nil ? text : String(text.dropLast())), number >= 0, number < 1e9,
          case let bytes = Int(number * (unit ?? 1)), bytes >= CountingLimit.minimum
        else { return nil }
        return ByteSize(text: text, bytes: bytes)
      }, requirement: { _ in "a size \(requirement), such as 500M or 2G" }, json: { .string($0.text) },
      examples: ["30M", "1G"])
  }
}
