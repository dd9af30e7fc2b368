/// y = 2 σ(a) ∘ b for n floats; a becomes σ(a) (Melis et al. 2020, equations 1 and 2).
@inlinable @inline(__always)
func mogrify<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: UnsafeMutablePointer<Float>, _ b: UnsafePointer<Float>,
  _ y: UnsafeMutablePointer<Float>
) {
  forEachVector(V.self, n) { part in
    let s = part.load(a).sigmoid()
    part.store(s, a)
    part.store((s + s) * part.load(b), y)
  }
}

/// The gradients of `mogrify`: s = σ(a) becomes ∂a, and ∂y becomes ∂b.
@inlinable @inline(__always)
func mogrifyBackward<V: FloatVector>(
  _: V.Type, _ n: Int, _ s: UnsafeMutablePointer<Float>, _ b: UnsafePointer<Float>,
  _ dy: UnsafeMutablePointer<Float>
) {
  let one = V(repeating: 1)
  forEachVector(V.self, n) { part in
    let value = part.load(s)
    let twice = value + value
    let d = part.load(dy)
    part.store(d * part.load(b) * twice * (one - value), s)
    part.store(twice * d, dy)
  }
}
