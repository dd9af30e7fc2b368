/// The part of a matrix that is packed into panels: `depth` steps of `count` lanes.
@frozen public struct PackedPart {
  /// Element (step k, lane j) is at `source[k * stepStride + j * laneStride]`; one of the strides is 1.
  public var source: UnsafePointer<Float>
  public var stepStride: Int
  public var laneStride: Int
  /// How many steps there are.
  public var depth: Int
  /// How many lanes the source has, at most `lanes`; the others become zeros.
  public var count: Int
  /// How many lanes are written.
  public var lanes: Int
  /// The distance in the target from a step to the next.
  public var width: Int
  /// Overwritten: element (k, j) goes to `target[k * width + j]`.
  public var target: UnsafeMutablePointer<Float>

  @inlinable @inline(__always)
  public init(
    source: UnsafePointer<Float>, stepStride: Int, laneStride: Int, depth: Int, count: Int, lanes: Int,
    width: Int, target: UnsafeMutablePointer<Float>
  ) {
    (self.source, self.stepStride, self.laneStride) = (source, stepStride, laneStride)
    (self.depth, self.count, self.lanes, self.width) = (depth, count, lanes, width)
    self.target = target
  }
}

/// Packs one panel, or one row tile (then a lane is a row).
@inlinable @inline(__always)
func pack<V: FloatVector>(_: V.Type, _ part: PackedPart) {
  var j = 0
  while j < part.lanes {
    let left = part.count &- j
    if part.laneStride == 1, left >= 2 &* V.lanes {
      copyLanes(V.self, part, j, vectors: 2)
      j &+= 2 &* V.lanes
    } else if part.laneStride == 1, left >= V.lanes {
      copyLanes(V.self, part, j, vectors: 1)
      j &+= V.lanes
    } else if part.laneStride == 1, left >= 4 {
      copyFourLanes(V.self, part, j)
      j &+= 4
    } else if part.laneStride != 1, left >= 8 {
      transposeLanes(V.self, part, j, groups: 2)
      j &+= 8
    } else if part.laneStride != 1, left >= 4 {
      transposeLanes(V.self, part, j, groups: 1)
      j &+= 4
    } else {
      packOneLane(V.self, part, j)
      j &+= 1
    }
  }
}

/// Packs four whole panels of a row-major matrix, `panelStride` apart, at a time: what lies side by side is read side by side, as
/// processors fetch it. `part` describes the first panel.
@inlinable @inline(__always)
func packFourPanels<V: FloatVector>(_: V.Type, _ part: PackedPart, _ panelStride: Int) {
  var source = part.source
  var target = part.target
  for _ in 0..<part.depth {
    for panel in 0..<4 {
      let from = source + panel &* 2 &* V.lanes
      let to = target + panel &* panelStride
      V.load(from).store(to)
      V.load(from + V.lanes).store(to + V.lanes)
    }
    source += part.stepStride
    target += part.width
  }
}

/// Packs neighbouring lanes: whole vectors of each step.
@inlinable @inline(__always)
func copyLanes<V: FloatVector>(_: V.Type, _ part: PackedPart, _ j: Int, vectors: Int) {
  var source = part.source + j
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
  var source = part.source + j
  var target = part.target + j
  for _ in 0..<part.depth {
    SIMD4<Float>.load(source).store(target)
    source += part.stepStride
    target += part.width
  }
}

/// Packs four or eight lanes whose steps are neighbours, by 4 × 4 transposition. Eight lanes are read side by side
/// because each comes from a page of its own; more would fill the ways of one cache set when the stride is a power of 2.
@inlinable @inline(__always)
func transposeLanes<V: FloatVector>(_: V.Type, _ part: PackedPart, _ j: Int, groups: Int) {
  let (a0, a1) = (laneStart(V.self, part, j), laneStart(V.self, part, j &+ 1))
  let (a2, a3) = (laneStart(V.self, part, j &+ 2), laneStart(V.self, part, j &+ 3))
  let next = groups == 2 ? j &+ 4 : j
  let (b0, b1) = (laneStart(V.self, part, next), laneStart(V.self, part, next &+ 1))
  let (b2, b3) = (laneStart(V.self, part, next &+ 2), laneStart(V.self, part, next &+ 3))
  var target = part.target + j
  var k = 0
  while part.stepStride == 1, k &+ 4 <= part.depth {
    transposeBlock(V.self, a0 + k, a1 + k, a2 + k, a3 + k, target, part.width)
    if groups == 2 { transposeBlock(V.self, b0 + k, b1 + k, b2 + k, b3 + k, target + 4, part.width) }
    target += 4 &* part.width
    k &+= 4
  }
  while k < part.depth {
    let step = k &* part.stepStride
    (target[0], target[1], target[2], target[3]) = (a0[step], a1[step], a2[step], a3[step])
    if groups == 2 { (target[4], target[5], target[6], target[7]) = (b0[step], b1[step], b2[step], b3[step]) }
    target += part.width
    k &+= 1
  }
}

/// The first step of one lane.
@inlinable @inline(__always)
func laneStart<V: FloatVector>(_: V.Type, _ part: PackedPart, _ j: Int) -> UnsafePointer<Float> {
  part.source + j &* part.laneStride
}

/// Four rows of four floats, transposed into rows `width` apart.
@inlinable @inline(__always)
func transposeBlock<V: FloatVector>(
  _: V.Type, _ row0: UnsafePointer<Float>, _ row1: UnsafePointer<Float>, _ row2: UnsafePointer<Float>,
  _ row3: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ width: Int
) {
  let rows01 = SIMD8(lowHalf: SIMD4<Float>.load(row0), highHalf: SIMD4<Float>.load(row1))
  let rows23 = SIMD8(lowHalf: SIMD4<Float>.load(row2), highHalf: SIMD4<Float>.load(row3))
  let even = SIMD8(lowHalf: rows01.evenHalf, highHalf: rows23.evenHalf)
  let odd = SIMD8(lowHalf: rows01.oddHalf, highHalf: rows23.oddHalf)
  even.evenHalf.store(target)
  odd.evenHalf.store(target + width)
  even.oddHalf.store(target + 2 &* width)
  odd.oddHalf.store(target + 3 &* width)
}

/// Packs one lane, or zeros.
@inlinable @inline(__always)
func packOneLane<V: FloatVector>(_: V.Type, _ part: PackedPart, _ j: Int) {
  let source = part.source + (j < part.count ? j &* part.laneStride : 0)
  for k in 0..<part.depth {
    part.target[k &* part.width &+ j] = j < part.count ? source[k &* part.stepStride] : 0
  }
}
