import Glibc

/// A stream of bytes from a file, from standard input, or from the system's decompressor.
///
/// The path `-` stands for standard input. A name that ends in `.gz`, `.bz2`, `.xz` or `.zst` is piped
/// through `gzip`, `bzip2`, `xz` or `zstd`, so the text never exists decompressed on disk.
public final class ByteSource {
  /// How the source is named in messages.
  public let name: String
  /// Size in bytes of an uncompressed regular file; `nil` for pipes, terminals and compressed files.
  public let size: Int?
  /// True for a pipe, a terminal or a socket: something that may answer line by line.
  public let isInteractive: Bool

  private var descriptor: Int32
  private var decompressor: (process: pid_t, program: String)?

  /// The decompressor for each file extension.
  static let decompressors = [".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"]

  /// Opens `path` for reading.
  ///
  /// - Throws: `FileError` when it is missing, unreadable or a directory, or when its decompressor cannot start.
  public init(path: String) throws {
    if path.isEmpty { throw FileError(path: "''", reason: "an empty name names no file") }
    if path == "-" {
      name = "standard input"
      descriptor = STDIN_FILENO
    } else {
      name = path
      descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw FileError(path: path, errno: errno) }
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(path: name, errno: errno) }
    let kind = status.st_mode & S_IFMT
    if kind == S_IFDIR {
      if descriptor != STDIN_FILENO { close(descriptor) }
      throw FileError(path: name, reason: "is a directory; name the files in it")
    }
    isInteractive = kind != S_IFREG
    let program = Self.decompressors.first { path.hasSuffix($0.key) }?.value
    size = kind == S_IFREG && program == nil ? Int(status.st_size) : nil
    if let program { try decompress(with: program) }
  }

  deinit {
    if descriptor > STDIN_FILENO { close(descriptor) }
    if let decompressor {
      kill(decompressor.process, SIGTERM)
      waitpid(decompressor.process, nil, 0)
    }
  }

  /// True when the source is standard input and a person is typing.
  public var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Reads up to `buffer.count` bytes; 0 at the end.
  ///
  /// - Throws: `FileError` on a read error, or when the decompressor reports a damaged file.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count > 0 { return count }
      if count == 0 {
        try finishDecompressor()
        return 0
      }
      if errno != EINTR { throw FileError(path: name, errno: errno) }
    }
  }

  private func decompress(with program: String) throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw FileError(path: name, errno: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, descriptor, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    // What is wrong with the file is said in our own words.
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    // The program may have blocked or ignored signals for itself; its children start as from a shell.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup("-dc"), nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let failure = posix_spawnp(&process, program, &actions, &attributes, arguments, environ)
    close(ends[1])
    close(descriptor)
    descriptor = ends[0]
    guard failure == 0 else {
      throw FileError(
        path: name, reason: "cannot be decompressed: the program '\(program)' is not installed; install it")
    }
    decompressor = (process, program)
  }

  private func finishDecompressor() throws {
    guard let running = decompressor else { return }
    decompressor = nil
    var status: Int32 = 0
    waitpid(running.process, &status, 0)
    guard status == 0 else {
      throw FileError(path: name, reason: "cannot be decompressed: \(running.program) reports a damaged file")
    }
  }
}
