import Glibc

/// An error that a user caused and can mend; its `description` is one sentence to print as it stands.
public protocol UserError: Error, CustomStringConvertible {}

/// A file that cannot be opened, read or written.
public struct FileError: UserError {
  /// The path as the user gave it.
  public let path: String
  /// What is wrong, and the remedy where there is one.
  public let reason: String

  /// What is wrong with a file that cannot grow.
  static let largestSize = "has reached the size that a file may have; raise the limit (ulimit -f)"

  /// An error with a reason of our own.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// An error with the system's reason.
  public init(path: String, errno code: Int32) {
    self.path = path
    switch code {
    case ENOENT: reason = "no such file"
    case EACCES, EPERM: reason = "permission denied"
    case EISDIR: reason = "is a directory; name a file"
    case ENOSPC, EDQUOT: reason = "the disk is full; free some space, or write to another disk"
    case EFBIG: reason = Self.largestSize
    case EROFS: reason = "is on a disk that can only be read; name a file elsewhere"
    case ELOOP: reason = "is a symbolic link that leads back to itself; remove it, or name another file"
    case ENOTDIR: reason = "what stands before a '/' in this name is no folder; name another"
    case ENAMETOOLONG: reason = "this name is too long for the disk; name a shorter one"
    case EBADF: reason = "is not open for that"
    case EMFILE, ENFILE: reason = "too many files are open; raise the limit (ulimit -n)"
    default: reason = String(cString: strerror(code))
    }
  }

  /// One sentence: path and reason.
  public var description: String { "\(path): \(reason)" }
}

/// Text that cannot be read as the options say.
public struct TextError: UserError {
  /// The file's name in messages.
  public let file: String
  /// Line number, from 1.
  public let line: Int
  /// What is wrong, and the remedy.
  public let reason: String

  /// An error in a line of a file.
  public init(file: String, line: Int, reason: String) {
    self.file = file
    self.line = line
    self.reason = reason
  }

  /// One sentence: file, line and reason.
  public var description: String { "\(file):\(line): \(reason)" }
}

/// Whoever read our standard output has gone: nothing more is to be done, and nothing to be said.
public struct ClosedPipe: Error {
  /// A pipe that was closed.
  public init() {}
}
