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
    let raw = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
    let floats = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    floats.initialize(repeating: 0, count: max(count, 1))
    return floats
  }
}
