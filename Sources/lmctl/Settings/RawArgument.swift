import Glibc

/// What stands on the command line, byte by byte: the strings that Swift makes of it are repaired where it is not UTF-8.
enum RawArgument {
  /// The bytes of the argument, or of what stands behind the `=` of it, that became `text`.
  static func bytes(of text: String) -> [UInt8] {
    for case let argument? in UnsafeBufferPointer(
      start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
    {
      let bytes = UnsafeBufferPointer(start: argument, count: strlen(argument)).map { UInt8(bitPattern: $0) }
      if String(decoding: bytes, as: UTF8.self) == text { return bytes }
      guard bytes.starts(with: "--".utf8), let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else {
        continue
      }
      let value = Array(bytes[(equals + 1)...])
      if String(decoding: value, as: UTF8.self) == text { return value }
    }
    return Array(text.utf8)
  }
}
