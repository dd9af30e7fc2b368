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
  /// Bytes of all lines returned so far, with their line ends.
  public private(set) var bytesRead = 0
  /// The digest of all bytes read, if the reader was asked for one.
  public var digest: SHA256? { runningDigest?.value }

  /// The digest so far; another thread adds what was read last.
  private var runningDigest: Ahead<SHA256>?
  private let dropsByteOrderMark: Bool
  private var buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var isAtEnd = false

  /// A reader of `source`; with `hashing`, `digest` covers every byte of the text.
  public init(
    _ source: ByteSource, hashing: Bool = false, dropsByteOrderMark: Bool = true, bufferSize: Int = 1 << 18
  ) {
    self.dropsByteOrderMark = dropsByteOrderMark
    self.source = source
    runningDigest = hashing ? Ahead { SHA256() } : nil
    buffer = .allocate(byteCount: bufferSize, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// True when the next call would have to wait for more input.
  public var wouldBlock: Bool {
    guard source.isInteractive, !isAtEnd, let base = buffer.baseAddress else { return false }
    return memchr(base + start, 10, end - start) == nil
  }

  /// The next line without its line end, valid until the next call; `nil` at the end.
  public func next() throws -> UnsafeRawBufferPointer? {
    var searched = 0
    while true {
      guard let base = buffer.baseAddress else { return nil }
      if let found = memchr(base + start + searched, 10, end - start - searched) {
        let length = found - (base + start)
        return line(at: base + start, length: length, terminator: 1)
      }
      searched = end - start
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
    if end == buffer.count {
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * buffer.count, alignment: 16)
      larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
      buffer.deallocate()
      buffer = larger
    }
    let space = UnsafeMutableRawBufferPointer(rebasing: buffer[end...])
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
