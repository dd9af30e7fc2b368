import Glibc

/// What lmctl runs on.
enum Machine {
  /// Bytes of memory.
  static let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
}
