// Maps and sums over contiguous floats. Sources and targets may be the same rows, but must not overlap otherwise.

/// y = eˣ
@inlinable @inline(__always)
func exponential<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  forEachChunk(V.self, n) { $0.store($0.load(x).exponential(), y) }
}

/// y = tanh x
@inlinable @inline(__always)
func hyperbolicTangent<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  forEachChunk(V.self, n) { $0.store($0.load(x).hyperbolicTangent(), y) }
}

/// y = 1 / (1 + e⁻ˣ)
@inlinable @inline(__always)
func sigmoid<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  forEachChunk(V.self, n) { $0.store($0.load(x).sigmoid(), y) }
}

/// y = a · x
@inlinable @inline(__always)
func scale<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  let a = V(repeating: a)
  forEachChunk(V.self, n) { $0.store(a * $0.load(x), y) }
}

/// y += a · x
@inlinable @inline(__always)
func addScaled<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  let a = V(repeating: a)
  forEachChunk(V.self, n) { $0.store($0.load(y).adding(a, times: $0.load(x)), y) }
}

/// y = a + x
@inlinable @inline(__always)
func offset<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  let a = V(repeating: a)
  forEachChunk(V.self, n) { $0.store(a + $0.load(x), y) }
}

/// y = x ∘ z
@inlinable @inline(__always)
func multiply<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ z: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  forEachChunk(V.self, n) { $0.store($0.load(x) * $0.load(z), y) }
}

/// y += x ∘ z
@inlinable @inline(__always)
func addProduct<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ z: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  forEachChunk(V.self, n) { $0.store($0.load(y).adding($0.load(x), times: $0.load(z)), y) }
}

/// Σ x
@inlinable @inline(__always)
func sum<V: FloatVector>(_: V.Type, _ n: Int, _ x: UnsafePointer<Float>) -> Double {
  sumOfChunks(V.self, n) { $1 + $0.load(x) }
}

/// Σ x ∘ z
@inlinable @inline(__always)
func dot<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ z: UnsafePointer<Float>
) -> Double {
  sumOfChunks(V.self, n) { $1.adding($0.load(x), times: $0.load(z)) }
}

/// The largest of n floats, −∞ for none; NaNs are passed over.
@inlinable @inline(__always)
func maximum<V: FloatVector>(_: V.Type, _ n: Int, _ x: UnsafePointer<Float>) -> Float {
  var largest = V(repeating: -.infinity)
  var i = 0
  while i &+ V.lanes <= n {
    let value = V.load(x + i)
    largest = largest.replacing(with: value, where: value .> largest)
    i &+= V.lanes
  }
  var result = -Float.infinity
  withUnsafeBytes(of: largest) { bytes in
    for lane in 0..<V.lanes {
      let value = bytes.load(fromByteOffset: lane &* 4, as: Float.self)
      if value > result { result = value }
    }
  }
  while i < n {
    if x[i] > result { result = x[i] }
    i &+= 1
  }
  return result
}

/// y = eˣ⁻ᵃ, unless y is nil.
///
/// - Returns: Σ eˣ⁻ᵃ.
@inlinable @inline(__always)
func shiftedExponentials<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>?
) -> Double {
  let shift = V(repeating: a)
  let whole = n / V.lanes &* V.lanes
  var total: Double
  if let y {
    total = sumOfChunks(V.self, whole) { chunk, sum in
      let value = (chunk.load(x) - shift).exponential()
      chunk.store(value, y)
      return sum + value
    }
  } else {
    total = sumOfChunks(V.self, whole) { $1 + ($0.load(x) - shift).exponential() }
  }
  if whole < n {
    let count = n &- whole
    let value = (V.load(x + whole, count: count) - shift).exponential()
    if let y { value.store(y + whole, count: count) }
    withUnsafeBytes(of: value) { bytes in
      for lane in 0..<count { total += Double(bytes.load(fromByteOffset: lane &* 4, as: Float.self)) }
    }
  }
  return total
}

/// C[rows × n] += 1 · bᵀ: adds the row b to every row of C.
@inlinable @inline(__always)
func addRow<V: FloatVector>(
  _: V.Type, _ rows: Int, _ n: Int, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ stride: Int
) {
  for row in 0..<rows {
    let target = c + row &* stride
    forEachChunk(V.self, n) { $0.store($0.load(target) + $0.load(b), target) }
  }
}

/// s += Σ over the rows of C[rows × n], in their order.
@inlinable @inline(__always)
func addColumnSums<V: FloatVector>(
  _: V.Type, _ rows: Int, _ n: Int, _ c: UnsafePointer<Float>, _ stride: Int, _ s: UnsafeMutablePointer<Float>
) {
  // Row by row, because C is larger than s, which stays in the first-level cache.
  for row in 0..<rows {
    let source = c + row &* stride
    forEachChunk(V.self, n) { $0.store($0.load(s) + $0.load(source), s) }
  }
}
