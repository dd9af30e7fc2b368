import Glibc

/// Writes a file so that the old one stays whole until the new one is: to a temporary file beside it, synced to disk,
/// then renamed. A target that is not a regular file (a pipe, `/dev/null`) is written directly; `-` is standard output.
/// A name that ends in `.gz`, `.bz2`, `.xz` or `.zst` is written through `gzip`, `bzip2`, `xz` or `zstd`.
public final class AtomicFile {
  private let path: String
  private let target: String
  private let temporary: String?
  private var descriptor: Int32
  private var compressor: (process: ChildProcess, program: String, input: Int32)?

  /// Opens the file for writing.
  ///
  /// - Throws: `FileError` when the folder is missing or not writable, or the path is a folder.
  public init(path: String) throws {
    self.path = path == "-" ? "standard output" : path
    if path.isEmpty { throw FileError(path: "''", reason: "an empty name names no file") }
    if path == "-" {
      (target, temporary, descriptor) = (path, nil, STDOUT_FILENO)
      return
    }
    // A link is followed, so that it goes on pointing to the file.
    target = Self.followingLinks(path)
    var status = stat()
    let exists = stat(target, &status) == 0
    if exists, status.st_mode & S_IFMT != S_IFREG {
      temporary = nil
      descriptor = open(target, O_WRONLY | O_CLOEXEC)
    } else {
      let name = "\(target).tmp-\(getpid())"
      temporary = name
      let permissions: mode_t = exists ? status.st_mode & 0o777 : 0o666
      descriptor = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, permissions)
      if descriptor >= 0 { TemporaryFiles.add(name) }
    }
    guard descriptor >= 0 else {
      switch errno {
      case ENOENT:
        throw FileError(
          path: path, reason: "cannot be written: its folder does not exist; create the folder first")
      case EACCES where temporary != nil:
        throw FileError(path: path, reason: "cannot be written: no permission to create files in its folder")
      default: throw FileError(path: path, errno: errno)
      }
    }
    if let program = Compression.program(for: path) { try compress(with: program) }
  }

  deinit { discard() }

  /// Makes sure that `path` can be written, before hours are spent on what should go there, and that it is none of `inputs`,
  /// which would be lost.
  public static func check(path: String, inputs: [String] = []) throws {
    var status = stat()
    let exists = path != "-" && stat(path, &status) == 0
    for input in inputs where exists && input != "-" {
      var other = stat()
      if stat(input, &other) == 0, (other.st_dev, other.st_ino) == (status.st_dev, status.st_ino) {
        throw FileError(path: path, reason: "is read as well; name another file for the output")
      }
    }
    // To open a pipe would disturb its reader.
    if exists, status.st_mode & S_IFMT != S_IFREG, status.st_mode & S_IFMT != S_IFDIR { return }
    _ = try AtomicFile(path: path)
  }

  /// Writes all of `bytes`.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(
        compressor?.input ?? descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EPIPE, descriptor == STDOUT_FILENO { throw ClosedPipe() }
        if errno == EPIPE, let compressor { throw failure(of: compressor.program) }
        throw FileError(path: path, errno: errno)
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Puts the new file in the place of the old one.
  public func commit() throws {
    try finishCompressor()
    guard let temporary else { return }
    guard fsync(descriptor) == 0, rename(temporary, target) == 0 else {
      throw FileError(path: path, errno: errno)
    }
    TemporaryFiles.remove(temporary)
    close(descriptor)
    descriptor = -1
  }

  /// The path that a link, or a link to a link, points to, whether it exists or not.
  private static func followingLinks(_ path: String) -> String {
    var path = path
    for _ in 0..<40 {
      var buffer = [CChar](repeating: 0, count: 4096)
      let length = readlink(path, &buffer, buffer.count)
      guard length > 0 else { return path }
      let link = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      path = link.hasPrefix("/") ? link : folder + link
    }
    return path
  }

  private func compress(with program: String) throws {
    guard let ends = ChildProcess.pipe() else { throw FileError(path: path, errno: errno) }
    // Without the time in gzip's header, the same bytes always give the same file.
    let process = ChildProcess(
      program, program == "gzip" ? ["-cn"] : ["-c"], input: ends.reading, output: descriptor)
    close(ends.reading)
    guard let process else {
      close(ends.writing)
      throw FileError(
        path: path, reason: "cannot be compressed: the program '\(program)' is not installed; install it")
    }
    compressor = (process, program, ends.writing)
  }

  private func finishCompressor() throws {
    guard let running = compressor else { return }
    compressor = nil
    close(running.input)
    guard running.process.finish() else { throw failure(of: running.program) }
  }

  private func failure(of program: String) -> FileError {
    FileError(path: path, reason: "cannot be written: \(program) failed; is the disk full?")
  }

  private func discard() {
    if let compressor {
      compressor.process.cancel()
      close(compressor.input)
      self.compressor = nil
    }
    guard descriptor > STDOUT_FILENO else { return }
    close(descriptor)
    if let temporary {
      unlink(temporary)
      TemporaryFiles.remove(temporary)
    }
  }
}
