import Dispatch

/// How the tensors of a checkpoint are written.
public enum TensorFormat: String, CaseIterable, Sendable {
  /// Base64 of the little-endian elements, with a checksum.
  case base64
  /// Plain arrays of numbers, for reading by eye.
  case decimal
}

extension Checkpoint {
  /// Writes the checkpoint to `path` (`-`: standard output), replacing an older file only once the new one is whole.
  ///
  /// - Throws: `FileError` when the file cannot be written; the older file is then as it was.
  public func write(to path: String, tensors format: TensorFormat = .base64) throws {
    let file = try AtomicFile(path: path)
    var text: [UInt8] = []
    let members = headerMembers
    for (i, member) in members.enumerated() {
      text += (i == 0 ? "{\"" : ",\n\"").utf8
      text += member.name.utf8
      text += "\":".utf8
      text += member.text
    }
    text += ",\n\"header_crc32\":\"\(Self.hexadecimal(Self.headerChecksum(members)))\",\n\"tensors\":[".utf8
    let checksums = self.checksums
    for (i, tensor) in tensors.enumerated() {
      text += (i == 0 ? "\n" : ",\n").utf8
      text += "{\"name\":".utf8
      JSONValue.write(tensor.name, to: &text)
      text += ",\"shape\":\(JSONValue.array(tensor.shape.map { .integer($0) }).text)".utf8
      text += ",\"dtype\":\"\(tensor.dataType.rawValue)\"".utf8
      switch format {
      case .base64: try tensor.writeBase64(to: file, after: &text, checksum: checksums[i])
      case .decimal: try tensor.writeDecimal(to: file, after: &text, checksum: checksums[i])
      }
      text += "}".utf8
    }
    text += "\n]}\n".utf8
    try text.withUnsafeBytes { try file.write($0) }
    try file.commit()
  }

  /// The checksum of each tensor, taken on all cores.
  private var checksums: [UInt32] {
    [UInt32](unsafeUninitializedCapacity: tensors.count) { checksums, initialized in
      nonisolated(unsafe) let results = checksums
      DispatchQueue.concurrentPerform(iterations: tensors.count) { i in
        var crc = CRC32()
        tensors[i].elements.withUnsafeBytes { crc.update($0) }
        results.initializeElement(at: i, to: crc.value)
      }
      initialized = tensors.count
    }
  }
}

extension Tensor {
  /// Bytes of the tensor encoded at a time by one thread: a multiple of three.
  private static let blockSize = 3 << 17

  /// Writes `text`, then the members `crc32` and `data`; blocks are encoded on all cores.
  fileprivate func writeBase64(to file: AtomicFile, after text: inout [UInt8], checksum: UInt32) throws {
    try elements.withUnsafeBytes { bytes in
      text += ",\"crc32\":\"\(Checkpoint.hexadecimal(checksum))\",\"data\":\"".utf8
      try text.withUnsafeBytes { try file.write($0) }

      let lanes = 4
      let output = UnsafeMutableRawBufferPointer.allocate(
        byteCount: lanes * Base64.encodedCount(Self.blockSize), alignment: 16)
      defer { output.deallocate() }
      guard let base = output.baseAddress else { return }
      var offset = 0
      while offset < bytes.count {
        let round = UnsafeRawBufferPointer(
          rebasing: bytes[offset..<min(offset + lanes * Self.blockSize, bytes.count)])
        let blocks = (round.count + Self.blockSize - 1) / Self.blockSize
        nonisolated(unsafe) let (source, target) = (round, base)
        DispatchQueue.concurrentPerform(iterations: blocks) { block in
          let range = block * Self.blockSize..<min((block + 1) * Self.blockSize, source.count)
          Base64.encode(
            UnsafeRawBufferPointer(rebasing: source[range]),
            into: target + Base64.encodedCount(block * Self.blockSize))
        }
        try file.write(UnsafeRawBufferPointer(start: base, count: Base64.encodedCount(round.count)))
        offset += round.count
      }
      text = Array("\"".utf8)
    }
  }

  /// Writes `text`, then the members `crc32` and `data`, this one as an array of numbers, each with as many digits as give it back exactly.
  ///
  /// JSON has no infinities: they are written as strings, "inf" and "-inf".
  fileprivate func writeDecimal(to file: AtomicFile, after text: inout [UInt8], checksum: UInt32) throws {
    text += ",\"crc32\":\"\(Checkpoint.hexadecimal(checksum))\",\"data\":[".utf8
    for i in 0..<elements.count {
      if i > 0 { text.append(UInt8(ascii: ",")) }
      switch elements {
      case .float32(let values):
        text += (values[i].isFinite ? "\(values[i])" : "\"\(values[i])\"").utf8
      case .uint32(let values): text += "\(values[i])".utf8
      case .uint8(let values): text += "\(values[i])".utf8
      }
      if text.count > 1 << 20 {
        try text.withUnsafeBytes { try file.write($0) }
        text.removeAll(keepingCapacity: true)
      }
    }
    text += "]".utf8
  }
}
