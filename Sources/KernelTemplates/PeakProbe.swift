/// As many multiply-adds as the instruction set can start: ten independent chains in registers, `iterations` long.
///
/// - Returns: a value that depends on all of them, so that none is optimized away.
@inlinable @inline(__always)
func multiplyAddChains<V: FloatVector>(_: V.Type, _ iterations: Int, _ seed: Float) -> Float {
  let a = V(repeating: seed)
  let b = V(repeating: 1 - seed)
  var (c0, c1, c2, c3, c4) = (a, a, a, a, a)
  var (c5, c6, c7, c8, c9) = (b, b, b, b, b)
  var remaining = iterations
  while remaining > 0 {
    c0 = b.adding(c0, times: a)
    c1 = b.adding(c1, times: a)
    c2 = b.adding(c2, times: a)
    c3 = b.adding(c3, times: a)
    c4 = b.adding(c4, times: a)
    c5 = b.adding(c5, times: a)
    c6 = b.adding(c6, times: a)
    c7 = b.adding(c7, times: a)
    c8 = b.adding(c8, times: a)
    c9 = b.adding(c9, times: a)
    remaining &-= 1
  }
  let sum = (c0 + c1) + (c2 + c3) + (c4 + c5) + (c6 + c7) + (c8 + c9)
  return withUnsafeBytes(of: sum) { $0.load(as: Float.self) }
}

/// How many floating-point operations one iteration of `multiplyAddChains` is.
@inlinable @inline(__always)
func multiplyAddChainOperations<V: FloatVector>(_: V.Type) -> Int { 20 &* V.lanes }
