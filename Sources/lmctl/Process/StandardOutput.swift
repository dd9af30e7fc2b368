import Charts
import Glibc
import LanguageModels
import Threads

/// Buffered standard output.
final class StandardOutput {
  nonisolated(unsafe) static let shared = StandardOutput()

  private var buffer: [UInt8] = []
  private static let capacity = 1 << 16
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  private var lastFlush = Stopwatch()

  /// Adds `text`; a failure shows at the next `flush` or `writeBytes`.
  func write(_ text: String) { buffer.append(contentsOf: text.utf8) }

  /// Adds bytes, and writes out what has come together when it is enough.
  func writeBytes(_ bytes: some Sequence<UInt8>) throws {
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.capacity { try flush() }
  }

  /// Ends a line that took its time to make: writes out at once on a terminal, and elsewhere ten times a second.
  func endLine() throws {
    if isTerminal || lastFlush.seconds > 0.1 { try flush() }
  }

  /// Writes everything out.
  ///
  /// - Throws: `ClosedPipe` when nobody reads any more; `FileError` when the disk is full.
  func flush() throws {
    defer {
      buffer.removeAll(keepingCapacity: true)
      lastFlush = Stopwatch()
    }
    switch buffer.withUnsafeBytes({ Descriptor.write($0, to: STDOUT_FILENO) }) {
    case 0: break
    case EPIPE: throw ClosedPipe()
    case let code: throw FileError(path: "standard output", errno: code)
    }
  }
}

/// Numbers as text, the same in every locale.
enum Format {
  /// `value` with so many digits after the point.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    NumberText.fixed(value, digits)
  }

  /// A number that may be large, as a perplexity: with so many digits after the point, but in powers of ten where it has too many
  /// before it.
  static func large(_ value: Double, _ digits: Int = 3) -> String {
    value < 1e9 || !value.isFinite ? fixed(value, digits) : NumberText.printf("%.4e", value)
  }

  /// `value` with so many significant digits.
  static func significant(_ value: Double, _ digits: Int) -> String {
    NumberText.significant(value, digits)
  }

  /// `1 sentence`, `2 sentences`.
  static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  /// `part` of `whole` in percent.
  static func percent(_ part: Int, of whole: Int) -> String {
    whole == 0 ? "0 %" : fixed(100 * Double(part) / Double(whole), 2) + " %"
  }

  /// A size in bytes, in the unit that suits it.
  static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["bytes", "kB", "MB"] {
      if value < 1000 { return (unit == "bytes" ? "\(count)" : fixed(value, 1)) + " \(unit)" }
      value /= 1000
    }
    return fixed(value, 2) + " GB"
  }

  /// A span of time, in the units that suit it.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(max(0, min(seconds.rounded(), 1e9)))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// Rows of names and values, the values in one column.
  static func table(_ rows: [(String, String)]) -> String {
    let rows = rows.map { ($0.shown.withVisibleControls, $1.shown.withVisibleControls) }
    let width = (rows.map(\.0.count).max() ?? 0) + 2
    return rows.map { $0.0 + String(repeating: " ", count: width - $0.0.count) + $0.1 + "\n" }.joined()
  }
}

extension Format {
  /// Rows of cells in columns, the first ones aligned at the left, the others at the right.
  static func columns(_ rows: [[String]], leftAligned: Int) -> String {
    let rows = rows.map { $0.map { $0.shown.withVisibleControls } }
    guard let first = rows.first else { return "" }
    let widths = first.indices.map { i in rows.reduce(0) { Swift.max($0, $1[i].count) } }
    return rows.map { row in
      let cells = row.enumerated().map { i, cell in
        let space = String(repeating: " ", count: widths[i] - cell.count)
        return i < leftAligned ? cell + space : space + cell
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }.joined()
  }
}
