/// The simple recurrent unit (Lei et al. 2018) between its products, with c as it is in the place of an activation of c.
///
/// The highway is what of the input goes past the unit: the input itself times `highwayScale`, or a gate buffer.
@frozen public struct SRUForward {
  /// The candidate: a gate buffer, which stays as it is.
  public var candidate: UnsafePointer<Float>
  /// Forget and reset gates: from pre-activations to activations, in place.
  public var forget, reset: UnsafeMutablePointer<Float>
  public var highway: UnsafePointer<Float>
  public var highwayStride: Int
  public var highwayScale: Float
  /// v_f, v_r, b_f, b_r, one number for every unit.
  public var forgetState, resetState, forgetBias, resetBias: UnsafePointer<Float>
  public var previousCell: UnsafePointer<Float>
  /// Overwritten.
  public var cell, hidden: UnsafeMutablePointer<Float>

  @inlinable public init(
    candidate: UnsafePointer<Float>, forget: UnsafeMutablePointer<Float>, reset: UnsafeMutablePointer<Float>,
    highway: UnsafePointer<Float>, highwayStride: Int, highwayScale: Float,
    forgetState: UnsafePointer<Float>, resetState: UnsafePointer<Float>, forgetBias: UnsafePointer<Float>,
    resetBias: UnsafePointer<Float>, previousCell: UnsafePointer<Float>,
    cell: UnsafeMutablePointer<Float>, hidden: UnsafeMutablePointer<Float>
  ) {
    (self.candidate, self.forget, self.reset) = (candidate, forget, reset)
    (self.highway, self.highwayStride, self.highwayScale) = (highway, highwayStride, highwayScale)
    (self.forgetState, self.resetState) = (forgetState, resetState)
    (self.forgetBias, self.resetBias) = (forgetBias, resetBias)
    (self.previousCell, self.cell, self.hidden) = (previousCell, cell, hidden)
  }
}

/// The gradients of `SRUForward`.
@frozen public struct SRUBackward {
  /// What the forward pass was given, and left.
  public var forward: SRUForward
  /// From the candidate to its gradient, in place.
  public var candidate: UnsafeMutablePointer<Float>
  public var hiddenGradient: UnsafePointer<Float>
  /// From ∂c of the later step to ∂c of the previous cell, in place.
  public var cellGradient: UnsafeMutablePointer<Float>
  /// Where the gradient of the highway goes; it is added to what is there, or, as it may be the highway itself, takes its place.
  public var highwayGradient: UnsafeMutablePointer<Float>
  public var addsHighway: Bool
  /// Added to: the gradients of v_f, v_r, b_f, b_r.
  public var forgetState, resetState, forgetBias, resetBias: UnsafeMutablePointer<Float>

  @inlinable public init(
    forward: SRUForward, candidate: UnsafeMutablePointer<Float>, hiddenGradient: UnsafePointer<Float>,
    cellGradient: UnsafeMutablePointer<Float>, highwayGradient: UnsafeMutablePointer<Float>,
    addsHighway: Bool, forgetState: UnsafeMutablePointer<Float>, resetState: UnsafeMutablePointer<Float>,
    forgetBias: UnsafeMutablePointer<Float>, resetBias: UnsafeMutablePointer<Float>
  ) {
    (self.forward, self.candidate) = (forward, candidate)
    (self.hiddenGradient, self.cellGradient) = (hiddenGradient, cellGradient)
    (self.highwayGradient, self.addsHighway) = (highwayGradient, addsHighway)
    (self.forgetState, self.resetState) = (forgetState, resetState)
    (self.forgetBias, self.resetBias) = (forgetBias, resetBias)
  }
}

/// f, r = σ(a + v ∘ c₋₁ + b); c = x̃ + f ∘ (c₋₁ − x̃); h = x′ + r ∘ (c − x′)
@inlinable @inline(__always)
func sruForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: SRUForward) {
  let scale = V(repeating: p.highwayScale)
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    let highway = p.highway + row &* p.highwayStride
    forEachVector(V.self, shape.units) { part in
      let previous = part.load(p.previousCell + states)
      let f = (part.load(p.forget + gates) + part.load(p.forgetBias))
        .adding(part.load(p.forgetState), times: previous).sigmoid()
      let r = (part.load(p.reset + gates) + part.load(p.resetBias))
        .adding(part.load(p.resetState), times: previous).sigmoid()
      let candidate = part.load(p.candidate + gates)
      let c = candidate.adding(f, times: previous - candidate)
      let past = scale * part.load(highway)
      part.store(f, p.forget + gates)
      part.store(r, p.reset + gates)
      part.store(c, p.cell + states)
      part.store(past.adding(r, times: c - past), p.hidden + states)
    }
  }
}

/// The gradients of `sruForward`, the forward lines quoted.
@inlinable @inline(__always)
func sruBackward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: SRUBackward) {
  let (one, scale) = (V(repeating: 1), V(repeating: p.forward.highwayScale))
  let s = p.forward
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    let highway = row &* s.highwayStride
    forEachVector(V.self, shape.units) { part in
      let f = part.load(s.forget + gates)
      let r = part.load(s.reset + gates)
      let candidate = part.load(s.candidate + gates)
      let previous = part.load(s.previousCell + states)
      let past = scale * part.load(s.highway + highway)
      let dh = part.load(p.hiddenGradient + states)
      // h = x′ + r ∘ (c − x′), x′ = α x
      let dr = dh * (part.load(s.cell + states) - past) * r * (one - r)
      let dPast = scale * dh * (one - r)
      let dc = part.load(p.cellGradient + states).adding(dh, times: r)
      // c = x̃ + f ∘ (c₋₁ − x̃)
      let df = dc * (previous - candidate) * f * (one - f)
      part.store(dc * (one - f), p.candidate + gates)
      // f, r = σ(a + v ∘ c₋₁ + b)
      part.store(df, s.forget + gates)
      part.store(dr, s.reset + gates)
      part.store(
        (dc * f).adding(df, times: part.load(s.forgetState)).adding(dr, times: part.load(s.resetState)),
        p.cellGradient + states)
      part.store(part.load(p.forgetState).adding(df, times: previous), p.forgetState)
      part.store(part.load(p.resetState).adding(dr, times: previous), p.resetState)
      part.store(part.load(p.forgetBias) + df, p.forgetBias)
      part.store(part.load(p.resetBias) + dr, p.resetBias)
      let target = p.highwayGradient + highway
      part.store(p.addsHighway ? part.load(target) + dPast : dPast, target)
    }
  }
}
