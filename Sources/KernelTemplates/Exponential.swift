/// The exponential function and its relatives, vector by vector: relative error below 4 · 2⁻²⁴.
///
/// eˣ = 2ⁿ · eʳ with n = round(x / ln 2) and |r| ≤ ln 2 / 2; eʳ = 1 + r + r² q(r), q a polynomial of degree 4 that was
/// fitted to make the relative error of eʳ − 1 small (1.3e-8). Adding 1.5 · 2²³ rounds to an integer, which is then in
/// the low bits of the sum.
extension FloatVector {
  /// n as the low bits of a float, and r and r² q(r) + r = eʳ − 1.
  @inlinable @inline(__always) func reduced() -> (n: Self, fraction: Self) {
    let shifter = Self(repeating: 0x1.8p23)
    let shifted = shifter.adding(self, times: Self(repeating: 1.442_695_04))
    let n = shifted - shifter
    let r = adding(n, times: Self(repeating: -0.693_359_375)).adding(
      n, times: Self(repeating: 2.121_944_4e-4))
    var q = Self(repeating: 0.001_394_655_2)
    q = Self(repeating: 0.008_366_644).adding(q, times: r)
    q = Self(repeating: 0.041_666_28).adding(q, times: r)
    q = Self(repeating: 0.166_665_43).adding(q, times: r)
    q = Self(repeating: 0.5).adding(q, times: r)
    return (shifted, r.adding(r * r, times: q))
  }

  /// eˣ: +∞ above 88.72, 0 where the result would be denormal (below −87.33), NaN for NaN.
  @inlinable @inline(__always) func exponential() -> Self {
    let (n, fraction) = reduced()
    let mantissa = Self(repeating: 1) + fraction
    let power = Self(bits: mantissa.bits &+ (n.bits &<< Words(repeating: 23)))
    return
      power
      .choosing(Self(repeating: .infinity), where: self .> Self(repeating: 88.722_83))
      .choosing(Self.zero, where: self .< Self(repeating: -87.336_54))
      .choosing(self + self, where: self .!= self)
  }

  /// 1 / (1 + e⁻ˣ): 0 where the result would be denormal (below −87.33), NaN for NaN.
  @inlinable @inline(__always) func sigmoid() -> Self {
    let one = Self(repeating: 1)
    return (one / (one + (Self.zero - self).exponential()))
      .choosing(Self.zero, where: self .< Self(repeating: -87.336_54))
  }

  /// tanh x = (e²ˣ − 1) / (e²ˣ + 1), odd, ±1 beyond ±10, NaN for NaN.
  @inlinable @inline(__always) func hyperbolicTangent() -> Self {
    let sign = bits & Words(repeating: 0x8000_0000)
    let magnitude = Self(bits: bits & Words(repeating: 0x7fff_ffff))
    let limit = Self(repeating: 10)
    let clamped = magnitude.choosing(limit, where: magnitude .> limit)
    let (n, fraction) = (clamped + clamped).reduced()
    let scale = Self(bits: (n.bits &<< Words(repeating: 23)) &+ Words(repeating: 0x3f80_0000))
    let minusOne = (scale - Self(repeating: 1)).adding(scale, times: fraction)
    return Self(bits: (minusOne / (minusOne + Self(repeating: 2))).bits | sign)
  }
}
