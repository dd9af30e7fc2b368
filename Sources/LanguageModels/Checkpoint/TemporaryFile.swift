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
    var (path, opened) = ("", Int32(-1))
    repeat {
      path = "\(folder)/lmctl-\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
      opened = path.withSystemPath { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    } while opened < 0 && errno == EEXIST
    descriptor = opened
    guard descriptor >= 0 else { throw Self.error(folder, errno) }
    _ = path.withSystemPath { unlink($0) }
  }

  deinit { close(descriptor) }

  /// Writes all of `bytes` behind what was written before.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    let code = Descriptor.write(bytes, to: descriptor)
    if code != 0 { throw Self.error(folder, code) }
  }

  private static func error(_ folder: String, _ code: Int32) -> FileError {
    let problem = "cannot hold temporary files: \(String(cString: strerror(code)))"
    return switch code {
    case ENOENT: FileError(path: folder, reason: "no such folder; name one for temporary files with --temp")
    case EFBIG:
      FileError(path: folder, reason: "a temporary file \(FileError.largestSize), or give more --memory")
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
