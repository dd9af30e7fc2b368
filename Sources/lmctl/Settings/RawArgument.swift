import Glibc
import LanguageModels

/// What stands on the command line, byte by byte: the strings that Swift makes of it are repaired where it is not UTF-8.
enum RawArgument {
  /// All arguments, the program's name first, none of whose bytes is lost; see `String.systemBytes`.
  static var all: [String] {
    UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc)).compactMap {
      $0.map { String(systemText: $0) }
    }
  }
}
