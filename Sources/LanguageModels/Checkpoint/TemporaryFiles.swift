import Glibc
import Synchronization

/// The temporary files that exist now, so that an interrupted program can remove them.
///
/// They stand beside what they will become, under its name, `.tmp-` and a random number. Their writer holds a lock on each, which the system
/// takes back however the writer ends: so what nobody will finish is known, from any host, container or process, and removed.
public enum TemporaryFiles {
  private static let paths = Mutex<Set<String>>([])

  /// Makes ready what `deleteAll` needs.
  public static func prepare() { paths.withLock { _ in } }

  /// Registers a file that is to go when the program is interrupted.
  public static func add(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  /// Forgets a file.
  public static func remove(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  /// Deletes all registered files, right before the program ends.
  ///
  /// It takes and gives no memory, and may be called by a signal handler: a lock that stays with the interrupted thread is not
  /// waited for.
  public static func deleteAll() {
    for _ in 0..<1000 {
      let isDone: Void? = paths.withLockIfAvailable { paths in
        for path in paths { _ = path.withSystemPath { unlink($0) } }
      }
      if isDone != nil { return }
      sched_yield()
    }
  }

  // MARK: Files beside others

  private static let mark = ".tmp-"
  private static let digits = 16

  /// Makes a file beside `target` and locks it; `nil` with the reason in `errno` if that cannot be.
  ///
  /// - Parameter mode: that of the file which it will replace; `nil` for a new one.
  static func create(beside target: String, mode: mode_t?) -> (path: String, descriptor: Int32)? {
    for _ in 0..<100 {
      let number = String(UInt64.random(in: 0...UInt64.max), radix: 16)
      let name = mark + String(repeating: "0", count: digits - number.count) + number
      let path = FileName.beside(target, name)
      let descriptor = path.withSystemPath {
        open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode == nil ? 0o666 : 0o600)
      }
      if descriptor < 0 {
        if errno == EEXIST { continue }
        return nil
      }
      var status = stat()
      let isTaken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
      // Somebody who found it without a lock has just removed it.
      if isTaken || fstat(descriptor, &status) == 0 && status.st_nlink == 0 {
        close(descriptor)
        continue
      }
      if let mode { fchmod(descriptor, mode) }
      add(path)
      return (path, descriptor)
    }
    errno = EEXIST
    return nil
  }

  /// Removes what writers that are dead have left beside `target`: files of this user with such a name that nobody has locked.
  public static func removeLeftovers(beside target: String) {
    let sample = FileName.split(FileName.beside(target, mark + String(repeating: "0", count: digits)))
    let start = sample.name.systemBytes.dropLast(digits)
    for name in names(in: sample.folder) where name.count == start.count + digits && name.starts(with: start)
    {
      let isHexadecimal = name.dropFirst(start.count).allSatisfy {
        (48...57).contains($0) || (97...102).contains($0)
      }
      if isHexadecimal { removeLeftover(sample.folder + String(systemBytes: name)) }
    }
  }

  private static func names(in folder: String) -> [[UInt8]] {
    guard let directory = (folder.isEmpty ? "." : folder).withSystemPath({ opendir($0) }) else { return [] }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    while let entry = readdir(directory) {
      withUnsafeBytes(of: &entry.pointee.d_name) { names.append(Array($0.prefix { $0 != 0 })) }
    }
    return names
  }

  private static func removeLeftover(_ path: String) {
    let flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    var descriptor = path.withSystemPath { open($0, O_RDWR | flags) }
    if descriptor < 0 { descriptor = path.withSystemPath { open($0, O_RDONLY | flags) } }
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
      status.st_nlink == 1, flock(descriptor, LOCK_EX | LOCK_NB) == 0
    else { return }
    _ = path.withSystemPath { unlink($0) }
  }
}
