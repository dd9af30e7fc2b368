import Threads

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
      try text.withUnsafeBytes { try file.write($0) }
      try member.text.withUnsafeBytes { try file.write($0) }
      text.removeAll()
    }
    text += ",\n\"header_crc32\":\"\(Self.hexadecimal(Self.headerChecksum(members)))\",\n\"tensors\":[".utf8
    let checksums = try self.checksums()
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
  private func checksums() throws -> [UInt32] {
    var results = [Result<UInt32, any Error>](repeating: .success(0), count: tensors.count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      Threads.perform(tensors.count) { i in
        results[i] = Result {
          var crc = CRC32()
          try tensors[i].elements.forEachBlock(of: 1 << 18) { crc.update($0) }
          return crc.value
        }
      }
    }
    return try results.map { try $0.get() }
  }
}

extension Tensor {
  /// Bytes of the tensor encoded at a time by one thread: a multiple of three.
  private static let blockSize = 3 << 17

  /// Writes `text`, then the members `crc32` and `data`; blocks are encoded on all cores.
  fileprivate func writeBase64(to file: AtomicFile, after text: inout [UInt8], checksum: UInt32) throws {
    text += ",\"crc32\":\"\(Checkpoint.hexadecimal(checksum))\",\"data\":\"".utf8
    try text.withUnsafeBytes { try file.write($0) }
    let lanes = 4
    let output = UnsafeMutableRawBufferPointer.allocate(
      byteCount: lanes * Base64.encodedCount(Self.blockSize), alignment: 16)
    defer { output.deallocate() }
    guard let base = output.baseAddress else { return }
    try elements.forEachBlock(of: lanes * Self.blockSize) { bytes in
      var offset = 0
      while offset < bytes.count {
        let round = UnsafeRawBufferPointer(
          rebasing: bytes[offset..<min(offset + lanes * Self.blockSize, bytes.count)])
        let blocks = (round.count + Self.blockSize - 1) / Self.blockSize
        nonisolated(unsafe) let (source, target) = (round, base)
        Threads.perform(blocks) { block in
          let range = block * Self.blockSize..<min((block + 1) * Self.blockSize, source.count)
          Base64.encode(
            UnsafeRawBufferPointer(rebasing: source[range]),
            into: target + Base64.encodedCount(block * Self.blockSize))
        }
        try file.write(UnsafeRawBufferPointer(start: base, count: Base64.encodedCount(round.count)))
        offset += round.count
      }
    }
    text = Array("\"".utf8)
  }

  /// Writes `text`, then the members `crc32` and `data`, this one as an array of numbers, each with as many digits as give it back exactly.
  ///
  /// JSON has no infinities: they are written as strings, "inf" and "-inf".
  fileprivate func writeDecimal(to file: AtomicFile, after text: inout [UInt8], checksum: UInt32) throws {
    text += ",\"crc32\":\"\(Checkpoint.hexadecimal(checksum))\",\"data\":[".utf8
    var isFirst = true
    func append(_ value: String) throws {
      if !isFirst { text.append(UInt8(ascii: ",")) }
      isFirst = false
      text += value.utf8
      if text.count > 1 << 20 {
        try text.withUnsafeBytes { try file.write($0) }
        text.removeAll(keepingCapacity: true)
      }
    }
    try elements.forEachBlock(of: 1 << 18) { bytes in
      switch dataType {
      case .float32:
        for value in bytes.bindMemory(to: Float.self) {
          try append(value.isFinite ? "\(value)" : "\"\(value)\"")
        }
      case .uint32: for value in bytes.bindMemory(to: UInt32.self) { try append("\(value)") }
      case .uint8: for value in bytes { try append("\(value)") }
      }
    }
    text += "]".utf8
  }
}
