import Glibc

/// How values lie along an axis.
public enum AxisScale: String, CaseIterable {
  case linear
  case log

  /// Where `value` lies, in units that are equal along the axis; not finite for what the scale cannot show.
  public func transformed(_ value: Double) -> Double {
    switch self {
    case .linear: value
    case .log: value > 0 ? log10(value) : .nan
    }
  }

  /// The value that lies at `place`.
  public func value(at place: Double) -> Double {
    switch self {
    case .linear: place
    case .log: pow(10, place)
    }
  }
}

/// One axis of a plot.
public struct Axis {
  public let title: String
  public let scale: AxisScale
  public let lower: Double
  public let upper: Double
  /// Whether only whole numbers make sense.
  private let isWhole: Bool

  /// An axis from `lower` to `upper`, which are made to differ.
  public init(
    _ title: String, _ scale: AxisScale, from lower: Double, to upper: Double, isWhole: Bool = false
  ) {
    self.title = title
    self.scale = scale
    self.isWhole = isWhole
    // Far from where the arithmetic of ticks would overflow.
    let lower = max(scale == .log ? 1e-300 : -1e300, min(lower, 1e300))
    let upper = max(scale == .log ? 1e-300 : -1e300, min(upper, 1e300))
    if lower < upper, upper - lower > abs(upper) * 1e-9 {
      (self.lower, self.upper) = (lower, upper)
    } else if scale == .log {
      (self.lower, self.upper) = (lower / 1.25, lower * 1.25)
    } else {
      let margin = abs(lower) < 1e-290 ? 1 : abs(lower) * 0.1
      (self.lower, self.upper) = (lower - margin, lower + margin)
    }
  }

  /// Where `value` lies: 0 at the lower end, 1 at the upper one, beyond if it lies beyond; not finite if it lies nowhere.
  func position(of value: Double) -> Double {
    let (a, b) = (scale.transformed(lower), scale.transformed(upper))
    return (scale.transformed(value) - a) / (b - a)
  }

  // MARK: Ticks

  /// Round values along the axis, at most `count` of them, evenly spread as far as round values can be.
  func ticks(atMost count: Int) -> [Double] {
    let count = max(2, count)
    guard scale == .log else { return linearTicks(atMost: count) }
    let decades = Array(Int(log10(lower).rounded(.down))...Int(log10(upper).rounded(.up)))
    let limits = lower * (1 - 1e-9)...upper * (1 + 1e-9)
    func values(_ decades: [Int], _ multiples: [Double]) -> [Double] {
      let powers = decades.map { pow(10, Double($0)) }
      return powers.flatMap { power in multiples.map { $0 * power } }.filter(limits.contains)
    }
    var best: [Double] = []
    for multiples in Self.multiples {
      let values = values(decades, multiples)
      if values.count > best.count, isSpread(values, count) { best = values }
    }
    // Many decades: every so many of them.
    for stride in 2...max(2, decades.count) where best.count < 2 && decades.count > 3 {
      let values = values(decades.filter { $0.isMultiple(of: stride) }, [1])
      if isSpread(values, count) { best = values }
    }
    if best.count >= 3 { return best }
    // Less than one: round steps, as on a linear scale.
    for divisions in stride(from: count, to: 1, by: -1) {
      let values = linearTicks(atMost: divisions)
      if values.count > best.count, isSpread(values, count) { return values }
    }
    return best.isEmpty ? linearTicks(atMost: 2) : best
  }

  private static let multiples: [[Double]] = [
    [1], [1, 3], [1, 2, 5], [1, 2, 3, 5, 7], [1, 1.5, 2, 3, 4, 5, 6, 8],
  ]

  /// Whether neighbours are so far apart that `count` of them fill the axis.
  private func isSpread(_ values: [Double], _ count: Int) -> Bool {
    zip(values, values.dropFirst()).allSatisfy {
      position(of: $1) - position(of: $0) >= 0.999 / Double(count)
    }
  }

  /// Multiples of 1, 2 or 5 times a power of ten.
  private func linearTicks(atMost count: Int) -> [Double] {
    let step = Self.roundStep(atLeast: max(isWhole ? 1 : 0, (upper - lower) / Double(count)))
    let first = (lower / step - 1e-9).rounded(.up)
    let last = (upper / step + 1e-9).rounded(.down)
    guard first <= last else { return [] }
    return (0...Int(last - first)).map { (first + Double($0)) * step }
  }

  /// The least of 1, 2, 5, 10, 20, 50 … (and their tenths …) that is at least `step`.
  static func roundStep(atLeast step: Double) -> Double {
    let decade = pow(10, log10(step).rounded(.down))
    let multiple = [1, 2, 5, 10].first { $0 * decade >= step * (1 - 1e-9) } ?? 10
    return multiple * decade
  }

  /// What stands at `ticks`.
  static func labels(_ ticks: [Double]) -> [String] {
    let largest = ticks.reduce(0) { max($0, abs($1)) }
    // What rounding has left of zero is far smaller than the distance of ticks.
    let distance = zip(ticks, ticks.dropFirst()).reduce(largest) { min($0, abs($1.1 - $1.0)) }
    return ticks.map { value in
      if abs(value) < 1e-9 * distance { return "0" }
      guard largest >= 10_000, abs(value) >= 1000, abs(value) < 1e15 else { return number(value) }
      for (size, suffix) in [(1e12, "T"), (1e9, "G"), (1e6, "M")] where abs(value) >= size {
        return number(value / size) + suffix
      }
      return number(value / 1000) + "k"
    }
  }

  /// `value` to six digits, without needless ones.
  private static func number(_ value: Double) -> String {
    if value == 0 { return "0" }
    let text = NumberText.significant(value, 6)
    guard let mark = text.firstIndex(of: "e"), let exponent = Int(text[text.index(after: mark)...]) else {
      return text
    }
    return "\(text[..<mark])e\(exponent)"
  }
}
