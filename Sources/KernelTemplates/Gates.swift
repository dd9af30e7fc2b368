/// The rows and columns that a cell's pointwise mathematics runs over: B rows (sequences) of `units` hidden units.
@frozen public struct CellShape {
  /// B.
  public var rows: Int
  /// The units of each row, all of H or a thread's share.
  public var units: Int
  /// The distance between rows of every gate buffer.
  public var gateStride: Int
  /// The distance between rows of every state buffer: h, c, tanh c and their gradients.
  public var stateStride: Int

  @inlinable public init(rows: Int, units: Int, gateStride: Int, stateStride: Int) {
    (self.rows, self.units, self.gateStride, self.stateStride) = (rows, units, gateStride, stateStride)
  }
}

/// Long short-term memory without peepholes (Gers, Schmidhuber and Cummins 2000), as in PyTorch and cuDNN.
@frozen public struct LSTMForward {
  /// Input, forget, candidate and output gates: from pre-activations to activations, in place.
  public var input, forget, candidate, output: UnsafeMutablePointer<Float>
  public var previousCell: UnsafePointer<Float>
  /// Overwritten; `cell` may be `previousCell`.
  public var cell, cellTanh, hidden: UnsafeMutablePointer<Float>

  @inlinable public init(
    input: UnsafeMutablePointer<Float>, forget: UnsafeMutablePointer<Float>,
    candidate: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>,
    previousCell: UnsafePointer<Float>, cell: UnsafeMutablePointer<Float>,
    cellTanh: UnsafeMutablePointer<Float>, hidden: UnsafeMutablePointer<Float>
  ) {
    (self.input, self.forget, self.candidate, self.output) = (input, forget, candidate, output)
    (self.previousCell, self.cell, self.cellTanh, self.hidden) = (previousCell, cell, cellTanh, hidden)
  }
}

/// The gradients of `LSTMForward`.
@frozen public struct LSTMBackward {
  /// From activations to the gradients of the pre-activations, in place.
  public var input, forget, candidate, output: UnsafeMutablePointer<Float>
  public var previousCell, cellTanh, hiddenGradient: UnsafePointer<Float>
  /// From ∂c of the later step to ∂c of the previous cell, in place.
  public var cellGradient: UnsafeMutablePointer<Float>

  @inlinable public init(
    input: UnsafeMutablePointer<Float>, forget: UnsafeMutablePointer<Float>,
    candidate: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>,
    previousCell: UnsafePointer<Float>, cellTanh: UnsafePointer<Float>,
    hiddenGradient: UnsafePointer<Float>, cellGradient: UnsafeMutablePointer<Float>
  ) {
    (self.input, self.forget, self.candidate, self.output) = (input, forget, candidate, output)
    (self.previousCell, self.cellTanh) = (previousCell, cellTanh)
    (self.hiddenGradient, self.cellGradient) = (hiddenGradient, cellGradient)
  }
}

/// Gated recurrent unit, reset after the product, z the share of the old state: as in PyTorch and cuDNN.
@frozen public struct GRUForward {
  /// Reset and update gates: from pre-activations (input's and state's shares together) to activations, in place.
  public var reset, update: UnsafeMutablePointer<Float>
  /// From the input's share of its pre-activation to the candidate n, in place.
  public var candidate: UnsafeMutablePointer<Float>
  /// The state's share of the candidate's pre-activation, its bias included: U h + b; a gate buffer.
  public var candidateState: UnsafePointer<Float>
  public var previousHidden: UnsafePointer<Float>
  /// Overwritten; may be `previousHidden`.
  public var hidden: UnsafeMutablePointer<Float>

  @inlinable public init(
    reset: UnsafeMutablePointer<Float>, update: UnsafeMutablePointer<Float>,
    candidate: UnsafeMutablePointer<Float>, candidateState: UnsafePointer<Float>,
    previousHidden: UnsafePointer<Float>, hidden: UnsafeMutablePointer<Float>
  ) {
    (self.reset, self.update, self.candidate) = (reset, update, candidate)
    (self.candidateState, self.previousHidden, self.hidden) = (candidateState, previousHidden, hidden)
  }
}

/// The gradients of `GRUForward`.
@frozen public struct GRUBackward {
  /// From activations to the gradients of the pre-activations, in place; the candidate's is that of the input's share.
  public var reset, update, candidate: UnsafeMutablePointer<Float>
  /// From U h + b to its gradient, in place; a gate buffer.
  public var candidateState: UnsafeMutablePointer<Float>
  public var previousHidden, hiddenGradient: UnsafePointer<Float>
  /// Overwritten with ∂h ∘ z, to which the products with the gates' gradients are still to be added; may be
  /// `hiddenGradient`.
  public var previousHiddenGradient: UnsafeMutablePointer<Float>

  @inlinable public init(
    reset: UnsafeMutablePointer<Float>, update: UnsafeMutablePointer<Float>,
    candidate: UnsafeMutablePointer<Float>, candidateState: UnsafeMutablePointer<Float>,
    previousHidden: UnsafePointer<Float>, hiddenGradient: UnsafePointer<Float>,
    previousHiddenGradient: UnsafeMutablePointer<Float>
  ) {
    (self.reset, self.update, self.candidate) = (reset, update, candidate)
    (self.candidateState, self.previousHidden) = (candidateState, previousHidden)
    (self.hiddenGradient, self.previousHiddenGradient) = (hiddenGradient, previousHiddenGradient)
  }
}

/// i, f, o = σ(·), g = tanh(·); c = f ∘ c₋₁ + i ∘ g; h = o ∘ tanh c
@inlinable @inline(__always)
func lstmForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: LSTMForward) {
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let i = part.load(p.input + gates).sigmoid()
      let f = part.load(p.forget + gates).sigmoid()
      let g = part.load(p.candidate + gates).hyperbolicTangent()
      let o = part.load(p.output + gates).sigmoid()
      let c = (i * g).adding(f, times: part.load(p.previousCell + states))
      let t = c.hyperbolicTangent()
      part.store(i, p.input + gates)
      part.store(f, p.forget + gates)
      part.store(g, p.candidate + gates)
      part.store(o, p.output + gates)
      part.store(c, p.cell + states)
      part.store(t, p.cellTanh + states)
      part.store(o * t, p.hidden + states)
    }
  }
}

/// The gradients of `lstmForward`, the forward lines quoted.
@inlinable @inline(__always)
func lstmBackward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: LSTMBackward) {
  let one = V(repeating: 1)
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let i = part.load(p.input + gates)
      let f = part.load(p.forget + gates)
      let g = part.load(p.candidate + gates)
      let o = part.load(p.output + gates)
      let t = part.load(p.cellTanh + states)
      let dh = part.load(p.hiddenGradient + states)
      // h = o ∘ tanh c
      let dc = part.load(p.cellGradient + states).adding(dh * o, times: one - t * t)
      // c = f ∘ c₋₁ + i ∘ g, and the derivatives of σ and tanh
      part.store(dc * g * i * (one - i), p.input + gates)
      part.store(dc * part.load(p.previousCell + states) * f * (one - f), p.forget + gates)
      part.store(dc * i * (one - g * g), p.candidate + gates)
      part.store(dh * t * o * (one - o), p.output + gates)
      part.store(dc * f, p.cellGradient + states)
    }
  }
}

/// r, z = σ(·); n = tanh(x + r ∘ u); h = n + z ∘ (h₋₁ − n)
@inlinable @inline(__always)
func gruForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: GRUForward) {
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let r = part.load(p.reset + gates).sigmoid()
      let z = part.load(p.update + gates).sigmoid()
      let n = part.load(p.candidate + gates).adding(r, times: part.load(p.candidateState + gates))
        .hyperbolicTangent()
      part.store(r, p.reset + gates)
      part.store(z, p.update + gates)
      part.store(n, p.candidate + gates)
      part.store(n.adding(z, times: part.load(p.previousHidden + states) - n), p.hidden + states)
    }
  }
}

/// The gradients of `gruForward`, the forward lines quoted.
@inlinable @inline(__always)
func gruBackward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: GRUBackward) {
  let one = V(repeating: 1)
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let r = part.load(p.reset + gates)
      let z = part.load(p.update + gates)
      let n = part.load(p.candidate + gates)
      let u = part.load(p.candidateState + gates)
      let dh = part.load(p.hiddenGradient + states)
      // h = n + z ∘ (h₋₁ − n)
      let dn = dh * (one - z) * (one - n * n)
      part.store(dh * (part.load(p.previousHidden + states) - n) * z * (one - z), p.update + gates)
      part.store(dh * z, p.previousHiddenGradient + states)
      // n = tanh(x + r ∘ u)
      part.store(dn, p.candidate + gates)
      part.store(dn * r, p.candidateState + gates)
      part.store(dn * u * r * (one - r), p.reset + gates)
    }
  }
}

/// h = tanh(a), in place or not: Elman's simple recurrent network (1990).
@inlinable @inline(__always)
func elmanForward<V: FloatVector>(
  _: V.Type, _ shape: CellShape, _ a: UnsafePointer<Float>, _ h: UnsafeMutablePointer<Float>
) {
  for row in 0..<shape.rows {
    let (source, target) = (a + row &* shape.gateStride, h + row &* shape.stateStride)
    forEachVector(V.self, shape.units) { $0.store($0.load(source).hyperbolicTangent(), target) }
  }
}

/// ∂a = ∂h ∘ (1 − h²); ∂a is a gate buffer.
@inlinable @inline(__always)
func elmanBackward<V: FloatVector>(
  _: V.Type, _ shape: CellShape, _ h: UnsafePointer<Float>, _ dh: UnsafePointer<Float>,
  _ da: UnsafeMutablePointer<Float>
) {
  let one = V(repeating: 1)
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let value = part.load(h + states)
      part.store(part.load(dh + states) * (one - value * value), da + gates)
    }
  }
}
