import LanguageModels

/// Two texts that have as many lines, line by line.
struct LinePairs {
  private let first, second: LineReader

  /// The texts at two paths, either of which may be standard input.
  init(_ first: String, _ second: String) throws {
    (self.first, self.second) = (try Self.reader(first), try Self.reader(second))
  }

  private static func reader(_ path: String) throws -> LineReader {
    let source = try ByteSource(path: path)
    Terminal.announce(source)
    try TextFiles.requireText(source)
    return LineReader(source)
  }

  /// The next line of both; `nil` when both are at their end.
  ///
  /// - Throws: `FileError` when one has more lines than the other.
  mutating func next() throws -> ([UInt8], [UInt8])? {
    let (one, other) = (try first.next().map(Array.init), try second.next().map(Array.init))
    switch (one, other) {
    case (let one?, let other?): return (Self.withoutReturn(one), Self.withoutReturn(other))
    case (nil, nil): return nil
    case (_?, nil): throw try Self.unequal(shorter: second, longer: first)
    case (nil, _?): throw try Self.unequal(shorter: first, longer: second)
    }
  }

  private static func unequal(shorter: LineReader, longer: LineReader) throws -> FileError {
    let count = longer.lineNumber - 1
    while try longer.next() != nil {}
    return FileError(
      path: shorter.source.name,
      reason: "has \(Format.count(count, "line")), and \(longer.source.name) has \(longer.lineNumber); "
        + "line by line, they belong together")
  }

  private static func withoutReturn(_ line: [UInt8]) -> [UInt8] {
    line.last == UInt8(ascii: "\r") ? Array(line.dropLast()) : line
  }
}
