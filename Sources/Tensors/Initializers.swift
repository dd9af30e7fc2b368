/// First values of parameters, from a generator that the caller seeds.
extension MatrixView {
  /// Every element uniform in (−a, a), in the order of rows and columns.
  public func fillUniform<G: RandomNumberGenerator>(_ a: Float, using generator: inout G) {
    for row in 0..<rows {
      let target = self.row(row)
      for column in 0..<columns { target[column] = a * symmetricUnit(&generator) }
    }
  }

  /// Uniform in ±√(6 / (rows + columns)) (Glorot and Bengio 2010, equation 16).
  public func fillGlorot<G: RandomNumberGenerator>(using generator: inout G) {
    fillUniform((6 / Float(rows + columns)).squareRoot(), using: &generator)
  }

  /// Random orthonormal rows, or columns if there are fewer of them (Saxe, McClelland and Ganguli 2014): normal random
  /// numbers made orthogonal by Gram and Schmidt's method, twice, in double precision.
  public func fillOrthogonal<G: RandomNumberGenerator>(gain: Float = 1, using generator: inout G) {
    let (count, length) = (min(rows, columns), max(rows, columns))
    var vectors: [[Double]] = []
    while vectors.count < count {
      var vector = (0..<length).map { _ in approximateNormal(&generator) }
      for _ in 0..<2 {
        for other in vectors {
          let projection = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
          for i in 0..<length { vector[i] -= projection * other[i] }
        }
      }
      let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if norm > 1e-6 { vectors.append(vector.map { $0 / norm }) }
    }
    for row in 0..<rows {
      for column in 0..<columns {
        let value = rows <= columns ? vectors[row][column] : vectors[column][row]
        self[row, column] = gain * Float(value)
      }
    }
  }
}

/// Uniform in (−1, 1), in odd multiples of 2⁻²⁴: symmetric, never ±1 and never 0.
private func symmetricUnit<G: RandomNumberGenerator>(_ generator: inout G) -> Float {
  let bits = Int32(truncatingIfNeeded: generator.next() >> 40)
  return Float(2 * (bits - 0x80_0000) + 1) * 0x1p-24
}

/// The sum of twelve uniform numbers: variance 1, and no logarithm whose bits could depend on the system.
private func approximateNormal<G: RandomNumberGenerator>(_ generator: inout G) -> Double {
  (0..<12).reduce(0) { sum, _ in sum + Double(generator.next() >> 11) * 0x1p-53 } - 6
}
