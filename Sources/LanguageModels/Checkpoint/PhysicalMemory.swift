import Glibc

/// The memory of the machine, which bounds what a file of unknown size may take.
enum PhysicalMemory {
  /// Bytes; at least 64 MB, should the system not tell.
  static let bytes = max(1 << 26, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
}
