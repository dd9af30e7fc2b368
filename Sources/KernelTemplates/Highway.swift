/// A highway connection (Srivastava et al. 2015, equation 3) between its products: some floats of one row.
@frozen public struct HighwayForward {
  /// The transform gate t: from pre-activation to activation, in place.
  public var gate: UnsafeMutablePointer<Float>
  /// What the layer within gives, and its input x.
  public var inner, input: UnsafePointer<Float>
  /// Overwritten.
  public var output: UnsafeMutablePointer<Float>

  @inlinable public init(
    gate: UnsafeMutablePointer<Float>, inner: UnsafePointer<Float>, input: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>
  ) {
    (self.gate, self.inner, self.input, self.output) = (gate, inner, input, output)
  }
}

/// The gradients of `HighwayForward`.
@frozen public struct HighwayBackward {
  /// From the activation t to the gradient of its pre-activation, in place.
  public var gate: UnsafeMutablePointer<Float>
  public var inner, input: UnsafePointer<Float>
  /// From ∂y to the gradient of what the layer within gives, in place.
  public var gradient: UnsafeMutablePointer<Float>
  /// The part of ∂x that goes past the layer: added to what is there, or overwritten.
  public var inputGradient: UnsafeMutablePointer<Float>
  public var isAdding: Bool

  @inlinable public init(
    gate: UnsafeMutablePointer<Float>, inner: UnsafePointer<Float>, input: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>, inputGradient: UnsafeMutablePointer<Float>, isAdding: Bool
  ) {
    (self.gate, self.inner, self.input) = (gate, inner, input)
    (self.gradient, self.inputGradient, self.isAdding) = (gradient, inputGradient, isAdding)
  }
}

/// t = σ(a); y = x + t ∘ (inner − x)
@inlinable @inline(__always)
func highwayForward<V: FloatVector>(_: V.Type, _ n: Int, _ p: HighwayForward) {
  forEachVector(V.self, n) { part in
    let t = part.load(p.gate).sigmoid()
    let x = part.load(p.input)
    part.store(t, p.gate)
    part.store(x.adding(t, times: part.load(p.inner) - x), p.output)
  }
}

/// The gradients of `highwayForward`, the forward lines quoted.
@inlinable @inline(__always)
func highwayBackward<V: FloatVector>(_: V.Type, _ n: Int, _ p: HighwayBackward) {
  let one = V(repeating: 1)
  forEachVector(V.self, n) { part in
    let t = part.load(p.gate)
    let dy = part.load(p.gradient)
    // y = x + t ∘ (inner − x)
    let past = dy * (one - t)
    part.store(dy * (part.load(p.inner) - part.load(p.input)) * t * (one - t), p.gate)
    part.store(dy * t, p.gradient)
    part.store(p.isAdding ? part.load(p.inputGradient) + past : past, p.inputGradient)
  }
}
