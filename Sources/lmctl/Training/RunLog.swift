import Glibc
import LanguageModels

/// A log of a training as JSON Lines: one object a line, each with its `event`; a log holds one run or several.
///
/// An infinite number is "inf", one that is not known `null`. A log that can no longer be written (the disk is full) does not end the training: it says
/// so once.
final class RunLog {
  private let path: String
  private let isFile: Bool
  private let isOurs: Bool
  private var descriptor: Int32

  /// Opens `path` (`-` for standard output): a new log, or the end of an old one, of which a last line that was cut short is
  /// taken away.
  ///
  /// - Throws: `FileError` when it cannot be written.
  init(path: String) throws {
    self.path = path == "-" ? "standard output" : path
    let target = try OutputTarget(path: path)
    isFile = OutputTarget.isFile(path)
    let flags = O_APPEND | O_CLOEXEC
    switch target {
    case .descriptor(let number): (descriptor, isOurs) = (number, false)
    case .device: (descriptor, isOurs) = (path.withSystemPath { open($0, O_WRONLY | flags) }, true)
    case .file:
      (descriptor, isOurs) = (path.withSystemPath { open($0, O_RDWR | O_CREAT | flags, 0o666) }, true)
    }
    guard descriptor >= 0 else { throw FileError(path: path, errno: errno) }
    cutUnfinishedLine()
  }

  deinit { if isOurs, descriptor >= 0 { close(descriptor) } }

  /// Makes sure, before the work, that a log can be written or continued at `path`, that nothing else stands there, and that it is neither
  /// one of `inputs` nor `output`.
  static func check(_ path: String, inputs: [String], output: String) throws {
    if path == output, path != "-" {
      throw FileError(path: path, reason: "is the output as well; name another file for the log")
    }
    let target = try OutputTarget(path: path)
    guard case .file(_, let mode) = target else { return }
    if path.withoutCompressionExtension != path {
      throw FileError(path: path, reason: "a log is not compressed as it is written; end its name in .jsonl")
    }
    if mode == nil { return try AtomicFile.check(path: path) }
    try AtomicFile.checkDifference(path, from: inputs + [output])
    let log = path.withSystemPath { open($0, O_RDWR | O_APPEND | O_CLOEXEC) }
    guard log >= 0 else { throw FileError(path: path, errno: errno) }
    close(log)
    let source = try ByteSource(path: path)
    if source.size == 0 { return }
    let kind = try FileKind(source)
    guard case .log = kind else {
      throw FileError(
        path: path, reason: "is \(kind.name), to which no log is added; name another file for the log")
    }
  }

  /// Whether nothing stands in it.
  var isEmpty: Bool { !isFile || lseek(descriptor, 0, SEEK_END) <= 0 }

  /// Adds a record.
  func write(_ event: String, _ members: [JSONValue.Member]) {
    guard descriptor >= 0 else { return }
    var record: [JSONValue.Member] = [.init("event", .string(event))]
    if Terminal.hasTimestamps, !members.contains(where: { $0.name == "time" }) {
      record.append(.init("time", .string(UTCTime.text)))
    }
    let line = Array((JSONValue.object(record + members).text + "\n").utf8)
    let code = line.withUnsafeBytes { Descriptor.write($0, to: descriptor) }
    if code == 0 { return }
    Terminal.warn("\(FileError(path: path, errno: code)); training goes on without its log")
    cutUnfinishedLine()
    if isOurs { close(descriptor) }
    descriptor = -1
  }

  private func cutUnfinishedLine() {
    guard isFile else { return }
    var end = lseek(descriptor, 0, SEEK_END)
    var byte: UInt8 = 0
    while end > 0, pread(descriptor, &byte, 1, end - 1) == 1, byte != UInt8(ascii: "\n") { end -= 1 }
    if end >= 0 { ftruncate(descriptor, end) }
  }
}
