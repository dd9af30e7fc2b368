/// Base64 (RFC 4648, with padding) in blocks, by tables of 12 bits for writing and of 8 bits for reading.
enum Base64 {
  /// Characters that `count` bytes become.
  static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

  /// Writes `bytes` to `output`, which must have room; whole groups of three but for the last block of a stream.
  static func encode(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) {
    pairs.withUnsafeBufferPointer { pairs in
      var input = 0
      var out = output
      // Twelve bits are two characters, and a 16-bit store.
      while input + 4 <= bytes.count {
        let group = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: input, as: UInt32.self)) >> 8
        let four = UInt32(pairs[Int(group >> 12)]) | UInt32(pairs[Int(group & 0xFFF)]) << 16
        out.storeBytes(of: four.littleEndian, as: UInt32.self)
        input += 3
        out += 4
      }
      while input < bytes.count {
        let left = bytes.count - input
        var group = UInt32(bytes[input]) << 16
        if left > 1 { group |= UInt32(bytes[input + 1]) << 8 }
        if left > 2 { group |= UInt32(bytes[input + 2]) }
        for i in 0..<4 {
          let character = i <= left ? alphabet[Int(group >> UInt32(18 - 6 * i) & 63)] : UInt8(ascii: "=")
          out.storeBytes(of: character, as: UInt8.self)
          out += 1
        }
        input += 3
      }
    }
  }

  /// Reads whole groups of four characters without padding.
  ///
  /// - Returns: false if a character is not of the alphabet.
  static func decode(_ characters: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) -> Bool {
    values.withUnsafeBufferPointer { values in
      var bad: UInt32 = 0
      var out = output
      var input = 0
      while input + 4 <= characters.count {
        let four = characters.loadUnaligned(fromByteOffset: input, as: UInt32.self)
        let group =
          values[Int(four & 0xFF)] << 18 | values[Int(four >> 8 & 0xFF)] << 12
          | values[Int(four >> 16 & 0xFF)] << 6 | values[Int(four >> 24)]
        bad |=
          values[Int(four & 0xFF)] | values[Int(four >> 8 & 0xFF)] | values[Int(four >> 16 & 0xFF)]
          | values[Int(four >> 24)]
        out.storeBytes(of: UInt16(truncatingIfNeeded: group >> 8).byteSwapped, as: UInt16.self)
        out.storeBytes(of: UInt8(truncatingIfNeeded: group), toByteOffset: 2, as: UInt8.self)
        input += 4
        out += 3
      }
      return bad < 64
    }
  }

  /// Reads the last group, which may be padded: the bytes it stands for, or `nil` if it is not base64.
  static func decodeLast(_ group: UnsafeRawBufferPointer) -> [UInt8]? {
    guard group.count == 4 else { return group.isEmpty ? [] : nil }
    let padding = group[3] != UInt8(ascii: "=") ? 0 : group[2] != UInt8(ascii: "=") ? 1 : 2
    var bytes: [UInt8] = [0, 0, 0]
    let unpadded = group.enumerated().map { $0 < 4 - padding ? $1 : UInt8(ascii: "A") }
    let isValid = unpadded.withUnsafeBytes { characters in
      bytes.withUnsafeMutableBytes { output in
        output.baseAddress.map { decode(characters, into: $0) } ?? false
      }
    }
    // The bits that padding leaves over must be zero, or two texts would mean the same bytes.
    guard isValid, bytes.dropFirst(3 - padding).allSatisfy({ $0 == 0 }) else { return nil }
    return Array(bytes.dropLast(padding))
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The two characters of each 12 bits, the first in the low byte.
  private static let pairs: [UInt16] = (0..<4096).map {
    UInt16(alphabet[$0 >> 6]) | UInt16(alphabet[$0 & 63]) << 8
  }

  /// The six bits of each character, or 64 for a character outside the alphabet.
  private static let values: [UInt32] = {
    var values = [UInt32](repeating: 64, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt32(value) }
    return values
  }()
}
