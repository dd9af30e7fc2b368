import CPUDetection

// One row of a matrix in panels: n floats, of which the first 2 · lanes lie at x, the next at x + panelStride, and so on. With
// `panelStride` 2 · lanes that is a row as it usually lies. The next row begins one panel width further; it is asked for
// while this one is read, because panels are too far apart for the processor to guess it.

/// The largest of n floats, −∞ for none; NaNs are passed over.
@inlinable @inline(__always)
func maximum<V: FloatVector>(_: V.Type, _ n: Int, _ x: UnsafePointer<Float>, _ panelStride: Int) -> Float {
  var left = V(repeating: -.infinity)
  var right = left
  var x = x
  var count = n
  while count >= 2 &* V.lanes {
    cpu_prefetch(x + 2 &* V.lanes)
    cpu_prefetch(x + 3 &* V.lanes)
    let (a, b) = (V.load(x), V.load(x + V.lanes))
    left = left.choosing(a, where: a .> left)
    right = right.choosing(b, where: b .> right)
    x += panelStride
    count &-= 2 &* V.lanes
  }
  left = left.choosing(right, where: right .> left)
  var result = -Float.infinity
  withUnsafeBytes(of: left) { bytes in
    for lane in 0..<V.lanes {
      let value = bytes.load(fromByteOffset: lane &* 4, as: Float.self)
      if value > result { result = value }
    }
  }
  for i in 0..<count where x[i] > result { result = x[i] }
  return result
}

/// y = eˣ⁻ᵃ, unless y is nil; y may be x.
///
/// - Returns: Σ eˣ⁻ᵃ, summed in vectors that are emptied into double precision often enough to keep the error near that of one
///   rounding.
@inlinable @inline(__always)
func shiftedExponentials<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: Float, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>?,
  _ panelStride: Int
) -> Double {
  if let y {
    return sumOfPanels(V.self, n, panelStride) { offset, count in
      let value = (loadAny(V.self, x + offset, count) - V(repeating: a)).exponential()
      if count == V.lanes { value.store(y + offset) } else { value.store(y + offset, count: count) }
      return value
    }
  } else {
    return sumOfPanels(V.self, n, panelStride) { offset, count in
      (loadAny(V.self, x + offset, count) - V(repeating: a)).exponential()
    }
  }
}

@inlinable @inline(__always)
func loadAny<V: FloatVector>(_: V.Type, _ x: UnsafePointer<Float>, _ count: Int) -> V {
  count == V.lanes ? V.load(x) : V.load(x, count: count)
}

/// Σ over all lanes of the vectors that `body` makes of a row; of a vector that is not whole, the first `count` lanes.
@inlinable @inline(__always)
func sumOfPanels<V: FloatVector>(
  _: V.Type, _ n: Int, _ panelStride: Int, _ body: (_ offset: Int, _ count: Int) -> V
) -> Double {
  var total = 0.0
  var offset = 0
  var count = n
  while count >= 2 &* V.lanes {
    var (left, right) = (V.zero, V.zero)
    var panels = min(256, count / (2 &* V.lanes))
    count &-= panels &* 2 &* V.lanes
    while panels > 0 {
      left = left + body(offset, V.lanes)
      right = right + body(offset &+ V.lanes, V.lanes)
      offset &+= panelStride
      panels &-= 1
    }
    total += (left + right).laneSum
  }
  while count > 0 {
    let here = min(count, V.lanes)
    let value = body(offset, here)
    withUnsafeBytes(of: value) { bytes in
      for lane in 0..<here { total += Double(bytes.load(fromByteOffset: lane &* 4, as: Float.self)) }
    }
    offset &+= here
    count &-= here
  }
  return total
}

/// x = a · x
@inlinable @inline(__always)
func scalePanels<V: FloatVector>(
  _: V.Type, _ n: Int, _ a: Float, _ x: UnsafeMutablePointer<Float>, _ panelStride: Int
) {
  var x = x
  var count = n
  let factor = V(repeating: a)
  while count >= 2 &* V.lanes {
    (factor * V.load(x)).store(x)
    (factor * V.load(x + V.lanes)).store(x + V.lanes)
    x += panelStride
    count &-= 2 &* V.lanes
  }
  for i in 0..<count { x[i] = a * x[i] }
}

/// The sum of those of n floats in one piece that are above a.
@inlinable @inline(__always)
func sumAbove<V: FloatVector>(_: V.Type, _ n: Int, _ a: Float, _ x: UnsafePointer<Float>) -> Double {
  let bound = V(repeating: a)
  return sumOfPanels(V.self, n, 2 &* V.lanes) { offset, count in
    let value = loadAny(V.self, x + offset, count)
    return V.zero.choosing(value, where: value .> bound)
  }
}
