import Glibc

/// Writes a file so that the old one stays whole until the new one is: to a temporary file beside it, synced to disk,
/// then renamed. What is no file (a pipe, `/dev/null`, `/dev/stdout`) is written directly; `-` is standard output.
/// A name that ends in `.gz`, `.bz2`, `.xz` or `.zst` is written through `gzip`, `bzip2`, `xz` or `zstd`.
public final class AtomicFile {
  /// How it is named in messages.
  private let path: String
  private let target: OutputTarget
  private var temporary: String?
  private var descriptor: Int32
  private var compressor: (process: ChildProcess, program: String, input: Int32)?

  /// Opens the file for writing.
  ///
  /// - Throws: `FileError` when the folder is missing or not writable, or the path is a folder.
  public init(path: String) throws {
    self.path = path == "-" ? "standard output" : path
    target = try OutputTarget(path: path)
    switch target {
    case .descriptor(let number): descriptor = number
    case .device: descriptor = path.withSystemPath { open($0, O_WRONLY | O_CLOEXEC) }
    case .file(let target, let mode):
      let made = TemporaryFiles.create(beside: target, mode: mode)
      (temporary, descriptor) = (made?.path, made?.descriptor ?? -1)
    }
    guard descriptor >= 0 else { throw Self.error(errno, path, target) }
    if let program = Compression.program(for: path) { try compress(with: program) }
  }

  deinit { discard() }

  /// Makes sure that `path` can be written, before hours are spent on what should go there, and that it is none of `inputs`,
  /// which would be lost. What dead writers have left of it is removed.
  public static func check(path: String, inputs: [String] = []) throws {
    let target = try OutputTarget(path: path)
    try checkDifference(path, from: inputs)
    switch target {
    // To open a pipe would disturb its reader.
    case .device:
      guard path.withSystemPath({ access($0, W_OK) }) == 0 else { throw FileError(path: path, errno: errno) }
    case .descriptor: break
    case .file(let target, _):
      TemporaryFiles.removeLeftovers(beside: target)
      _ = try AtomicFile(path: path)
    }
  }

  /// An error if `path` is a file that one of `inputs` names too.
  public static func checkDifference(_ path: String, from inputs: [String]) throws {
    var (status, other) = (stat(), stat())
    guard try OutputTarget(path: path).isOldFile, path.withSystemPath({ stat($0, &status) }) == 0 else {
      return
    }
    for input in inputs where input != "-" && input.withSystemPath({ stat($0, &other) }) == 0 {
      if (other.st_dev, other.st_ino) == (status.st_dev, status.st_ino) {
        throw FileError(path: path, reason: "is read as well; name another file for the output")
      }
    }
  }

  /// Why it cannot be opened.
  private static func error(_ code: Int32, _ path: String, _ target: OutputTarget) -> FileError {
    guard case .file(let target, _) = target else { return FileError(path: path, errno: code) }
    let folder = FileName.split(target).folder
    switch code {
    case ENOENT where (folder.isEmpty ? "." : folder).withSystemPath({ access($0, F_OK) }) == 0:
      return FileError(path: path, reason: "cannot be written: its folder takes no new files; name another")
    case ENOENT:
      return FileError(
        path: path, reason: "cannot be written: its folder does not exist; create the folder first")
    case EACCES:
      return FileError(path: path, reason: "cannot be written: no permission to create files in its folder")
    default: return FileError(path: path, errno: code)
    }
  }

  /// Writes all of `bytes`.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    switch Descriptor.write(bytes, to: compressor?.input ?? descriptor) {
    case 0: break
    case EPIPE where target == .descriptor(STDOUT_FILENO): throw ClosedPipe()
    case EPIPE where compressor != nil: throw failure(of: compressor?.program ?? "")
    case EPIPE: throw FileError(path: path, reason: "cannot be written: whoever read it has gone")
    case let code: throw FileError(path: path, errno: code)
    }
  }

  /// Puts the new file in the place of the old one.
  public func commit() throws {
    try finishCompressor()
    guard let temporary, case .file(let target, _) = target else { return }
    let isRenamed = { temporary.withSystemPath { old in target.withSystemPath { rename(old, $0) } } == 0 }
    guard fsync(descriptor) == 0, isRenamed() else { throw FileError(path: path, errno: errno) }
    TemporaryFiles.remove(temporary)
    close(descriptor)
    (self.temporary, descriptor) = (nil, -1)
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
    if case .descriptor = target { return }
    if descriptor >= 0 { close(descriptor) }
    if let temporary {
      _ = temporary.withSystemPath { unlink($0) }
      TemporaryFiles.remove(temporary)
    }
  }
}
