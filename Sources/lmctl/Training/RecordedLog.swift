import Glibc
import LanguageModels

/// The log that a checkpoint records. Whoever wrote the checkpoint chose its name, so a run that goes on writes to it only if no
/// harm can come of that.
struct RecordedLog {
  let path: String

  /// Whether it is the log of a run whose checkpoint is at `checkpoint`: a file in the same folder, no link, which is a log already
  /// or, where there is nothing, would be called like one.
  func belongs(to checkpoint: String) -> Bool {
    let name = Self.name(of: path)
    guard !name.isEmpty, name != ".", name != "..",
      Self.areSame(Self.folder(of: path), Self.folder(of: checkpoint))
    else { return false }
    var status = stat()
    guard lstat(path, &status) == 0 else {
      return errno == ENOENT && !name.hasPrefix(".")
        && [".jsonl", ".ndjson", ".log"].contains(where: name.hasSuffix)
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else { return false }
    if status.st_size == 0 { return !name.hasPrefix(".") }
    guard let kind = try? FileKind(ByteSource(path: path)), case .log = kind else { return false }
    return true
  }

  private static func name(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.index(after: $0)...]) } ?? path
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func areSame(_ a: String, _ b: String) -> Bool {
    var (first, second) = (stat(), stat())
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev
      && first.st_ino == second.st_ino
  }
}
