// Maps and sums over contiguous floats. Sources and targets may be the same rows, but must not overlap otherwise.

/// y = tanh x
@inlinable @inline(__always)
func hyperbolicTangent<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  forEachVector(V.self, n) { $0.store($0.load(x).hyperbolicTangent(), y) }
}

/// y = a · x
@inlinable @inline(__always)
func scale<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  let a = V(repeating: a)
  forEachVector(V.self, n) { $0.store(a * $0.load(x), y) }
}

/// y += a · x
@inlinable @inline(__always)
func addScaled<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  let a = V(repeating: a)
  forEachVector(V.self, n) { $0.store($0.load(y).adding(a, times: $0.load(x)), y) }
}

/// y = a + x
@inlinable @inline(__always)
func offset<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  let a = V(repeating: a)
  forEachVector(V.self, n) { $0.store(a + $0.load(x), y) }
}

/// y = x ∘ z
@inlinable @inline(__always)
func multiply<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ z: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  forEachVector(V.self, n) { $0.store($0.load(x) * $0.load(z), y) }
}

/// y += x ∘ z
@inlinable @inline(__always)
func addProduct<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ z: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
) {
  forEachVector(V.self, n) { $0.store($0.load(y).adding($0.load(x), times: $0.load(z)), y) }
}

/// Σ x ∘ z
@inlinable @inline(__always)
func dot<V: FloatVector>(
  _: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ z: UnsafePointer<Float>
) -> Double {
  sumOfVectors(V.self, n) { $1.adding($0.load(x), times: $0.load(z)) }
}

/// s += Σ over the rows of C[rows × n], in their order.
@inlinable @inline(__always)
func addColumnSums<V: FloatVector>(
  _: V.Type, _ rows: Int, _ n: Int, _ c: UnsafePointer<Float>, _ stride: Int, _ s: UnsafeMutablePointer<Float>
) {
  // Row by row, because C is larger than s, which stays in the first-level cache.
  for row in 0..<rows {
    let source = c + row &* stride
    forEachVector(V.self, n) { $0.store($0.load(s) + $0.load(source), s) }
  }
}
