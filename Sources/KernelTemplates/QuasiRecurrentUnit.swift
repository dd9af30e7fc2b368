/// The quasi-recurrent unit with fo-pooling (Bradbury et al. 2017, equation 4) between its products.
@frozen public struct QRNNForward {
  /// Candidate, forget and output gates: from pre-activations to activations, in place.
  public var candidate, forget, output: UnsafeMutablePointer<Float>
  public var previousCell: UnsafePointer<Float>
  /// Overwritten.
  public var cell, hidden: UnsafeMutablePointer<Float>

  @inlinable public init(
    candidate: UnsafeMutablePointer<Float>, forget: UnsafeMutablePointer<Float>,
    output: UnsafeMutablePointer<Float>, previousCell: UnsafePointer<Float>,
    cell: UnsafeMutablePointer<Float>, hidden: UnsafeMutablePointer<Float>
  ) {
    (self.candidate, self.forget, self.output) = (candidate, forget, output)
    (self.previousCell, self.cell, self.hidden) = (previousCell, cell, hidden)
  }
}

/// The gradients of `QRNNForward`.
@frozen public struct QRNNBackward {
  /// What the forward pass was given, and left; the gates are overwritten with the gradients of their pre-activations.
  public var forward: QRNNForward
  public var hiddenGradient: UnsafePointer<Float>
  /// From ∂c of the later step to ∂c of the previous cell, in place.
  public var cellGradient: UnsafeMutablePointer<Float>

  @inlinable public init(
    forward: QRNNForward, hiddenGradient: UnsafePointer<Float>, cellGradient: UnsafeMutablePointer<Float>
  ) {
    (self.forward, self.hiddenGradient, self.cellGradient) = (forward, hiddenGradient, cellGradient)
  }
}

/// z = tanh(·); f, o = σ(·); c = z + f ∘ (c₋₁ − z); h = o ∘ c
@inlinable @inline(__always)
func qrnnForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: QRNNForward) {
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let z = part.load(p.candidate + gates).hyperbolicTangent()
      let f = part.load(p.forget + gates).sigmoid()
      let o = part.load(p.output + gates).sigmoid()
      let c = z.adding(f, times: part.load(p.previousCell + states) - z)
      part.store(z, p.candidate + gates)
      part.store(f, p.forget + gates)
      part.store(o, p.output + gates)
      part.store(c, p.cell + states)
      part.store(o * c, p.hidden + states)
    }
  }
}

/// The gradients of `qrnnForward`, the forward lines quoted.
@inlinable @inline(__always)
func qrnnBackward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: QRNNBackward) {
  let one = V(repeating: 1)
  let s = p.forward
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let z = part.load(s.candidate + gates)
      let f = part.load(s.forget + gates)
      let o = part.load(s.output + gates)
      let dh = part.load(p.hiddenGradient + states)
      // h = o ∘ c
      part.store(dh * part.load(s.cell + states) * o * (one - o), s.output + gates)
      let dc = part.load(p.cellGradient + states).adding(dh, times: o)
      // c = z + f ∘ (c₋₁ − z), and the derivatives of tanh and σ
      part.store(dc * (one - f) * (one - z * z), s.candidate + gates)
      part.store(dc * (part.load(s.previousCell + states) - z) * f * (one - f), s.forget + gates)
      part.store(dc * f, p.cellGradient + states)
    }
  }
}
