import Glibc
import LanguageModels

/// A log of a training as JSON Lines: one object a line, each with its `event`.
///
/// An infinite number is "inf", one that is not known `null`. A log that can no longer be written (the disk is full) does not end the training: it says
/// so once.
final class RunLog {
  private let path: String
  private var descriptor: Int32

  /// Opens `path`: a new log, or if `isResumed` the end of the old one, of which a last line that was cut short is taken away.
  ///
  /// - Throws: `FileError` when it cannot be written.
  init(path: String, isResumed: Bool) throws {
    self.path = path
    let flags = O_CREAT | O_APPEND | O_CLOEXEC | (isResumed ? 0 : O_TRUNC)
    descriptor = open(path, O_RDWR | flags, 0o666)
    // What cannot be read, such as another program's pipe, may be written all the same.
    if descriptor < 0 { descriptor = open(path, O_WRONLY | flags, 0o666) }
    guard descriptor >= 0 else { throw FileError(path: path, errno: errno) }
    if isResumed { cutUnfinishedLine() }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Whether nothing stands in it.
  var isEmpty: Bool { lseek(descriptor, 0, SEEK_END) <= 0 }

  /// Adds a record.
  func write(_ event: String, _ members: [JSONValue.Member]) {
    guard descriptor >= 0 else { return }
    let line = Array((JSONValue.object([.init("event", .string(event))] + members).text + "\n").utf8)
    guard line.withUnsafeBytes({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == line.count else {
      Terminal.note("warning: \(FileError(path: path, errno: errno)); training goes on without its log")
      cutUnfinishedLine()
      close(descriptor)
      descriptor = -1
      return
    }
  }

  private func cutUnfinishedLine() {
    var end = lseek(descriptor, 0, SEEK_END)
    var byte: UInt8 = 0
    while end > 0, pread(descriptor, &byte, 1, end - 1) == 1, byte != UInt8(ascii: "\n") { end -= 1 }
    if end >= 0 { ftruncate(descriptor, end) }
  }

  /// The time as in ISO 8601, in UTC.
  static var time: JSONValue {
    var now = Glibc.time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return .string(
      "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z")
  }
}
