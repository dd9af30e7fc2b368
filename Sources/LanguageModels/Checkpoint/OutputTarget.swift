import Glibc

/// What the name of an output stands for, which decides how it is written.
public enum OutputTarget: Equatable, Sendable {
  /// A descriptor that the program was started with: `-`, `/dev/stdout`, `/dev/fd/63` of `>(gzip > x.gz)`. It is written as it is.
  case descriptor(Int32)
  /// A pipe or a device, written as it is.
  case device
  /// A file, to be replaced once its successor is whole: where links lead, and its mode if it exists.
  case file(path: String, mode: mode_t?)

  /// Looks at `path`.
  ///
  /// - Throws: `FileError` when nothing can be written there.
  public init(path: String) throws {
    if path.isEmpty { throw FileError(path: "''", reason: "an empty name names no file") }
    let target = Self.followingLinks(path)
    if let number = Self.descriptor(path) ?? Self.descriptor(target) {
      let flags = fcntl(number, F_GETFL)
      guard flags >= 0, flags & O_ACCMODE != O_RDONLY else {
        throw FileError(
          path: path == "-" ? "standard output" : path, reason: "cannot be written: it is not open for that")
      }
      self = .descriptor(number)
      return
    }
    var status = stat()
    guard path.withSystemPath({ stat($0, &status) }) == 0 else {
      guard errno == ENOENT else { throw FileError(path: path, errno: errno) }
      self = .file(path: target, mode: nil)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file(path: target, mode: status.st_mode & 0o7777)
    case S_IFDIR: throw FileError(path: path, errno: EISDIR)
    case S_IFSOCK:
      throw FileError(path: path, reason: "is a socket, which cannot be opened; name a file or a pipe")
    default: self = .device
    }
  }

  /// Whether it is a file that is there already.
  public var isOldFile: Bool { if case .file(_, .some) = self { true } else { false } }

  /// Whether `path` names standard output.
  public static func isStandardOutput(_ path: String) -> Bool {
    (descriptor(path) ?? descriptor(followingLinks(path))) == STDOUT_FILENO
  }

  /// Whether `path` names a file, there or to be made, rather than a pipe or a device.
  public static func isFile(_ path: String) -> Bool {
    if case .file? = try? OutputTarget(path: path) { true } else { false }
  }

  /// The descriptor of this program that `path` names.
  private static func descriptor(_ path: String) -> Int32? {
    switch path {
    case "-", "/dev/stdout": return STDOUT_FILENO
    case "/dev/stdin": return STDIN_FILENO
    case "/dev/stderr": return STDERR_FILENO
    default: break
    }
    let folders = ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", "/proc/\(getpid())/fd/"]
    guard let folder = folders.first(where: path.hasPrefix) else { return nil }
    return Int32(path.dropFirst(folder.count)).flatMap { $0 >= 0 ? $0 : nil }
  }

  /// The path that a link, or a link to a link, points to, whether it exists or not; links to descriptors of ours, which
  /// lead to no path, are not followed.
  private static func followingLinks(_ path: String) -> String {
    var path = path
    for _ in 0..<40 where descriptor(path) == nil {
      var buffer = [CChar](repeating: 0, count: 4096)
      let length = path.withSystemPath { readlink($0, &buffer, buffer.count) }
      guard length > 0 else { return path }
      let link = String(systemBytes: buffer[..<length].map { UInt8(bitPattern: $0) })
      path = link.hasPrefix("/") ? link : FileName.split(path).folder + link
    }
    return path
  }
}
