import Glibc
import Synchronization

/// The temporary files that exist now, so that an interrupted program can remove them.
public enum TemporaryFiles {
  private static let paths = Mutex<Set<String>>([])

  /// Registers a file.
  static func add(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  /// Forgets a file.
  static func remove(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  /// Deletes all registered files.
  public static func deleteAll() {
    paths.withLock { paths in
      for path in paths { unlink(path) }
      paths = []
    }
  }
}
