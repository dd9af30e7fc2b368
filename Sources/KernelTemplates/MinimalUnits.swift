/// The minimal gated recurrent unit minGRU (Feng et al. 2024, section 3.1) between its products.
@frozen public struct MinGRUStep {
  /// The candidate h̃: a gate buffer. Forward, it stays as it is; backward, its gradient takes its place.
  public var candidate: UnsafeMutablePointer<Float>
  /// The update gate: forward, from pre-activation to activation; backward, to the gradient of the pre-activation.
  public var update: UnsafeMutablePointer<Float>
  public var previousHidden: UnsafePointer<Float>
  /// Forward, h, overwritten; backward, from ∂h to ∂h₋₁, in place.
  public var hidden: UnsafeMutablePointer<Float>

  @inlinable public init(
    candidate: UnsafeMutablePointer<Float>, update: UnsafeMutablePointer<Float>,
    previousHidden: UnsafePointer<Float>, hidden: UnsafeMutablePointer<Float>
  ) {
    (self.candidate, self.update) = (candidate, update)
    (self.previousHidden, self.hidden) = (previousHidden, hidden)
  }
}

/// The minimal long short-term memory minLSTM (Feng et al. 2024, section 3.2) between its products.
@frozen public struct MinLSTMStep {
  /// The candidate h̃: a gate buffer. Forward, it stays as it is; backward, its gradient takes its place.
  public var candidate: UnsafeMutablePointer<Float>
  /// Forget and input gates: forward, from pre-activations to activations; backward, to the gradients of the pre-activations.
  public var forget, input: UnsafeMutablePointer<Float>
  public var previousHidden: UnsafePointer<Float>
  /// Forward, h, overwritten; backward, from ∂h to ∂h₋₁, in place.
  public var hidden: UnsafeMutablePointer<Float>

  @inlinable public init(
    candidate: UnsafeMutablePointer<Float>, forget: UnsafeMutablePointer<Float>,
    input: UnsafeMutablePointer<Float>, previousHidden: UnsafePointer<Float>,
    hidden: UnsafeMutablePointer<Float>
  ) {
    (self.candidate, self.forget, self.input) = (candidate, forget, input)
    (self.previousHidden, self.hidden) = (previousHidden, hidden)
  }
}

/// z = σ(·); h = h₋₁ + z ∘ (h̃ − h₋₁)
@inlinable @inline(__always)
func minGRUForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: MinGRUStep) {
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let z = part.load(p.update + gates).sigmoid()
      let previous = part.load(p.previousHidden + states)
      part.store(z, p.update + gates)
      part.store(previous.adding(z, times: part.load(p.candidate + gates) - previous), p.hidden + states)
    }
  }
}

/// The gradients of `minGRUForward`, the forward lines quoted.
@inlinable @inline(__always)
func minGRUBackward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: MinGRUStep) {
  let one = V(repeating: 1)
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let z = part.load(p.update + gates)
      let dh = part.load(p.hidden + states)
      let difference = part.load(p.candidate + gates) - part.load(p.previousHidden + states)
      // h = h₋₁ + z ∘ (h̃ − h₋₁), z = σ(a)
      part.store(dh * difference * z * (one - z), p.update + gates)
      part.store(dh * z, p.candidate + gates)
      part.store(dh * (one - z), p.hidden + states)
    }
  }
}

extension FloatVector {
  /// f / (f + i) for two gates, 0 where both are.
  @inlinable @inline(__always) static func share(_ f: Self, _ i: Self) -> Self {
    f / (f + i + Self(repeating: .leastNormalMagnitude))
  }
}

/// f, i = σ(·); f′ = f / (f + i); h = h̃ + f′ ∘ (h₋₁ − h̃)
@inlinable @inline(__always)
func minLSTMForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: MinLSTMStep) {
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let f = part.load(p.forget + gates).sigmoid()
      let i = part.load(p.input + gates).sigmoid()
      let candidate = part.load(p.candidate + gates)
      part.store(f, p.forget + gates)
      part.store(i, p.input + gates)
      let kept = part.load(p.previousHidden + states) - candidate
      part.store(candidate.adding(V.share(f, i), times: kept), p.hidden + states)
    }
  }
}

/// The gradients of `minLSTMForward`, the forward lines quoted.
@inlinable @inline(__always)
func minLSTMBackward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: MinLSTMStep) {
  let one = V(repeating: 1)
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let f = part.load(p.forget + gates)
      let i = part.load(p.input + gates)
      let share = V.share(f, i)
      let dh = part.load(p.hidden + states)
      let difference = part.load(p.previousHidden + states) - part.load(p.candidate + gates)
      // h = h̃ + f′ ∘ (h₋₁ − h̃)
      part.store(dh * (one - share), p.candidate + gates)
      part.store(dh * share, p.hidden + states)
      // f′ = f / (f + i), f = σ(a), i = σ(b):  ∂f′/∂a = f′ (1 − f′) (1 − f),  ∂f′/∂b = −f′ (1 − f′) (1 − i)
      let dRatio = dh * difference * share * (one - share)
      part.store(dRatio * (one - f), p.forget + gates)
      part.store(dRatio * (i - one), p.input + gates)
    }
  }
}
