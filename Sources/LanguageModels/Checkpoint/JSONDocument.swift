extension JSONValue {
  /// Reads a whole JSON document that is in memory.
  ///
  /// - Parameters:
  ///   - file: its name in messages.
  ///   - line: the number of its first line in the file.
  ///   - allowsNonFinite: whether `NaN`, `Infinity` and `-Infinity` are numbers, as some programs write them.
  /// - Throws: `TextError`, which names file and line, if it is not JSON.
  public init(
    parsing bytes: UnsafeRawBufferPointer, file: String, line: Int = 1, allowsNonFinite: Bool = false
  ) throws {
    var rest = bytes[...]
    var parser = JSONParser(blockSize: max(1, bytes.count), allowsNonFinite: allowsNonFinite) { block in
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(block.count))
      block.copyMemory(from: piece)
      rest = rest.dropFirst(piece.count)
      return piece.count
    }
    do {
      self = try parser.value()
      try parser.expectEnd()
    } catch let problem as JSONProblem {
      let linesBefore = bytes[..<min(problem.offset, bytes.count)].count { $0 == UInt8(ascii: "\n") }
      throw TextError(file: file, line: line + linesBefore, reason: "is not valid JSON: \(problem.reason)")
    }
  }

  /// Reads a whole JSON document that is in memory.
  public init(parsing bytes: [UInt8], file: String) throws {
    self = try bytes.withUnsafeBytes { try JSONValue(parsing: $0, file: file) }
  }
}

extension ByteSource {
  /// What a text that is read several times may have, if it comes through a pipe: a quarter of the machine's memory.
  public static let mostToKeep = PhysicalMemory.bytes / 4

  /// All bytes; `nil` if there are more than `limit`.
  public func readAll(limit: Int) throws -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(limit, size ?? 0))
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try block.withUnsafeMutableBytes { try read(into: $0) }
      if count == 0 { return bytes }
      bytes += block[..<count]
      if bytes.count > limit { return nil }
    }
  }
}
