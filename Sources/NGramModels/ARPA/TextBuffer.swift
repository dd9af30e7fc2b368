/// Text that grows in memory of its own.
final class TextBuffer {
  /// Bytes behind the end of a text that may be read and overwritten.
  static let slack = 16

  private var memory: UnsafeMutablePointer<UInt8>
  private var capacity = 1 << 10
  private var count = 0

  init() { memory = .allocate(capacity: capacity + Self.slack) }

  deinit { memory.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

  /// Where the text begins.
  var start: UnsafePointer<UInt8> { UnsafePointer(memory) }

  /// Takes away what stands from `position` on.
  func removeAll(from position: Int = 0) { count = position }

  /// Where the next bytes go, with room for `length` of them.
  @inline(__always)
  func reserve(_ length: Int) -> UnsafeMutablePointer<UInt8> {
    if count + length > capacity { grow(length) }
    return memory + count
  }

  /// Tells where the bytes that were written end.
  @inline(__always)
  func end(at end: UnsafeMutablePointer<UInt8>) { count = end - memory }

  /// Copies a short text in steps of `slack` bytes, the last of which may go beyond its end on either side.
  @inline(__always)
  static func copy(_ source: UnsafePointer<UInt8>, _ length: Int, to target: UnsafeMutablePointer<UInt8>) {
    var done = 0
    while done < length {
      let step = UnsafeRawPointer(source + done).loadUnaligned(as: SIMD16<UInt8>.self)
      UnsafeMutableRawPointer(target + done).storeBytes(of: step, as: SIMD16<UInt8>.self)
      done += slack
    }
  }

  private func grow(_ length: Int) {
    capacity = max(2 * capacity, count + length)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity + Self.slack)
    larger.update(from: memory, count: count)
    memory.deallocate()
    memory = larger
  }
}
