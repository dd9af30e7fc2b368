/// Long short-term memory (Gers, Schmidhuber and Cummins 2000) with the ablations of Greff et al. (2017): what is `nil` is not there.
///
///     i = σ(a_i + p_i ∘ c₋₁)                      1 without input gate
///     f = σ(a_f + p_f ∘ c₋₁)                      1 without forget gate, 1 − i if it is coupled to the input gate
///     g = tanh a_g                                a_g without input activation
///     c = f ∘ c₋₁ + i ∘ g
///     o = σ(a_o + p_o ∘ c)                        1 without output gate
///     h = o ∘ tanh c                              o ∘ c without output activation
@frozen public struct LSTMForward {
  /// Input, forget and output gates: from pre-activations to activations, in place.
  public var input, forget, output: UnsafeMutablePointer<Float>?
  /// The same of the candidate g.
  public var candidate: UnsafeMutablePointer<Float>
  /// Whether the forget gate is 1 − i.
  public var isCoupled: Bool
  public var hasInputActivation, hasOutputActivation: Bool
  /// p_i, p_f, p_o: one number for every unit.
  public var inputPeephole, forgetPeephole, outputPeephole: UnsafePointer<Float>?
  public var previousCell: UnsafePointer<Float>
  /// Overwritten; `cell` may be `previousCell`.
  public var cell, cellTanh, hidden: UnsafeMutablePointer<Float>

  /// The whole unit without peepholes, as in PyTorch and cuDNN, unless what follows says otherwise.
  @inlinable public init(
    input: UnsafeMutablePointer<Float>?, forget: UnsafeMutablePointer<Float>?,
    candidate: UnsafeMutablePointer<Float>, output: UnsafeMutablePointer<Float>?,
    previousCell: UnsafePointer<Float>, cell: UnsafeMutablePointer<Float>,
    cellTanh: UnsafeMutablePointer<Float>, hidden: UnsafeMutablePointer<Float>
  ) {
    (self.input, self.forget, self.candidate, self.output) = (input, forget, candidate, output)
    (self.previousCell, self.cell, self.cellTanh, self.hidden) = (previousCell, cell, cellTanh, hidden)
    (isCoupled, hasInputActivation, hasOutputActivation) = (false, true, true)
    (inputPeephole, forgetPeephole, outputPeephole) = (nil, nil, nil)
  }
}

/// The gradients of `LSTMForward`.
@frozen public struct LSTMBackward {
  /// What the forward pass was given, and left; the gates turn from activations to the gradients of the pre-activations, in place.
  public var forward: LSTMForward
  public var hiddenGradient: UnsafePointer<Float>
  /// From ∂c of the later step to ∂c of the previous cell, in place.
  public var cellGradient: UnsafeMutablePointer<Float>
  /// Added to: the gradients of p_i, p_f, p_o.
  public var inputPeephole, forgetPeephole, outputPeephole: UnsafeMutablePointer<Float>?
  /// What is to be added to ∂i, ∂f, ∂o: buffers of states.
  public var inputGradient, forgetGradient, outputGradient: UnsafePointer<Float>?

  @inlinable public init(
    forward: LSTMForward, hiddenGradient: UnsafePointer<Float>, cellGradient: UnsafeMutablePointer<Float>
  ) {
    (self.forward, self.hiddenGradient, self.cellGradient) = (forward, hiddenGradient, cellGradient)
    (inputPeephole, forgetPeephole, outputPeephole) = (nil, nil, nil)
    (inputGradient, forgetGradient, outputGradient) = (nil, nil, nil)
  }
}

extension VectorPart {
  /// y = σ(a + p ∘ s) for a gate's pre-activation a, in place, and the peephole p on s if there is one.
  @inlinable @inline(__always)
  func openGate(_ gate: UnsafeMutablePointer<Float>, _ peephole: UnsafePointer<Float>?, _ s: V) -> V {
    var a = load(gate)
    if let peephole { a = a.adding(load(peephole), times: s) }
    let y = a.sigmoid()
    store(y, gate)
    return y
  }

  /// ∂a from y = σ(a) and ∂y, to which `more` is added at `states`; it takes the gate's place, and ∂a ∘ s is added to the peephole's `sum`.
  @inlinable @inline(__always)
  func closeGate(
    _ gate: UnsafeMutablePointer<Float>, _ y: V, _ dy: V, _ more: UnsafePointer<Float>?, _ states: Int,
    sum: UnsafeMutablePointer<Float>?, seen s: V
  ) -> V {
    var dy = dy
    if let more { dy = dy + load(more + states) }
    let da = dy * y * (V(repeating: 1) - y)
    store(da, gate)
    if let sum { store(load(sum).adding(da, times: s), sum) }
    return da
  }
}

/// i, f, o = σ(·), g = tanh(·); c = f ∘ c₋₁ + i ∘ g; h = o ∘ tanh c
@inlinable @inline(__always)
func lstmForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: LSTMForward) {
  let one = V(repeating: 1)
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let previous = part.load(p.previousCell + states)
      var g = part.load(p.candidate + gates)
      if p.hasInputActivation {
        g = g.hyperbolicTangent()
        part.store(g, p.candidate + gates)
      }
      var i = one
      if let input = p.input { i = part.openGate(input + gates, p.inputPeephole, previous) }
      var f = p.isCoupled ? one - i : one
      if let forget = p.forget { f = part.openGate(forget + gates, p.forgetPeephole, previous) }
      let c = (i * g).adding(f, times: previous)
      part.store(c, p.cell + states)
      let t = p.hasOutputActivation ? c.hyperbolicTangent() : c
      part.store(t, p.cellTanh + states)
      guard let output = p.output else { return part.store(t, p.hidden + states) }
      part.store(part.openGate(output + gates, p.outputPeephole, c) * t, p.hidden + states)
    }
  }
}

/// The gradients of `lstmForward`, the forward lines quoted.
@inlinable @inline(__always)
func lstmBackward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: LSTMBackward) {
  let one = V(repeating: 1)
  let s = p.forward
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let previous = part.load(s.previousCell + states)
      let g = part.load(s.candidate + gates)
      let t = part.load(s.cellTanh + states)
      let dh = part.load(p.hiddenGradient + states)
      var i = one
      if let input = s.input { i = part.load(input + gates) }
      var f = s.isCoupled ? one - i : one
      if let forget = s.forget { f = part.load(forget + gates) }
      // h = o ∘ tanh c
      var o = one
      if let output = s.output { o = part.load(output + gates) }
      let slope = s.hasOutputActivation ? one - t * t : one
      var dc = part.load(p.cellGradient + states).adding(dh * o, times: slope)
      // o = σ(a_o + p_o ∘ c), and c as it was: it may have been changed since.
      if let output = s.output {
        let da = part.closeGate(
          output + gates, o, dh * t, p.outputGradient, states, sum: p.outputPeephole,
          seen: (i * g).adding(f, times: previous))
        if let peephole = s.outputPeephole { dc = dc.adding(da, times: part.load(peephole)) }
      }
      // c = f ∘ c₋₁ + i ∘ g, and the derivatives of σ and tanh
      let dg = dc * i
      part.store(s.hasInputActivation ? dg * (one - g * g) : dg, s.candidate + gates)
      var dPrevious = dc * f
      if let forget = s.forget {
        let da = part.closeGate(
          forget + gates, f, dc * previous, p.forgetGradient, states, sum: p.forgetPeephole, seen: previous)
        if let peephole = s.forgetPeephole { dPrevious = dPrevious.adding(da, times: part.load(peephole)) }
      }
      if let input = s.input {
        let da = part.closeGate(
          input + gates, i, dc * (s.isCoupled ? g - previous : g), p.inputGradient, states,
          sum: p.inputPeephole, seen: previous)
        if let peephole = s.inputPeephole { dPrevious = dPrevious.adding(da, times: part.load(peephole)) }
      }
      part.store(dPrevious, p.cellGradient + states)
    }
  }
}
