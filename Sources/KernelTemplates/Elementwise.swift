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
