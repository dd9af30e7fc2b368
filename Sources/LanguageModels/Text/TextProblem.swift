/// Why a line is not text.
enum TextProblem: Error {
  case invalidUTF8
  case zeroByte

  /// What to tell the user about `line`.
  func reason(line: UnsafeRawBufferPointer, isFirst: Bool) -> String {
    let marks: [(bytes: [UInt8], reason: String)] = [
      ([0xFF, 0xFE], "UTF-16; convert the text (iconv -f UTF-16 -t UTF-8)"),
      ([0xFE, 0xFF], "UTF-16; convert the text (iconv -f UTF-16 -t UTF-8)"),
      ([0x1F, 0x8B], "compressed by gzip; give the file a name that ends in .gz, or use zcat"),
      (
        [0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd; give the file a name that ends in .zst, or use zstdcat"
      ),
      (
        [0xFD, 0x37, 0x7A, 0x58, 0x5A],
        "compressed by xz; give the file a name that ends in .xz, or use xzcat"
      ),
    ]
    if isFirst, let mark = marks.first(where: { line.starts(with: $0.bytes) }) { return mark.reason }
    switch self {
    case .invalidUTF8:
      return
        "invalid UTF-8; convert the text (iconv -f LATIN1 -t UTF-8), or use --invalid replace, or --unit byte"
    case .zeroByte:
      return
        "a NUL byte, so this is binary or UTF-16; convert the text (iconv -f UTF-16 -t UTF-8), or use --invalid replace"
    }
  }
}
