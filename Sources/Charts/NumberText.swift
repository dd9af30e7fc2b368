import Glibc

/// Numbers as text, the same in every locale.
public enum NumberText {
  /// `value` with so many digits after the point.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    value.isNaN ? "undefined" : printf("%.\(digits)f", value)
  }

  /// `value` with so many significant digits.
  public static func significant(_ value: Double, _ digits: Int) -> String {
    // The C library writes the sign of what is no number, too.
    value.isNaN ? "nan" : printf("%.\(digits)g", value)
  }

  /// What C's `printf` makes of `value`.
  public static func printf(_ format: String, _ value: Double) -> String {
    var buffer = [CChar](repeating: 0, count: 400)
    let length = withVaList([value]) { vsnprintf(&buffer, buffer.count, format, $0) }
    return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
