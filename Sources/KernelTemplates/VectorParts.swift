/// The part of some rows of floats that fills one vector: whole, or the rest at the end.
@frozen public struct VectorPart<V: FloatVector> {
  /// The first index.
  @usableFromInline let offset: Int
  /// How many floats, if they are fewer than a vector's lanes; else 0.
  @usableFromInline let rest: Int

  @inlinable @inline(__always) init(offset: Int, rest: Int) { (self.offset, self.rest) = (offset, rest) }

  /// The floats of one row; zeros fill the rest.
  @inlinable @inline(__always) func load(_ row: UnsafePointer<Float>) -> V {
    rest == 0 ? V.load(row + offset) : V.load(row + offset, count: rest)
  }

  @inlinable @inline(__always) func load(_ row: UnsafeMutablePointer<Float>) -> V {
    load(UnsafePointer(row))
  }

  @inlinable @inline(__always) func store(_ value: V, _ row: UnsafeMutablePointer<Float>) {
    if rest == 0 {
      value.store(row + offset)
    } else {
      value.store(row + offset, count: rest)
    }
  }
}

/// Calls `body` for every vector of rows of `count` floats, from one place only, so that it is inlined there.
@inlinable @inline(__always)
func forEachVector<V: FloatVector>(_: V.Type, _ count: Int, _ body: (VectorPart<V>) -> Void) {
  var offset = 0
  while offset < count {
    let left = count &- offset
    body(VectorPart(offset: offset, rest: left >= V.lanes ? 0 : left))
    offset &+= V.lanes
  }
}

/// Calls `body` for every vector of rows of `count` floats with a running vector; the last one's rest is zeros.
///
/// - Returns: the sum of four running vectors, which take turns so that additions do not wait for each other, in
///   double precision. They are emptied into it often enough to keep the error near that of one rounding.
@inlinable @inline(__always)
func sumOfVectors<V: FloatVector>(_: V.Type, _ count: Int, _ body: (VectorPart<V>, V) -> V) -> Double {
  var total = 0.0
  var offset = 0
  while offset < count {
    let end = min(count, offset &+ 256 &* V.lanes)
    var (s0, s1, s2, s3) = (V.zero, V.zero, V.zero, V.zero)
    while offset &+ 4 &* V.lanes <= end {
      s0 = body(VectorPart(offset: offset, rest: 0), s0)
      s1 = body(VectorPart(offset: offset &+ V.lanes, rest: 0), s1)
      s2 = body(VectorPart(offset: offset &+ 2 &* V.lanes, rest: 0), s2)
      s3 = body(VectorPart(offset: offset &+ 3 &* V.lanes, rest: 0), s3)
      offset &+= 4 &* V.lanes
    }
    while offset &+ V.lanes <= end {
      s0 = body(VectorPart(offset: offset, rest: 0), s0)
      offset &+= V.lanes
    }
    if offset < end {
      s1 = body(VectorPart(offset: offset, rest: end &- offset), s1)
      offset = end
    }
    total += ((s0 + s1) + (s2 + s3)).laneSum
  }
  return total
}

extension FloatVector {
  /// The sum of the lanes in double precision, in their order.
  @inlinable @inline(__always) var laneSum: Double {
    withUnsafeBytes(of: self) { bytes in
      var sum = 0.0
      for lane in 0..<Self.lanes { sum += Double(bytes.load(fromByteOffset: lane &* 4, as: Float.self)) }
      return sum
    }
  }

  /// Whether no lane is anything but +0.
  @inlinable @inline(__always) var isZero: Bool {
    withUnsafeBytes(of: self) { bytes in
      var bits: UInt64 = 0
      for pair in 0..<Self.lanes / 2 { bits |= bytes.load(fromByteOffset: pair &* 8, as: UInt64.self) }
      return bits == 0
    }
  }
}
