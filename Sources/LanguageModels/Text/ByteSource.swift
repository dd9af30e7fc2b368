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
  private var decompressor: (process: ChildProcess, program: String)?
  /// Bytes that were looked at before they were read.
  private var peeked: ArraySlice<UInt8> = []

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
      descriptor = path.withSystemPath { open($0, O_RDONLY | O_CLOEXEC) }
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
    let program = Compression.program(for: path)
    size = kind == S_IFREG && program == nil ? Int(status.st_size) : nil
    if let program { try decompress(with: program) }
  }

  /// A source of bytes in memory.
  public init(_ bytes: [UInt8], name: String) {
    self.name = name
    size = bytes.count
    isInteractive = false
    descriptor = -1
    peeked = bytes[...]
  }

  deinit {
    if descriptor > STDIN_FILENO { close(descriptor) }
    decompressor?.process.cancel()
  }

  /// True when the source is standard input and a person is typing.
  public var isTerminal: Bool { isatty(descriptor) == 1 }

  /// The first bytes of the source, at most `count`, which `read` will deliver all the same.
  ///
  /// To be called before anything is read.
  public func peek(_ count: Int) throws -> [UInt8] {
    var block = [UInt8](repeating: 0, count: count)
    while peeked.count < count {
      let added = try block.withUnsafeMutableBytes {
        try readAhead(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<(count - peeked.count)]))
      }
      if added == 0 { break }
      peeked += block[..<added]
    }
    return Array(peeked)
  }

  /// The first bytes of the source, as many as there are at present but at most `count`; it waits for the first only.
  ///
  /// To be called before anything is read.
  public func peekOnce(_ count: Int) throws -> [UInt8] {
    if peeked.isEmpty {
      var block = [UInt8](repeating: 0, count: count)
      let added = try block.withUnsafeMutableBytes { try readAhead(into: $0) }
      peeked = block[..<added]
    }
    return Array(peeked)
  }

  /// Reads up to `buffer.count` bytes; 0 at the end.
  ///
  /// - Throws: `FileError` on a read error, or when the decompressor reports a damaged file.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if !peeked.isEmpty {
      let piece = peeked.prefix(buffer.count)
      buffer.copyBytes(from: piece)
      peeked = peeked.dropFirst(piece.count)
      return piece.count
    }
    return try readAhead(into: buffer)
  }

  private func readAhead(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if descriptor < 0 { return 0 }
    let count = Descriptor.read(descriptor, into: buffer)
    if count < 0 { throw FileError(path: name, errno: errno) }
    if count == 0 { try finishDecompressor() }
    return count
  }

  private func decompress(with program: String) throws {
    guard let ends = ChildProcess.pipe() else { throw FileError(path: name, errno: errno) }
    let process = ChildProcess(program, ["-dc"], input: descriptor, output: ends.writing)
    close(ends.writing)
    close(descriptor)
    descriptor = ends.reading
    guard let process else {
      throw FileError(
        path: name, reason: "cannot be decompressed: the program '\(program)' is not installed; install it")
    }
    decompressor = (process, program)
  }

  private func finishDecompressor() throws {
    guard let running = decompressor else { return }
    decompressor = nil
    guard running.process.finish() else {
      throw FileError(path: name, reason: "cannot be decompressed: \(running.program) reports a damaged file")
    }
  }
}
