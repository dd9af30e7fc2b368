import Glibc

/// Decimal numbers as text, as ARPA files hold them by the million.
enum DecimalText {
  /// The most bytes that `write` needs.
  static let maximumLength = 16
  /// Numbers with seven decimals are below this.
  static let limit = 400.0

  /// Writes the shortest decimal that is `value` in single precision, and returns where it ends.
  @inline(never)
  static func write(_ value: Float, to output: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var output = output
    let text = value.isFinite ? value.description : "0"
    for byte in (text.hasSuffix(".0") ? text.dropLast(2) : text[...]).utf8 {
      output.pointee = byte
      output += 1
    }
    return output
  }

  /// Writes `value` with up to seven decimals, without trailing zeros, and returns where it ends.
  ///
  /// Values are held within ±400; NaN is written as 0.
  @inline(__always)
  static func write(_ value: Double, to output: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var output = output
    let magnitude = min(abs(value), limit) * 1e7
    var digits = magnitude.isNaN ? 0 : UInt32((magnitude).rounded(.toNearestOrEven))
    if value < 0, digits > 0 {
      output.pointee = UInt8(ascii: "-")
      output += 1
    }
    let whole = digits / 10_000_000
    digits -= whole * 10_000_000
    if whole >= 100 {
      output.pointee = 48 + UInt8(truncatingIfNeeded: whole / 100)
      output += 1
    }
    if whole >= 10 {
      output.pointee = 48 + UInt8(truncatingIfNeeded: whole / 10 % 10)
      output += 1
    }
    output.pointee = 48 + UInt8(truncatingIfNeeded: whole % 10)
    output += 1
    guard digits > 0 else { return output }
    output[0] = UInt8(ascii: ".")
    output[1] = 48 + UInt8(truncatingIfNeeded: digits / 1_000_000)
    writePair(digits / 10_000 % 100, to: output + 2)
    writePair(digits / 100 % 100, to: output + 4)
    writePair(digits % 100, to: output + 6)
    var end = 8
    while output[end - 1] == UInt8(ascii: "0") { end -= 1 }
    return output + end
  }

  /// Writes a number below 100 as two digits.
  @inline(__always)
  private static func writePair(_ value: UInt32, to output: UnsafeMutablePointer<UInt8>) {
    // Exact for such numbers, and without a division.
    let tens = (value &* 205) &>> 11
    output[0] = 48 + UInt8(truncatingIfNeeded: tens)
    output[1] = 48 + UInt8(truncatingIfNeeded: value - 10 * tens)
  }

  /// The number that `text` is, all of it; `nil` if it is none.
  static func parse(_ text: UnsafeRawBufferPointer) -> Double? {
    var position = 0
    var isNegative = false
    if let first = text.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      isNegative = first == UInt8(ascii: "-")
      position = 1
    }
    var mantissa: UInt64 = 0
    var digits = 0
    var decimals = 0
    var isInFraction = false
    while position < text.count {
      let byte = text[position]
      if byte == UInt8(ascii: "."), !isInFraction {
        isInFraction = true
      } else if (48...57).contains(byte) {
        mantissa = mantissa &* 10 &+ UInt64(byte - 48)
        digits += 1
        if isInFraction { decimals += 1 }
      } else {
        break
      }
      position += 1
    }
    // Up to 2⁵³ and 10²², mantissa and power are exact, and so is the rounding of their quotient.
    guard position == text.count, digits > 0, digits <= 15 else { return parseSlowly(text) }
    let value = Double(mantissa) / powers[decimals]
    return isNegative ? -value : value
  }

  private static let powers: [Double] = (0...15).map { pow(10, Double($0)) }

  /// Any form that C knows: exponents, infinities, many digits.
  private static func parseSlowly(_ text: UnsafeRawBufferPointer) -> Double? {
    guard text.count < 100, let first = text.first, first > 0x20 else { return nil }
    let terminated = text.map { CChar(bitPattern: $0) } + [0]
    return terminated.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return nil }
      var end: UnsafeMutablePointer<CChar>?
      let value = strtod(base, &end)
      return end == UnsafeMutablePointer(mutating: base) + text.count ? value : nil
    }
  }
}
