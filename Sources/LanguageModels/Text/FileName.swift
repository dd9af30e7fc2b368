import Glibc

/// Names of files and arguments, which are bytes to the system and need not be UTF-8.
///
/// As strings, bytes that are not UTF-8 stand as private characters, U+10FE00 and the byte, which become those bytes again where a
/// name meets the system (as Python's `surrogateescape` does). So no name is repaired, and none is lost. Where such a
/// character itself is in a name, each of its four bytes stands so.
extension String {
  /// The text of `bytes`, of which none is lost.
  public init(systemBytes bytes: some Collection<UInt8>) {
    if let text = String(validating: bytes, as: UTF8.self), !text.mayHoldPlainBytes {
      self = text
      return
    }
    var scalars = String.UnicodeScalarView()
    var rest = Array(bytes)[...]
    while let first = rest.first {
      let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
      let scalar = String(validating: rest.prefix(length), as: UTF8.self)?.unicodeScalars.first
      if let scalar, scalar.plainByte == nil {
        scalars.append(scalar)
        rest = rest.dropFirst(length)
      } else {
        scalars.append(Unicode.Scalar(plainByte: first))
        rest = rest.dropFirst()
      }
    }
    self.init(scalars)
  }

  /// The text of what ends in a zero.
  public init(systemText text: UnsafePointer<CChar>) {
    self.init(systemBytes: UnsafeRawBufferPointer(start: text, count: strlen(text)))
  }

  /// The bytes that the text was made of.
  public var systemBytes: [UInt8] {
    guard mayHoldPlainBytes else { return Array(utf8) }
    var bytes: [UInt8] = []
    for scalar in unicodeScalars {
      if let byte = scalar.plainByte { bytes.append(byte) } else { bytes += String(scalar).utf8 }
    }
    return bytes
  }

  /// The result of `body`, a call of the system that takes this name of a file; `errno` is as the call left it.
  public func withSystemPath<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
    var code: Int32 = 0
    func call(_ name: UnsafePointer<CChar>) throws -> Result {
      let result = try body(name)
      code = errno
      return result
    }
    let result =
      mayHoldPlainBytes
      ? try (systemBytes + [0]).withUnsafeBufferPointer {
        try $0.withMemoryRebound(to: CChar.self) { try $0.baseAddress.map(call) ?? call("") }
      } : try withCString(call)
    errno = code
    return result
  }

  /// The text as messages show it: a byte that is not UTF-8 as `\xE9`.
  public var shown: String {
    guard mayHoldPlainBytes else { return self }
    return unicodeScalars.map { scalar in
      guard let byte = scalar.plainByte else { return String(scalar) }
      return "\\x" + String(byte, radix: 16, uppercase: true)
    }.joined()
  }

  /// Whether bytes may stand in it that are not UTF-8.
  public var mayHoldPlainBytes: Bool { utf8.contains(0xF4) }
}

extension Unicode.Scalar {
  /// The character that stands for a byte that is not UTF-8.
  fileprivate init(plainByte byte: UInt8) { self = Unicode.Scalar(0x10FE00 + UInt32(byte)) ?? "\u{FFFD}" }

  /// The byte that it stands for.
  fileprivate var plainByte: UInt8? {
    (0x10FE80...0x10FEFF).contains(value) ? UInt8(truncatingIfNeeded: value) : nil
  }
}

/// Paths taken apart, and names beside others.
public enum FileName {
  /// The folder of `path` with its slash, or nothing, and the name in it.
  public static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.unicodeScalars.lastIndex(of: "/") else { return ("", path) }
    let start = path.unicodeScalars.index(after: slash)
    return (String(path[..<start]), String(path[start...]))
  }

  /// The name of a file beside `path` that belongs to it: its own and `suffix`.
  ///
  /// A name that would be too long for the folder is cut short; a checksum of the whole keeps it apart from others.
  public static func beside(_ path: String, _ suffix: String) -> String {
    let (folder, name) = split(path)
    let limit = longest(in: folder)
    let bytes = name.systemBytes
    if bytes.count + suffix.utf8.count <= limit { return path + suffix }
    var checksum = CRC32()
    bytes.withUnsafeBytes { checksum.update($0) }
    let mark = "~" + String(checksum.value, radix: 16) + suffix
    var head = name
    while !head.isEmpty, head.systemBytes.count + mark.utf8.count > limit { head.unicodeScalars.removeLast() }
    return folder + head + mark
  }

  /// The bytes that a name in `folder` can have.
  private static func longest(in folder: String) -> Int {
    let limit = (folder.isEmpty ? "." : folder).withSystemPath { pathconf($0, Int32(_PC_NAME_MAX)) }
    return limit > 0 ? limit : 255
  }
}
