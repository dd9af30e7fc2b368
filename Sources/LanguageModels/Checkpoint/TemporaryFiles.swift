import Glibc
import Synchronization

/// The temporary files that exist now, so that an interrupted program can remove them.
public enum TemporaryFiles {
  private static let paths = Mutex<Set<String>>([])

  /// Makes ready what `deleteAll` needs.
  public static func prepare() { paths.withLock { _ in } }

  /// Registers a file.
  static func add(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  /// Forgets a file.
  static func remove(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  /// Deletes all registered files, right before the program ends.
  ///
  /// It takes and gives no memory, and may be called by a signal handler: a lock that stays with the interrupted thread is not
  /// waited for.
  public static func deleteAll() {
    for _ in 0..<1000 {
      let isDone: Void? = paths.withLockIfAvailable { paths in
        for path in paths { unlink(path) }
      }
      if isDone != nil { return }
      sched_yield()
    }
  }
}
