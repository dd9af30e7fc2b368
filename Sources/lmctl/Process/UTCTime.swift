import Glibc

/// The time in UTC to the second, as ISO 8601 writes it: 2026-11-25T21:08:26Z.
enum UTCTime {
  /// The time.
  static var text: String { text(at: now) }

  /// The time so many seconds after the beginning of 1970.
  static func text(at seconds: Int) -> String {
    String(withBytes(at: seconds) { String(decoding: $0, as: UTF8.self) }.dropLast())
  }

  /// `text` with the time in front of each line.
  static func stamped(_ text: String) -> String {
    let stamp = "\(self.text) "
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.enumerated().map { i, line in
      i == lines.count - 1 && line.isEmpty ? "" : stamp + line
    }.joined(separator: "\n")
  }

  /// Calls `body` with the time and a space; it takes no memory and no lock, so that a handler of signals can call it.
  static func withBytes<Result>(at seconds: Int = now, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var (year, month, days) = (1970, 1, seconds / 86_400)
    while days >= 365 + leapDays(year) {
      days -= 365 + leapDays(year)
      year += 1
    }
    while days >= length(of: month, year) {
      days -= length(of: month, year)
      month += 1
    }
    let second = seconds % 86_400
    return withUnsafeTemporaryAllocation(byteCount: 21, alignment: 1) { bytes in
      var place = 0
      func put(_ value: Int, _ digits: Int, _ end: Unicode.Scalar) {
        var rest = value
        for i in (0..<digits).reversed() {
          bytes[place + i] = UInt8(48 + rest % 10)
          rest /= 10
        }
        bytes[place + digits] = UInt8(ascii: end)
        place += digits + 1
      }
      put(year, 4, "-")
      put(month, 2, "-")
      put(days + 1, 2, "T")
      put(second / 3600, 2, ":")
      put(second % 3600 / 60, 2, ":")
      put(second % 60, 2, "Z")
      bytes[place] = UInt8(ascii: " ")
      return body(UnsafeRawBufferPointer(bytes))
    }
  }

  private static var now: Int {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec
  }

  private static func leapDays(_ year: Int) -> Int {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 1 : 0
  }

  private static func length(of month: Int, _ year: Int) -> Int {
    // Long and short months alternate, twice: up to July, and from August.
    month == 2 ? 28 + leapDays(year) : 30 + (month + month / 8) % 2
  }
}
