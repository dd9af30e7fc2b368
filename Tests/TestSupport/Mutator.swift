import LanguageModels

/// Damages files: bytes, lines, numbers, and the members of JSON documents.
public struct Mutator {
  private var generator: SeededGenerator

  /// The same seed gives the same damage.
  public init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  private mutating func number(below bound: Int) -> Int { Int(generator.next() % UInt64(max(1, bound))) }

  private mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[number(below: elements.count)]
  }

  // MARK: Bytes

  private static let numbers = [
    "-1", "0", "1", "2", "255", "65536", "4294967295", "4294967296", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "99999999999999999999", "1e18", "1e38", "1e39", "1e308",
    "-1e308", "1e999", "1e-400", "0.5", "nan", "NaN", "inf", "-inf", "-Infinity", "-", "1e", "0x10", "00",
    "-99", "1" + String(repeating: "0", count: 70),
  ].map { Array($0.utf8) }

  private static let pieces: [[UInt8]] =
    [
      "\0", "\u{FEFF}", "\u{1B}[31m", "\u{9B}", "\u{2028}", "\r", "\n", "\t", " ", "\"", "\\", "{", "}", "[",
      "]", ",", ":", "<s>", "</s>", "<unk>", "\\end\\", "\\data\\", "\\1-grams:", "\n\n\n", "\\ud800",
      "\\u{1}", String(repeating: "a", count: 70_000), String(repeating: "\u{301}", count: 3000),
      String(repeating: "[", count: 3000),
    ].map { Array($0.utf8) } + [
      [0xFF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC2], [0x1F, 0x8B],
    ]

  /// `original` with one to a few changes: flipped bits, bytes and numbers replaced, pieces and lines deleted, doubled, moved or put
  /// in, or the end cut off.
  public mutating func mutate(_ original: [UInt8]) -> [UInt8] {
    var bytes = original
    for _ in 0..<pick([1, 1, 1, 2, 3, 8]) {
      if bytes.isEmpty { bytes = [10] }
      let position = number(below: bytes.count)
      let end = min(bytes.count, position + pick([1, 1, 2, 4, 16, 200, 5000]))
      switch number(below: 11) {
      case 0: bytes[position] ^= 1 << UInt8(number(below: 8))
      case 1: bytes[position] = UInt8(number(below: 256))
      case 2: bytes[position] = pick(Array("0123456789-. \t\n\\<>s/ab=".utf8))
      case 3: bytes.removeSubrange(position..<end)
      case 4:
        let piece = Array(bytes[position..<end])
        for _ in 0..<pick([1, 1, 2, 50]) { bytes.insert(contentsOf: piece, at: position) }
      case 5: bytes.insert(contentsOf: Array(bytes[position..<end]), at: number(below: bytes.count))
      case 6: bytes.insert(contentsOf: pick(Self.pieces), at: position)
      case 7 where number(below: 3) == 0: bytes.removeSubrange(position...)
      case 8: rearrangeLines(&bytes)
      default: replaceNumber(in: &bytes, from: position)
      }
    }
    return bytes
  }

  private mutating func rearrangeLines(_ bytes: inout [UInt8]) {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    let (i, j) = (number(below: lines.count), number(below: lines.count))
    switch number(below: 4) {
    case 0: lines.swapAt(i, j)
    case 1: lines.insert(lines[i], at: j)
    case 2: lines.remove(at: i)
    default:
      // The beginning of one and the end of another.
      lines[i] = lines[i].prefix(number(below: lines[i].count + 1)) + lines[j].suffix(number(below: 20))
    }
    bytes = Array(lines.joined(separator: [10]))
  }

  /// Puts another number in the place of the next one behind `position`.
  private mutating func replaceNumber(in bytes: inout [UInt8], from position: Int) {
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || byte == UInt8(ascii: ".") }
    guard let start = bytes[position...].firstIndex(where: isDigit) else { return }
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
    bytes.replaceSubrange(start..<end, with: pick(Self.numbers))
  }

  // MARK: Documents

  private static let values: [JSONValue] =
    [
      .null, true, false, "", "x", "inf", "-inf", [], [:], [[]], [[[[[[[[]]]]]]]], ["a": 1, "b": [1, "x"]],
      "\u{0}", "\u{202E}\u{9B}", .string(String(repeating: "a", count: 100_000)), -1, 0, 1, 2, 255, 65536,
      0.5, 1e38, 1e39, -1e308, 1e308, .integer(.max), .integer(.min), .integer(1 << 32), .integer(1 << 31),
      .integer(1_000_000_000_000_000_000), .number(.infinity), .number(-.infinity), .number(.nan),
      .array(Array(repeating: 0, count: 10_000)),
    ]

  /// The text of `document` with one to three of its values replaced, deleted, doubled, moved, or wrapped in an array, so that it is
  /// still JSON, and now and then damaged as bytes are.
  public mutating func mutate(document: JSONValue) -> [UInt8] {
    var document = document
    for _ in 0..<pick([1, 1, 1, 2, 3]) { document = changed(document) }
    var bytes: [UInt8] = []
    document.write(to: &bytes)
    return number(below: 5) == 0 ? mutate(bytes) : bytes
  }

  /// `value` with a change in it or in what it holds.
  private mutating func changed(_ value: JSONValue) -> JSONValue {
    switch value {
    case .object(var members) where !members.isEmpty:
      let i = number(below: members.count)
      let (name, old) = (members[i].name, members[i].value)
      switch number(below: 10) {
      case 0: members.remove(at: i)
      case 1: members.insert(members[i], at: number(below: members.count))
      case 2: members[i] = .init(pick(members).name, old)
      case 3: members[i] = .init(name, pick(members).value)
      case 4: members[i] = .init(name, replacement(of: old))
      // Names are there to say what numbers mean.
      default: members[i] = .init(name, changed(old))
      }
      return .object(members)
    case .array(var elements) where !elements.isEmpty:
      let i = number(below: elements.count)
      switch number(below: 8) {
      case 0: elements.remove(at: i)
      case 1: elements.insert(elements[i], at: number(below: elements.count))
      case 2: elements.swapAt(i, number(below: elements.count))
      case 3: elements[i] = replacement(of: elements[i])
      default: elements[i] = changed(elements[i])
      }
      return .array(elements)
    default: return replacement(of: value)
    }
  }

  private mutating func replacement(of value: JSONValue) -> JSONValue {
    switch (value, number(below: 4)) {
    case (.integer(let number), 0): return .integer(number &+ pick([-1, 1, 1000]))
    case (.string(let text), 0...2) where text.utf8.count > 3: return .string(changedData(text))
    case (_, 1): return .array([value])
    default: return pick(Self.values)
    }
  }

  /// A string of base64 with some of the 32-bit numbers changed that it stands for; another string with other letters.
  private mutating func changedData(_ text: String) -> String {
    var bytes = Array(text.utf8)
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    for _ in 0..<pick([1, 1, 4, 20]) {
      let place = number(below: bytes.count / 4) * 4
      if number(below: 3) == 0 {
        bytes[place] = pick(letters)
      } else {
        // Three bytes of zeros, of ones, of other numbers here, of a large exponent.
        let group = pick([
          "AAAA", "////", "gP8A", "AIA/", "wH8A", String(decoding: bytes.prefix(4), as: UTF8.self),
        ])
        bytes.replaceSubrange(place..<min(place + 4, bytes.count), with: group.utf8)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
