import Glibc

/// A file for what does not fit into memory: written once from front to back, then read from any place.
///
/// It has no name from the start, so the system removes it whenever and however the program ends.
public final class TemporaryFile: Sendable {
  private let folder: String
  private let descriptor: Int32

  /// Makes a file in `folder`.
  ///
  /// - Throws: `FileError` when that is not possible.
  public init(in folder: String) throws {
    self.folder = folder
    let template = "\(folder)/lmctl-XXXXXX"
    var name = template.utf8CString
    descriptor = name.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkstemp($0) } ?? -1 }
    guard descriptor >= 0 else {
      throw Self.error(folder, errno)
    }
    name.withUnsafeBufferPointer { _ = $0.baseAddress.map { unlink($0) } }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  deinit { close(descriptor) }

  /// Writes all of `bytes` behind what was written before.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.error(folder, errno)
      }
      rest = rest.dropFirst(count)
    }
  }

  private static func error(_ folder: String, _ code: Int32) -> FileError {
    let problem = "cannot hold temporary files: \(String(cString: strerror(code)))"
    return switch code {
    case ENOENT: FileError(path: folder, reason: "no such folder; name one for temporary files with --temp")
    case EMFILE: FileError(path: folder, reason: problem + "; allow more with 'ulimit -n 1024'")
    default: FileError(path: folder, reason: problem + "; name another folder with --temp")
    }
  }

  /// Reads what stands from byte `offset` on, all of which must have been written, into the whole of `buffer`.
  public func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw FileError(
          path: folder,
          reason: "a temporary file there cannot be read: "
            + (count < 0 ? String(cString: strerror(errno)) : "it is shorter than it was"))
      }
      done += count
    }
  }
}
