import Synchronization
import Threads

/// Decodes base64 that comes in pieces into an array of exactly the right size, and takes the checksum of what it decodes.
///
/// Each piece is decoded on all cores, one of which at the same time sums up what came before it.
struct Base64Stream<Element: BitwiseCopyable> {
  private let count: Int
  private var elements: [Element]
  private(set) var crc = CRC32()
  private var written = 0
  private var summed = 0
  /// Characters held back: an unfinished group, and always the last whole one, which may be padded.
  private var held: [UInt8] = []

  private static var lanes: Int { 8 }

  /// A decoder of `count` elements; if it `grows`, memory is taken for few of them at first, and then for eight times as many as have
  /// come.
  init(count: Int, grows: Bool) {
    self.count = count
    elements = Self.unwritten(grows ? min(count, 1 << 18) : count)
  }

  private static func unwritten(_ count: Int) -> [Element] {
    [Element](unsafeUninitializedCapacity: count) { $1 = count }
  }

  /// The elements, once all have come.
  mutating func takeElements() -> [Element] {
    defer { elements = [] }
    return elements
  }

  /// Makes room for `bytes` more; false if these are too many.
  private mutating func reserve(_ bytes: Int) -> Bool {
    let size = MemoryLayout<Element>.size
    guard written + bytes <= size * count else { return false }
    if written + bytes > size * elements.count {
      var larger = Self.unwritten(min(count, 8 * (written + bytes) / size + 1))
      larger.withUnsafeMutableBytes { larger in
        elements.withUnsafeBytes { larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<written])) }
      }
      elements = larger
    }
    return true
  }

  /// Takes more characters; false when they are not base64 or too many.
  mutating func append(_ characters: UnsafeRawBufferPointer) -> Bool {
    var rest = characters[...]
    if held.count + rest.count <= 4 {
      held += rest
      return true
    }
    // Complete the held group, which is then known not to be the last.
    let missing = rest.prefix(4 - held.count)
    held += missing
    rest = rest.dropFirst(missing.count)
    guard held.withUnsafeBytes({ decode($0) }) else { return false }
    let whole = max(0, (rest.count - 1) / 4 * 4)
    guard decode(UnsafeRawBufferPointer(rebasing: rest.prefix(whole))) else { return false }
    held = Array(rest.dropFirst(whole))
    return true
  }

  /// Takes the last group; false when it is not base64 or the array is not exactly full.
  mutating func finish() -> Bool {
    guard let bytes = held.withUnsafeBytes({ Base64.decodeLast($0) }),
      written + bytes.count == MemoryLayout<Element>.size * count, reserve(bytes.count)
    else {
      return false
    }
    var sum = crc
    let (written, summed) = (written, summed)
    elements.withUnsafeMutableBytes { output in
      for (i, byte) in bytes.enumerated() { output[written + i] = byte }
      sum.update(UnsafeRawBufferPointer(rebasing: output[summed...]))
    }
    crc = sum
    return true
  }

  private mutating func decode(_ groups: UnsafeRawBufferPointer) -> Bool {
    let count = groups.count / 4
    guard reserve(3 * count) else { return false }
    let isValid = Atomic(true)
    var sum = crc
    let (written, summed) = (written, summed)
    elements.withUnsafeMutableBytes { output in
      guard let base = output.baseAddress else { return }
      let lanes = count < 1 << 12 ? 1 : Self.lanes
      nonisolated(unsafe) let (source, target) = (groups, base + written)
      nonisolated(unsafe) let previous = UnsafeRawBufferPointer(rebasing: output[summed..<written])
      nonisolated(unsafe) var crc = sum
      Threads.perform(lanes + 1) { lane in
        guard lane > 0 else { return crc.update(previous) }
        let range = (lane - 1) * count / lanes..<lane * count / lanes
        let characters = UnsafeRawBufferPointer(rebasing: source[4 * range.lowerBound..<4 * range.upperBound])
        if !Base64.decode(characters, into: target + 3 * range.lowerBound) {
          isValid.store(false, ordering: .relaxed)
        }
      }
      sum = crc
    }
    crc = sum
    self.summed = written
    self.written += 3 * count
    return isValid.load(ordering: .relaxed)
  }
}
