/// The part of a matrix that is packed into one panel: `depth` steps of `count` lanes.
@frozen public struct PackedPart {
  /// Element (step k, lane j) is at `source[k * stepStride + j * laneStride]`; one of the strides is 1.
  public var source: UnsafePointer<Float>
  public var stepStride: Int
  public var laneStride: Int
  public var depth: Int
  /// How many lanes the source has, at most `width`; the others become zeros.
  public var count: Int
  /// How many lanes the panel has.
  public var width: Int
  /// The source's lane for every lane of the panel, −1 for zeros; nil for lanes in their order.
  public var gather: UnsafePointer<Int32>?
  /// Overwritten: element (k, j) goes to `target[k * width + j]`.
  public var target: UnsafeMutablePointer<Float>

  @inlinable @inline(__always)
  public init(
    source: UnsafePointer<Float>, stepStride: Int, laneStride: Int, depth: Int, count: Int, width: Int,
    gather: UnsafePointer<Int32>?, target: UnsafeMutablePointer<Float>
  ) {
    (self.source, self.stepStride, self.laneStride) = (source, stepStride, laneStride)
    (self.depth, self.count, self.width) = (depth, count, width)
    (self.gather, self.target) = (gather, target)
  }

  /// The source's lane for a lane of the panel, or −1.
  @inlinable @inline(__always) func lane(_ j: Int) -> Int {
    if j >= count { return -1 }
    return gather.map { Int($0[j]) } ?? j
  }

  /// The first of `length` neighbouring lanes of the source that fill the panel's lanes from `j`, or −1.
  @inlinable @inline(__always) func run(_ j: Int, _ length: Int) -> Int {
    let first = lane(j)
    if j &+ length > count || first < 0 { return -1 }
    if let gather {
      for i in 1..<length where Int(gather[j &+ i]) != first &+ i { return -1 }
    }
    return first
  }
}

/// Packs one panel, or one row tile (then a lane is a row).
@inlinable @inline(__always)
func pack<V: FloatVector>(_: V.Type, _ part: PackedPart) {
  var j = 0
  while j < part.width {
    if part.laneStride == 1, j &+ 2 &* V.lanes <= part.width, part.run(j, 2 &* V.lanes) >= 0 {
      copyLanes(V.self, part, j, vectors: 2)
      j &+= 2 &* V.lanes
    } else if part.laneStride == 1, j &+ V.lanes <= part.width, part.run(j, V.lanes) >= 0 {
      copyLanes(V.self, part, j, vectors: 1)
      j &+= V.lanes
    } else if part.laneStride == 1, j &+ 4 <= part.width, part.run(j, 4) >= 0 {
      copyFourLanes(V.self, part, j)
      j &+= 4
    } else if part.laneStride != 1, j &+ 4 <= part.width, part.lane(j) >= 0, part.lane(j &+ 1) >= 0,
      part.lane(j &+ 2) >= 0, part.lane(j &+ 3) >= 0
    {
      transposeFourLanes(V.self, part, j)
      j &+= 4
    } else {
      packOneLane(V.self, part, j)
      j &+= 1
    }
  }
}

/// Packs neighbouring lanes: whole vectors of each step.
@inlinable @inline(__always)
func copyLanes<V: FloatVector>(_: V.Type, _ part: PackedPart, _ j: Int, vectors: Int) {
  var source = part.source + part.lane(j)
  var target = part.target + j
  for _ in 0..<part.depth {
    V.load(source).store(target)
    if vectors == 2 { V.load(source + V.lanes).store(target + V.lanes) }
    source += part.stepStride
    target += part.width
  }
}

/// Packs four neighbouring lanes.
@inlinable @inline(__always)
func copyFourLanes<V: FloatVector>(_: V.Type, _ part: PackedPart, _ j: Int) {
  var source = part.source + part.lane(j)
  var target = part.target + j
  for _ in 0..<part.depth {
    SIMD4<Float>.load(source).store(target)
    source += part.stepStride
    target += part.width
  }
}

/// Packs four lanes whose steps are neighbours, by 4 × 4 transposition.
@inlinable @inline(__always)
func transposeFourLanes<V: FloatVector>(_: V.Type, _ part: PackedPart, _ j: Int) {
  let source0 = part.source + part.lane(j) &* part.laneStride
  let source1 = part.source + part.lane(j &+ 1) &* part.laneStride
  let source2 = part.source + part.lane(j &+ 2) &* part.laneStride
  let source3 = part.source + part.lane(j &+ 3) &* part.laneStride
  var target = part.target + j
  var k = 0
  if part.stepStride == 1 {
    while k &+ 4 <= part.depth {
      let row01 = SIMD8(
        lowHalf: SIMD4<Float>.load(source0 + k), highHalf: SIMD4<Float>.load(source1 + k))
      let row23 = SIMD8(
        lowHalf: SIMD4<Float>.load(source2 + k), highHalf: SIMD4<Float>.load(source3 + k))
      let even = SIMD8(lowHalf: row01.evenHalf, highHalf: row23.evenHalf)
      let odd = SIMD8(lowHalf: row01.oddHalf, highHalf: row23.oddHalf)
      even.evenHalf.store(target)
      odd.evenHalf.store(target + part.width)
      even.oddHalf.store(target + 2 &* part.width)
      odd.oddHalf.store(target + 3 &* part.width)
      target += 4 &* part.width
      k &+= 4
    }
  }
  while k < part.depth {
    let step = k &* part.stepStride
    target[0] = source0[step]
    target[1] = source1[step]
    target[2] = source2[step]
    target[3] = source3[step]
    target += part.width
    k &+= 1
  }
}

/// Packs one lane, or zeros.
@inlinable @inline(__always)
func packOneLane<V: FloatVector>(_: V.Type, _ part: PackedPart, _ j: Int) {
  let lane = part.lane(j)
  let source = part.source + (lane < 0 ? 0 : lane &* part.laneStride)
  for k in 0..<part.depth {
    part.target[k &* part.width &+ j] = lane < 0 ? 0 : source[k &* part.stepStride]
  }
}
