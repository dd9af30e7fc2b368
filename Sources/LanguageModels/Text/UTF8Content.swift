/// What a run of bytes holds, found in one pass.
enum UTF8Content {
  /// ASCII without NUL.
  case plainASCII
  /// Valid UTF-8 without NUL, with at least one character beyond ASCII.
  case wide
  /// Valid UTF-8 with a NUL.
  case zeroByte
  /// Not UTF-8 (Unicode 16, table 3-7).
  case invalid

  init(of bytes: UnsafeRawBufferPointer) {
    var position = 0
    var isWide = false
    var hasZero = false
    while position < bytes.count {
      // Eight ASCII bytes without NUL at a time: no high bit set, and none borrows when 1 is taken from each.
      if position + 8 <= bytes.count {
        let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        if (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 == 0 {
          position += 8
          continue
        }
      }
      if bytes[position] < 0x80 {
        if bytes[position] == 0 { hasZero = true }
        position += 1
      } else {
        isWide = true
        let length = Self.sequenceLength(bytes, at: position)
        if length == 0 {
          self = .invalid
          return
        }
        position += length
      }
    }
    self = hasZero ? .zeroByte : isWide ? .wide : .plainASCII
  }

  /// Length of the well-formed sequence of two to four bytes at `position`, or 0.
  private static func sequenceLength(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Int {
    let lead = bytes[position]
    let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    guard (0xC2...0xF4).contains(lead), position + length <= bytes.count else { return 0 }
    let second = bytes[position + 1]
    let range: ClosedRange<UInt8> =
      switch lead {
      case 0xE0: 0xA0...0xBF
      case 0xED: 0x80...0x9F
      case 0xF0: 0x90...0xBF
      case 0xF4: 0x80...0x8F
      default: 0x80...0xBF
      }
    guard range.contains(second) else { return 0 }
    for i in 2..<max(2, length) where bytes[position + i] & 0xC0 != 0x80 { return 0 }
    return length
  }
}
