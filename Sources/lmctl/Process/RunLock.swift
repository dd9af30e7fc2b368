import Glibc
import LanguageModels

/// The lock that whoever makes a model holds on its output, so that nobody writes over what a run of hours saves.
///
/// Those who make one in a go share it: each writes a whole file, and the last one's stays.
///
/// It is a lock of the system on a file beside the running checkpoint: it ends with its holder, however that ends, and holds
/// across containers. The file says who holds it, and is removed at the end.
final class RunLock {
  private let path: String
  private let descriptor: Int32

  private static let sign = #"{"lmctl_lock":"#

  /// Takes the lock for `output`, which must be a file, or a share of it.
  ///
  /// - Throws: `FileError`, which says who holds it.
  init(for output: String, isShared: Bool = false) throws {
    guard case .file(let target, _) = try OutputTarget(path: output) else {
      (path, descriptor) = (output, -1)
      return
    }
    path = FileName.beside(target, RunningCheckpoint.suffix + ".lock")
    descriptor = try Self.locked(path, for: output, isShared: isShared)
    guard descriptor >= 0 else { return }
    TemporaryFiles.add(path)
    let holder = Array((Self.holder(of: output).text + "\n").utf8)
    ftruncate(descriptor, 0)
    _ = holder.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  deinit {
    guard descriptor >= 0 else { return }
    _ = path.withSystemPath { unlink($0) }
    close(descriptor)
    TemporaryFiles.remove(path)
  }

  /// The descriptor of a lock that is held; −1 where the disk knows no locks, and a run goes on without.
  private static func locked(_ path: String, for output: String, isShared: Bool) throws -> Int32 {
    while true {
      let opened = try open(path)
      if flock(opened, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
        let isTaken = errno == EWOULDBLOCK
        defer { close(opened) }
        if isTaken { throw taken(output, by: content(opened)) }
        return -1
      }
      let content = content(opened)
      guard content.isEmpty || content.hasPrefix(sign) else {
        close(opened)
        throw FileError(path: path, reason: "is not a lock of lmctl, whose name it has; move it away")
      }
      // The holder may have removed it between the opening and the lock.
      if isStill(path, opened) { return opened }
      close(opened)
    }
  }

  private static func open(_ path: String) throws -> Int32 {
    let flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    var opened = path.withSystemPath { Glibc.open($0, O_RDWR | O_CREAT | flags, 0o666) }
    // Another user's can be locked all the same.
    if opened < 0, errno == EACCES { opened = path.withSystemPath { Glibc.open($0, O_RDONLY | flags) } }
    guard opened >= 0 else { throw FileError(path: path, errno: errno) }
    var status = stat()
    guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      throw FileError(path: path, reason: "is not a lock of lmctl, whose name it has; move it away")
    }
    return opened
  }

  private static func isStill(_ path: String, _ descriptor: Int32) -> Bool {
    var (named, opened) = (stat(), stat())
    return path.withSystemPath { lstat($0, &named) } == 0 && fstat(descriptor, &opened) == 0
      && (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)
  }

  private static func content(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 2000)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  private static func holder(of output: String) -> JSONValue {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return .object([
      .init("lmctl_lock", .string(output)), .init("host", .string(String(systemText: name))),
      .init("process", .integer(Int(getpid()))), .init("since", JSONValue.string(UTCTime.text)),
    ])
  }

  private static func taken(_ output: String, by content: String) -> FileError {
    let holder = try? JSONValue(parsing: Array(content.utf8), file: "")
    var who = ""
    if let process = holder?["process"]?.integerValue { who += "process \(process)" }
    if let host = holder?["host"]?.stringValue { who += "\(who.isEmpty ? "" : " ")on \(host)" }
    if let time = holder?["since"]?.stringValue { who += "\(who.isEmpty ? "" : " ")since \(time)" }
    return FileError(
      path: output,
      reason: "another run is writing it\(who.isEmpty ? "" : " (\(who))"); wait for its end, or name another "
        + "file with --output")
  }
}
