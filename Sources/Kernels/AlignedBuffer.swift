#if canImport(Glibc)
  import Glibc
#endif

/// Floats at an address that is a multiple of 64 bytes, freed with their owner.
public final class AlignedBuffer {
  public private(set) var pointer: UnsafeMutablePointer<Float>
  public private(set) var count: Int

  /// `count` floats, all zero.
  public init(count: Int = 0) {
    self.count = count
    pointer = Self.allocate(count)
  }

  deinit { pointer.deallocate() }

  /// Grows to at least `count` floats; the contents are then lost.
  public func reserve(_ count: Int) {
    if count <= self.count { return }
    pointer.deallocate()
    self.count = count
    pointer = Self.allocate(count)
  }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
    // Large buffers lie in huge pages where the system has them: a product walks down columns, a page apart.
    let hugePage = 2 << 20
    let bytes = max(count, 1) * 4
    let isLarge = bytes >= hugePage
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? hugePage : 64)
    #if os(Linux)
      if isLarge { madvise(raw, bytes / hugePage * hugePage, MADV_HUGEPAGE) }
    #endif
    let floats = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    floats.initialize(repeating: 0, count: max(count, 1))
    return floats
  }
}
