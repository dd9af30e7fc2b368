import Glibc

/// Why a document is not the JSON that was expected.
struct JSONProblem: Error {
  /// Byte offset in the document, from 0.
  let offset: Int
  /// What was found.
  let reason: String
}

/// A pull parser for JSON (RFC 8259) over a stream: values are built on request, long strings are handed on in blocks.
///
/// Memory: one block of the input and the values asked for.
struct JSONParser {
  private let read: (UnsafeMutableRawBufferPointer) throws -> Int
  private let allowsNonFinite: Bool
  private var block: [UInt8]
  private var position = 0
  private var end = 0
  private var blockOffset = 0

  /// Values nested deeper than this are refused.
  private static let maximumDepth = 64
  /// A document with more values than this is refused: each takes more memory than its text. Vocabularies and tensors are not read as
  /// values.
  private static let maximumValues = 1 << 20
  /// More white space than this in one place is refused.
  private static let maximumSpace = 1 << 24
  /// A string of more bytes is refused.
  private static let maximumString = 1 << 26

  /// How many more values may come.
  private var valuesLeft = JSONParser.maximumValues

  /// A parser of what `read` delivers, block by block; with `allowsNonFinite`, of `NaN` and `Infinity` too.
  init(
    blockSize: Int = 4 << 20, allowsNonFinite: Bool = false,
    read: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
  ) {
    self.read = read
    self.allowsNonFinite = allowsNonFinite
    block = [UInt8](repeating: 0, count: blockSize)
  }

  /// Byte offset of the next byte to be read.
  var offset: Int { blockOffset + position }

  /// An error at the present place.
  func problem(_ reason: String) -> JSONProblem { JSONProblem(offset: offset, reason: reason) }

  // MARK: Tokens

  /// The next byte, which is not consumed; `nil` at the end.
  private mutating func peekByte() throws -> UInt8? {
    if position == end {
      blockOffset += end
      position = 0
      end = try block.withUnsafeMutableBytes(read)
      if end == 0 { return nil }
    }
    return block[position]
  }

  private mutating func nextByte() throws -> UInt8 {
    guard let byte = try peekByte() else { throw problem("the file ends too early") }
    position += 1
    return byte
  }

  /// The next byte that is not white space, which is not consumed; `nil` at the end.
  mutating func peek() throws -> UInt8? {
    let start = offset
    while let byte = try peekByte() {
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
      position += 1
      guard offset - start < Self.maximumSpace else { throw problem("nothing but white space") }
    }
    return nil
  }

  /// Consumes `character`, after white space.
  mutating func expect(_ character: Unicode.Scalar) throws {
    guard let byte = try peek() else { throw problem("the file ends too early") }
    guard byte == UInt8(ascii: character) else {
      throw problem("'\(Self.show(byte))' where '\(character)' should be")
    }
    position += 1
  }

  /// Consumes `character` if it is next, after white space.
  mutating func consume(_ character: Unicode.Scalar) throws -> Bool {
    guard try peek() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Makes sure that nothing follows.
  mutating func expectEnd() throws {
    if try peek() != nil { throw problem("something follows the end of the document") }
  }

  private static func show(_ byte: UInt8) -> String {
    (0x21..<0x7F).contains(byte) ? String(Unicode.Scalar(byte)) : "byte \(byte)"
  }

  // MARK: Containers

  /// Reads an object; `body` is called at each member's value, which it must consume.
  mutating func object(_ body: (inout JSONParser, _ name: String) throws -> Void) throws {
    try expect("{")
    if try consume("}") { return }
    repeat {
      let name = try string()
      try expect(":")
      try body(&self, name)
    } while try consume(",")
    try expect("}")
  }

  /// Reads an array; `body` is called at each element, which it must consume.
  mutating func array(_ body: (inout JSONParser) throws -> Void) throws {
    try expect("[")
    if try consume("]") { return }
    repeat { try body(&self) } while try consume(",")
    try expect("]")
  }

  /// Reads any value.
  mutating func value(depth: Int = 0) throws -> JSONValue {
    guard depth < Self.maximumDepth else { throw problem("values are nested too deeply") }
    valuesLeft -= 1
    guard valuesLeft >= 0 else { throw problem("more than \(Self.maximumValues) values") }
    guard let byte = try peek() else { throw problem("the file ends too early") }
    switch byte {
    case UInt8(ascii: "{"):
      var members: [JSONValue.Member] = []
      try object { parser, name in members.append(.init(name, try parser.value(depth: depth + 1))) }
      return .object(members)
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      try array { parser in elements.append(try parser.value(depth: depth + 1)) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      let text = try numberText()
      if text == "-", allowsNonFinite {
        try expect(word: "Infinity")
        return .number(-.infinity)
      }
      if let integer = Int(text) { return .integer(integer) }
      guard let number = Double(text) else { throw problem("'\(text)' is not a number") }
      guard number.isFinite else { throw problem("'\(text)' is too large for a number") }
      return .number(number)
    default:
      var words = [("null", JSONValue.null), ("true", true), ("false", false)]
      if allowsNonFinite { words += [("NaN", .number(.nan)), ("Infinity", .number(.infinity))] }
      for (word, value) in words where byte == word.utf8.first {
        try expect(word: word)
        return value
      }
      throw problem("'\(Self.show(byte))' where a value should be")
    }
  }

  /// Consumes `word`, which must be next.
  private mutating func expect(word: String) throws {
    for expected in word.utf8 {
      guard try nextByte() == expected else { throw problem("not a JSON value") }
    }
  }

  // MARK: Numbers

  /// Reads a number as text.
  mutating func numberText() throws -> String {
    _ = try peek()
    var text: [UInt8] = []
    while let byte = try peekByte(), Self.isPartOfNumber(byte), text.count < 64 {
      text.append(byte)
      position += 1
    }
    guard !text.isEmpty else { throw problem("a number should be here") }
    return String(decoding: text, as: UTF8.self)
  }

  private static func isPartOfNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
      UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }

  // MARK: Strings

  /// Reads a string.
  mutating func string() throws -> String {
    let bytes = try stringBytes()
    guard bytes.withUnsafeBytes({ UTF8Content(of: $0) }) != .invalid else {
      throw problem("a string is not valid UTF-8")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private mutating func stringBytes() throws -> [UInt8] {
    try expect("\"")
    var bytes: [UInt8] = []
    while true {
      let byte = try nextByte()
      guard bytes.count < Self.maximumString else {
        throw problem("a string is longer than \(Self.maximumString) bytes")
      }
      switch byte {
      case UInt8(ascii: "\""): return bytes
      case UInt8(ascii: "\\"): try escape(into: &bytes)
      case 0..<0x20: throw problem("a string holds a control character")
      default: bytes.append(byte)
      }
    }
  }

  private mutating func escape(into bytes: inout [UInt8]) throws {
    let byte = try nextByte()
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var unit = try hexadecimalUnit()
      if (0xD800..<0xDC00).contains(unit) {
        guard try nextByte() == UInt8(ascii: "\\"), try nextByte() == UInt8(ascii: "u") else {
          throw problem("a string holds half a surrogate pair")
        }
        let low = try hexadecimalUnit()
        guard (0xDC00..<0xE000).contains(low) else { throw problem("a string holds half a surrogate pair") }
        unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(unit) else { throw problem("a string holds half a surrogate pair") }
      bytes.append(contentsOf: String(Character(scalar)).utf8)
    default: throw problem("a string holds an unknown escape")
    }
  }

  private mutating func hexadecimalUnit() throws -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(try nextByte())).hexDigitValue else {
        throw problem("a string holds a bad \\u escape")
      }
      unit = unit << 4 | UInt32(digit)
    }
    return unit
  }

  /// Reads a string without escapes in blocks, as it stands in the input.
  mutating func plainString(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try expect("\"")
    while true {
      guard try peekByte() != nil else { throw problem("the file ends too early") }
      let (piece, isLast) = block.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress, let quote = memchr(base + position, 0x22, end - position) else {
          return (position..<end, false)
        }
        return (position..<UnsafeRawPointer(quote) - base, true)
      }
      try block.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[piece])) }
      position = piece.upperBound
      if isLast {
        position += 1
        return
      }
    }
  }
}
