/// A long short-term memory whose sums are normalized over the units of a row (Ba, Kiros and Hinton 2016, equations 20 to 22):
///
///     a  = α ∘ x̂ + α′ ∘ ĥ + b        x̂, ĥ: x W and h₋₁ U normalized over all four gates of a row
///     c  = σ(a_f) ∘ c₋₁ + σ(a_i) ∘ tanh a_g
///     h  = σ(a_o) ∘ tanh(α″ ∘ ĉ + β″)
///
/// with x̂ = (x − mean) / √(variance + ε). Gates are in the order input, forget, candidate, output, each of H numbers.
@frozen public struct LayerNormLSTM {
  /// x W, then x̂, then ∂L/∂(x W), and the same of h₋₁ U: the first gate of each.
  public var inputs, states: UnsafeMutablePointer<Float>
  /// The activations, then ∂L/∂a: the first gate.
  public var gates: UnsafeMutablePointer<Float>
  /// ĉ: a gate buffer.
  public var normalizedCell: UnsafeMutablePointer<Float>
  /// H.
  public var hiddenSize: Int
  /// α of the four gates, α′ of the four, b of the four, α″ and β″, and the floats from one to the next.
  public var vectors: UnsafePointer<Float>
  public var vectorStride: Int
  public var previousCell: UnsafePointer<Float>
  /// `cellTanh` is that of the normalized cell, and ∂ĉ on the way back.
  public var cell, cellTanh, hidden: UnsafeMutablePointer<Float>
  public var sums: PartialSums
  /// 1 / √(variance + ε) of the inputs, the states and the cell, for every row.
  public var scales: UnsafeMutablePointer<Float>
  /// Backward only.
  public var hiddenGradient: UnsafePointer<Float>
  public var cellGradient: UnsafeMutablePointer<Float>
  /// Added to.
  public var vectorGradients: UnsafeMutablePointer<Float>

  @inlinable public init(
    inputs: UnsafeMutablePointer<Float>, states: UnsafeMutablePointer<Float>,
    gates: UnsafeMutablePointer<Float>, normalizedCell: UnsafeMutablePointer<Float>, hiddenSize: Int,
    vectors: UnsafePointer<Float>, vectorStride: Int, previousCell: UnsafePointer<Float>,
    cell: UnsafeMutablePointer<Float>, cellTanh: UnsafeMutablePointer<Float>,
    hidden: UnsafeMutablePointer<Float>, sums: PartialSums, scales: UnsafeMutablePointer<Float>,
    hiddenGradient: UnsafePointer<Float>, cellGradient: UnsafeMutablePointer<Float>,
    vectorGradients: UnsafeMutablePointer<Float>
  ) {
    (self.inputs, self.states, self.gates) = (inputs, states, gates)
    (self.normalizedCell, self.hiddenSize) = (normalizedCell, hiddenSize)
    (self.vectors, self.vectorStride, self.previousCell) = (vectors, vectorStride, previousCell)
    (self.cell, self.cellTanh, self.hidden) = (cell, cellTanh, hidden)
    (self.sums, self.scales) = (sums, scales)
    (self.hiddenGradient, self.cellGradient) = (hiddenGradient, cellGradient)
    self.vectorGradients = vectorGradients
  }

  /// How many sums over a row, numbers of a row and vectors it needs.
  public static let sumCount = 12, scaleCount = 3, vectorCount = 14
  /// ε.
  @inlinable static var epsilon: Float { 1e-5 }

  /// Mean and 1 / √(variance + ε) of n numbers with sums k and k + 1, of the numbers and their squares.
  @inlinable @inline(__always) func statistics(_ k: Int, row: Int, of n: Int) -> (mean: Float, scale: Float) {
    let mean = sums.sum(k, row: row) / Float(n)
    let variance = max(0, sums.sum(k &+ 1, row: row) / Float(n) - mean * mean)
    return (mean, 1 / (variance + Self.epsilon).squareRoot())
  }
}

/// Stage 0: Σ x, Σ x², Σ h, Σ h².  Stage 1: x̂, ĥ, the gates, c; Σ c, Σ c².  Stage 2: ĉ and h.
@inlinable @inline(__always)
func layerNormLSTMForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ stage: Int, _ p: LayerNormLSTM) {
  for row in 0..<shape.rows {
    let (first, states) = (row &* shape.gateStride, row &* shape.stateStride)
    var part = 0
    if stage == 0 {
      forEachVector(V.self, shape.units) { units in
        var (x, xx, h, hh) = (V.zero, V.zero, V.zero, V.zero)
        for gate in 0..<4 {
          let place = first &+ gate &* p.hiddenSize
          let (a, b) = (units.load(p.inputs + place), units.load(p.states + place))
          (x, xx) = (x + a, xx.adding(a, times: a))
          (h, hh) = (h + b, hh.adding(b, times: b))
        }
        p.sums.part(part, sum: 0, row: row).pointee = Float(x.laneSum)
        p.sums.part(part, sum: 1, row: row).pointee = Float(xx.laneSum)
        p.sums.part(part, sum: 2, row: row).pointee = Float(h.laneSum)
        p.sums.part(part, sum: 3, row: row).pointee = Float(hh.laneSum)
        part &+= 1
      }
    } else if stage == 1 {
      let x = p.statistics(0, row: row, of: 4 &* p.hiddenSize)
      let h = p.statistics(2, row: row, of: 4 &* p.hiddenSize)
      if p.sums.isFirst { (p.scales[3 &* row], p.scales[3 &* row &+ 1]) = (x.scale, h.scale) }
      let (xMean, xScale) = (V(repeating: x.mean), V(repeating: x.scale))
      let (hMean, hScale) = (V(repeating: h.mean), V(repeating: h.scale))
      forEachVector(V.self, shape.units) { units in
        for gate in 0..<4 {
          let place = first &+ gate &* p.hiddenSize
          let vector = p.vectors + gate &* p.vectorStride
          let a = (units.load(p.inputs + place) - xMean) * xScale
          let b = (units.load(p.states + place) - hMean) * hScale
          units.store(a, p.inputs + place)
          units.store(b, p.states + place)
          let bias = units.load(vector + 8 &* p.vectorStride)
          let sum = bias.adding(a, times: units.load(vector))
            .adding(b, times: units.load(vector + 4 &* p.vectorStride))
          units.store(gate == 2 ? sum.hyperbolicTangent() : sum.sigmoid(), p.gates + place)
        }
        let i = units.load(p.gates + first)
        let f = units.load(p.gates + (first &+ p.hiddenSize))
        let g = units.load(p.gates + (first &+ 2 &* p.hiddenSize))
        let c = (i * g).adding(f, times: units.load(p.previousCell + states))
        units.store(c, p.cell + states)
        p.sums.part(part, sum: 4, row: row).pointee = Float(c.laneSum)
        p.sums.part(part, sum: 5, row: row).pointee = Float((c * c).laneSum)
        part &+= 1
      }
    } else {
      let c = p.statistics(4, row: row, of: p.hiddenSize)
      if p.sums.isFirst { p.scales[3 &* row &+ 2] = c.scale }
      let (mean, scale) = (V(repeating: c.mean), V(repeating: c.scale))
      forEachVector(V.self, shape.units) { units in
        let normalized = (units.load(p.cell + states) - mean) * scale
        let t = units.load(p.vectors + 13 &* p.vectorStride)
          .adding(normalized, times: units.load(p.vectors + 12 &* p.vectorStride)).hyperbolicTangent()
        units.store(normalized, p.normalizedCell + first)
        units.store(t, p.cellTanh + states)
        units.store(units.load(p.gates + (first &+ 3 &* p.hiddenSize)) * t, p.hidden + states)
      }
    }
  }
}

/// The gradients of `layerNormLSTMForward`, stage by stage from the last to the first: for y = α x̂ + …,
/// ∂x = scale · (∂x̂ − mean(∂x̂) − x̂ mean(∂x̂ ∘ x̂)) with ∂x̂ = α ∂y.
@inlinable @inline(__always)
func layerNormLSTMBackward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ stage: Int, _ p: LayerNormLSTM) {
  let one = V(repeating: 1)
  for row in 0..<shape.rows {
    let (first, states) = (row &* shape.gateStride, row &* shape.stateStride)
    var part = 0
    if stage == 2 {
      forEachVector(V.self, shape.units) { units in
        let output = p.gates + (first &+ 3 &* p.hiddenSize)
        let o = units.load(output)
        let t = units.load(p.cellTanh + states)
        let dh = units.load(p.hiddenGradient + states)
        let normalized = units.load(p.normalizedCell + first)
        // h = o ∘ t,  t = tanh(α″ ∘ ĉ + β″)
        units.store(dh * t * o * (one - o), output)
        let dt = dh * o * (one - t * t)
        let (gain, offset) = (12 &* p.vectorStride, 13 &* p.vectorStride)
        units.store(
          units.load(p.vectorGradients + gain).adding(dt, times: normalized), p.vectorGradients + gain)
        units.store(units.load(p.vectorGradients + offset) + dt, p.vectorGradients + offset)
        let d = dt * units.load(p.vectors + gain)
        units.store(d, p.cellTanh + states)
        p.sums.part(part, sum: 6, row: row).pointee = Float(d.laneSum)
        p.sums.part(part, sum: 7, row: row).pointee = Float((d * normalized).laneSum)
        part &+= 1
      }
    } else if stage == 1 {
      let scale = V(repeating: p.scales[3 &* row &+ 2])
      let mean = V(repeating: p.sums.sum(6, row: row) / Float(p.hiddenSize))
      let slope = V(repeating: p.sums.sum(7, row: row) / Float(p.hiddenSize))
      forEachVector(V.self, shape.units) { units in
        let normalized = units.load(p.normalizedCell + first)
        let d = units.load(p.cellTanh + states) - mean - normalized * slope
        let dc = units.load(p.cellGradient + states).adding(scale, times: d)
        let i = units.load(p.gates + first)
        let f = units.load(p.gates + (first &+ p.hiddenSize))
        let g = units.load(p.gates + (first &+ 2 &* p.hiddenSize))
        // c = f ∘ c₋₁ + i ∘ g
        units.store(dc * g * i * (one - i), p.gates + first)
        units.store(
          dc * units.load(p.previousCell + states) * f * (one - f), p.gates + (first &+ p.hiddenSize))
        units.store(dc * i * (one - g * g), p.gates + (first &+ 2 &* p.hiddenSize))
        units.store(dc * f, p.cellGradient + states)
        var (x, xx, h, hh) = (V.zero, V.zero, V.zero, V.zero)
        for gate in 0..<4 {
          let place = first &+ gate &* p.hiddenSize
          let vector = gate &* p.vectorStride
          let da = units.load(p.gates + place)
          let (a, b) = (units.load(p.inputs + place), units.load(p.states + place))
          // a = α ∘ x̂ + α′ ∘ ĥ + b
          let (gain, stateGain) = (
            p.vectorGradients + vector, p.vectorGradients + (vector &+ 4 &* p.vectorStride)
          )
          let bias = p.vectorGradients + (vector &+ 8 &* p.vectorStride)
          units.store(units.load(gain).adding(da, times: a), gain)
          units.store(units.load(stateGain).adding(da, times: b), stateGain)
          units.store(units.load(bias) + da, bias)
          let dx = da * units.load(p.vectors + vector)
          let dh = da * units.load(p.vectors + (vector &+ 4 &* p.vectorStride))
          (x, xx) = (x + dx, xx.adding(dx, times: a))
          (h, hh) = (h + dh, hh.adding(dh, times: b))
        }
        p.sums.part(part, sum: 8, row: row).pointee = Float(x.laneSum)
        p.sums.part(part, sum: 9, row: row).pointee = Float(xx.laneSum)
        p.sums.part(part, sum: 10, row: row).pointee = Float(h.laneSum)
        p.sums.part(part, sum: 11, row: row).pointee = Float(hh.laneSum)
        part &+= 1
      }
    } else {
      let n = Float(4 &* p.hiddenSize)
      let (xScale, hScale) = (V(repeating: p.scales[3 &* row]), V(repeating: p.scales[3 &* row &+ 1]))
      let (xMean, xSlope) = (
        V(repeating: p.sums.sum(8, row: row) / n), V(repeating: p.sums.sum(9, row: row) / n)
      )
      let (hMean, hSlope) = (
        V(repeating: p.sums.sum(10, row: row) / n), V(repeating: p.sums.sum(11, row: row) / n)
      )
      forEachVector(V.self, shape.units) { units in
        for gate in 0..<4 {
          let place = first &+ gate &* p.hiddenSize
          let vector = gate &* p.vectorStride
          let da = units.load(p.gates + place)
          let (a, b) = (units.load(p.inputs + place), units.load(p.states + place))
          let dx = da * units.load(p.vectors + vector) - xMean - a * xSlope
          let dh = da * units.load(p.vectors + (vector &+ 4 &* p.vectorStride)) - hMean - b * hSlope
          units.store(xScale * dx, p.inputs + place)
          units.store(hScale * dh, p.states + place)
        }
      }
    }
  }
}
