import Glibc
import Threads

/// Splits a stream of bytes into lines in a buffer that is reused, so that a text of any length is read in
/// the memory of its longest line.
///
/// A line ends at LF; the LF is not part of it. A UTF-8 byte order mark at the start of the text is dropped, unless bytes are
/// wanted as they are.
public final class LineReader {
  /// Where the bytes come from.
  public let source: ByteSource
  /// Number of the line that `next()` returned last, from 1.
  public private(set) var lineNumber = 0
  /// Whether that line has its line end, as every line has but perhaps the last.
  public private(set) var isTerminated = true
  /// Bytes of all lines returned so far, with their line ends.
  public private(set) var bytesRead = 0
  /// The digest of all bytes read, if the reader was asked for one.
  public var digest: SHA256? { runningDigest?.value }

  /// The digest so far; another thread adds what was read last.
  private var runningDigest: Ahead<SHA256>?
  private let dropsByteOrderMark: Bool
  private let refusesZeros: Bool
  private let maximumLength: Int
  private var buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var isAtEnd = false

  /// The longest line of a text, in bytes: all of Wikipedia's first gigabyte without its line ends is shorter.
  public static let longestText = min(1 << 30, PhysicalMemory.bytes / 8)
  /// The longest line of a list: of words, of counts, of records.
  public static let longestRecord = 1 << 26

  /// The longest stretch of NULs, in bytes, that a line from a device or a pipe may begin with.
  private static let longestStretchOfZeros = 1 << 24

  /// A reader of `source`; with `hashing`, `digest` covers every byte of the text.
  ///
  /// - Parameters:
  ///   - refusesZeros: whether no line may hold a NUL byte, so that a long one that does is returned up to there, and not read to its end:
  ///     `/dev/zero` has none.
  ///   - maximumLength: the length in bytes of the longest line that is read.
  public init(
    _ source: ByteSource, hashing: Bool = false, dropsByteOrderMark: Bool = true, refusesZeros: Bool = false,
    maximumLength: Int = LineReader.longestText, bufferSize: Int = 1 << 18
  ) {
    (self.refusesZeros, self.maximumLength) = (refusesZeros, maximumLength)
    self.dropsByteOrderMark = dropsByteOrderMark
    self.source = source
    runningDigest = hashing ? Ahead { SHA256() } : nil
    buffer = .allocate(byteCount: bufferSize, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// Doubles the buffer: the system moves a long one without a copy.
  private func grow() throws {
    let size = 2 * buffer.count
    guard let larger = realloc(buffer.baseAddress, size) else {
      throw TextError(
        file: source.name, line: lineNumber + 1, reason: "longer than the memory that lmctl may take")
    }
    buffer = UnsafeMutableRawBufferPointer(start: larger, count: size)
  }

  /// True when the next call would have to wait for more input.
  public var wouldBlock: Bool {
    guard source.isInteractive, !isAtEnd, let base = buffer.baseAddress else { return false }
    return memchr(base + start, 10, end - start) == nil
  }

  /// The next line without its line end, valid until the next call; `nil` at the end.
  ///
  /// - Throws: `TextError` for a line that is too long, `FileError` when the source cannot be read.
  public func next() throws -> UnsafeRawBufferPointer? {
    var searched = 0
    while true {
      guard let base = buffer.baseAddress else { return nil }
      if let found = memchr(base + start + searched, 10, end - start - searched) {
        let length = found - (base + start)
        return line(at: base + start, length: length, terminator: 1)
      }
      if refusesZeros, end - start >= 1 << 18,
        memchr(base + start + searched, 0, end - start - searched) != nil
      {
        return line(at: base + start, length: end - start, terminator: 0)
      }
      searched = end - start
      // What has no size and begins with so many NULs has no end either.
      if searched > Self.longestStretchOfZeros, source.size == nil,
        base.load(fromByteOffset: start, as: UInt8.self) == 0,
        memcmp(base + start, base + start + 1, searched - 1) == 0
      {
        throw TextError(
          file: source.name, line: lineNumber + 1,
          reason:
            "\(Self.longestStretchOfZeros >> 20) MB of NUL bytes and nothing else; is this the right file?")
      }
      guard searched <= maximumLength else {
        throw TextError(
          file: source.name, line: lineNumber + 1,
          reason: "longer than \(maximumLength >> 20) MB, which no line may be; is this the right file?")
      }
      if isAtEnd {
        guard searched > 0, !isLoneByteOrderMark else { return nil }
        return line(at: base + start, length: searched, terminator: 0)
      }
      try fill()
    }
  }

  /// Whether a byte order mark is all that there is.
  private var isLoneByteOrderMark: Bool {
    dropsByteOrderMark && lineNumber == 0 && end - start == 3 && buffer[start] == 0xEF
      && buffer[start + 1] == 0xBB
      && buffer[start + 2] == 0xBF
  }

  private func line(at base: UnsafeMutableRawPointer, length: Int, terminator: Int) -> UnsafeRawBufferPointer
  {
    lineNumber += 1
    isTerminated = terminator > 0
    bytesRead += length + terminator
    start += length + terminator
    var text = UnsafeRawBufferPointer(start: base, count: length)
    if dropsByteOrderMark, lineNumber == 1, text.starts(with: [0xEF, 0xBB, 0xBF]) {
      text = UnsafeRawBufferPointer(rebasing: text[3...])
    }
    return text
  }

  private func fill() throws {
    if start > 0, let base = buffer.baseAddress {
      memmove(base, base + start, end - start)
      end -= start
      start = 0
    }
    if end == buffer.count { try grow() }
    let space = UnsafeMutableRawBufferPointer(rebasing: buffer[end...].prefix(1 << 22))
    let count = try source.read(into: space)
    if count == 0 { isAtEnd = true }
    if let digest {
      let added = [UInt8](space[..<count])
      runningDigest = Ahead {
        var digest = digest
        added.withUnsafeBytes { digest.update($0) }
        return digest
      }
    }
    end += count
  }
}
