/// First values of parameters, from a generator that the caller seeds.
extension MatrixView {
  /// Every element uniform in (−a, a), in the order of rows and columns.
  public func fillUniform<G: RandomNumberGenerator>(_ a: Float, using generator: inout G) {
    fillUniform(using: &generator) { _ in a }
  }

  /// Every element uniform in (−a, a) for the a of its column, in the order of rows and columns.
  public func fillUniform<G: RandomNumberGenerator>(
    using generator: inout G, _ limit: (_ column: Int) -> Float
  ) {
    for row in 0..<rows {
      let target = self.row(row)
      for column in 0..<columns { target[column] = limit(column) * symmetricUnit(&generator) }
    }
  }
}

/// Uniform in (−1, 1), in odd multiples of 2⁻²⁴: symmetric, never ±1 and never 0.
private func symmetricUnit<G: RandomNumberGenerator>(_ generator: inout G) -> Float {
  let bits = Int32(truncatingIfNeeded: generator.next() >> 40)
  return Float(2 * (bits - 0x80_0000) + 1) * 0x1p-24
}
