/// A small, fast, reproducible source of random numbers: xoshiro256** (Blackman and Vigna 2018), seeded by SplitMix64.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var s: (UInt64, UInt64, UInt64, UInt64)

  /// The generator whose numbers `seed` decides.
  public init(seed: UInt64) {
    var x = seed
    s = (Self.split(&x), Self.split(&x), Self.split(&x), Self.split(&x))
  }

  /// One of many generators of a seed, whose numbers have nothing to do with each other: that of number `stream`.
  public init(seed: UInt64, stream: Int) {
    var x = seed
    x = Self.split(&x) &+ UInt64(truncatingIfNeeded: stream)
    self.init(seed: Self.split(&x))
  }

  /// The next number of SplitMix64.
  private static func split(_ x: inout UInt64) -> UInt64 {
    x &+= 0x9E37_79B9_7F4A_7C15
    var z = x
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    let product = s.1 &* 5
    let result = (product << 7 | product >> 57) &* 9
    let t = s.1 << 17
    s.2 ^= s.0
    s.3 ^= s.1
    s.1 ^= s.2
    s.0 ^= s.3
    s.2 ^= t
    s.3 = s.3 << 45 | s.3 >> 19
    return result
  }

  /// A number that is uniform in [0, 1), in steps of 2⁻⁵³.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}
