/// A scale from values to colours, in so many steps that no eye sees them.
///
/// Lightness alone says how much: a scale can be read in grey and with every kind of colour blindness. One that diverges has its middle at
/// the colour of the ground, and blue and orange at its ends, which all eyes tell apart.
public enum ColourScale: Sendable {
  /// From `0` to `1`.
  case sequential
  /// From `−1` over 0 to `1`.
  case diverging

  /// The number of colours, odd so that one of them is the middle.
  static let steps = 21

  /// The values at the ends.
  public var limits: ClosedRange<Double> { self == .sequential ? 0...1 : -1...1 }

  /// The first letter of the classes of its colours.
  var letter: String { self == .sequential ? "s" : "d" }

  /// The colour of `value`, from 0; what lies beyond an end has the end's.
  func step(_ value: Double) -> Int {
    let share = (value - limits.lowerBound) / (limits.upperBound - limits.lowerBound)
    return Int((max(0, min(share, 1)) * Double(Self.steps - 1)).rounded())
  }

  /// The colours that others lie between, for light ground and dark.
  private var anchors: (light: [Int], dark: [Int]) {
    switch self {
    case .sequential:
      (
        [0xf2f5f8, 0xc6dbef, 0x7fb2dc, 0x3182bd, 0x0b4a8f, 0x08264d],
        [0x1e242b, 0x173a5e, 0x1f5f99, 0x3f93cf, 0x93cdf2, 0xf0f9ff]
      )
    case .diverging:
      (
        [0x7a3300, 0xd55e00, 0xf4b483, 0xf4f4f4, 0x8cc0e4, 0x0072b2, 0x053f66],
        [0xffd3a6, 0xf28a3c, 0x8f4c1c, 0x20252b, 0x1d5a85, 0x4aa8e0, 0xbfe5ff]
      )
    }
  }

  /// The colour of a step, as red, green and blue from 0 to 255.
  func colour(_ step: Int, isDark: Bool) -> [Int] {
    let anchors = isDark ? self.anchors.dark : self.anchors.light
    let place = Double(step) / Double(Self.steps - 1) * Double(anchors.count - 1)
    let first = min(Int(place), anchors.count - 2)
    let share = place - Double(first)
    return [16, 8, 0].map { shift in
      let (a, b) = (anchors[first] >> shift & 255, anchors[first + 1] >> shift & 255)
      return Int((Double(a) + share * Double(b - a)).rounded())
    }
  }

  /// Rules of CSS for its colours.
  func rules(isDark: Bool) -> String {
    (0..<Self.steps).map { step in
      let digits = colour(step, isDark: isDark).map { value in
        value < 16 ? "0" + String(value, radix: 16) : String(value, radix: 16)
      }
      return ".\(letter)\(step){fill:#\(digits.joined())}"
    }.joined()
  }

  /// The character of a value where there are no colours.
  func character(_ value: Double) -> Character {
    let ramp: [Character] =
      self == .sequential
      ? [" ", "·", ":", "-", "=", "+", "░", "▒", "▓", "█"]
      : ["≣", "≡", "=", "-", " ", "░", "▒", "▓", "█"]
    return ramp[Int((Double(step(value)) / Double(Self.steps - 1) * Double(ramp.count - 1)).rounded())]
  }
}
