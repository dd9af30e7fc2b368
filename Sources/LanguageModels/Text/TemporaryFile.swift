import Glibc

/// A file for what does not fit into memory: written once from front to back, then read.
///
/// It has no name from the start, so the system removes it whenever and however the program ends.
public final class TemporaryFile {
  private let folder: String
  private var descriptor: Int32
  /// Bytes written.
  public private(set) var size = 0

  /// Makes a file in `folder`.
  ///
  /// - Throws: `FileError` when that is not possible.
  public init(in folder: String) throws {
    self.folder = folder
    let template = "\(folder)/lmctl-XXXXXX"
    var name = template.utf8CString
    descriptor = name.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkstemp($0) } ?? -1 }
    guard descriptor >= 0 else {
      throw FileError(
        path: folder,
        reason: errno == ENOENT
          ? "no such folder; name one for temporary files with --temp"
          : "cannot hold temporary files: \(String(cString: strerror(errno))); name another folder with --temp"
      )
    }
    name.withUnsafeBufferPointer { _ = $0.baseAddress.map { unlink($0) } }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Writes all of `bytes`.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: folder, errno: errno)
      }
      size += count
      rest = rest.dropFirst(count)
    }
  }

  /// What was written, as a source; nothing can be written any more.
  public func read() throws -> ByteSource {
    guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw FileError(path: folder, errno: errno) }
    defer { descriptor = -1 }
    return ByteSource(descriptor: descriptor, size: size, name: "temporary file")
  }
}
