/// The CRC-32 of a stream of bytes (the polynomial of gzip and PNG, reflected, 0xEDB88320), sixteen bytes at a time.
struct CRC32 {
  private var register: UInt32 = 0xFFFF_FFFF

  /// The checksum of all bytes so far.
  var value: UInt32 { ~register }

  /// Adds `bytes`.
  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    Self.tables.withUnsafeBufferPointer { t in
      var crc = register
      var offset = 0
      while offset + 16 <= bytes.count {
        let a = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ UInt64(crc)
        let b = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        var folded: UInt32 = 0
        for i in 0..<8 {
          folded ^= t[(15 - i) << 8 | Int(a >> UInt64(8 * i) & 0xFF)]
          folded ^= t[(7 - i) << 8 | Int(b >> UInt64(8 * i) & 0xFF)]
        }
        crc = folded
        offset += 16
      }
      while offset < bytes.count {
        crc = t[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[offset])] ^ crc >> 8
        offset += 1
      }
      register = crc
    }
  }

  /// Table k gives the register after a byte followed by k zero bytes.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 16 * 256)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? 0xEDB8_8320 ^ crc >> 1 : crc >> 1 }
      tables[byte] = crc
    }
    for i in 256..<tables.count {
      let previous = tables[i - 256]
      tables[i] = tables[Int(previous & 0xFF)] ^ previous >> 8
    }
    return tables
  }()
}
