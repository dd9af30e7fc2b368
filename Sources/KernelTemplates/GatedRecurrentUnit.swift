/// The gated recurrent unit (Cho et al. 2014) with z the share of the old state that is kept, in all its forms: what is `nil` is not there.
///
///     r = σ(a_r),  z = σ(a_z)
///     n = tanh(a_n + r ∘ u)     reset after the product, u = U h₋₁ + b;  tanh(a_n + u) without r;  tanh(a_n) without u
///     h = (1 − z) ∘ n + z ∘ h₋₁                                          n without z
///
/// With the reset before the product, r and z have been made by `GRUPreparation`.
@frozen public struct GRUForward {
  /// Reset and update gates: from pre-activations to activations, in place, unless they are prepared.
  public var reset, update: UnsafeMutablePointer<Float>?
  /// From the candidate's pre-activation, or the input's share of it, to the candidate n, in place.
  public var candidate: UnsafeMutablePointer<Float>
  /// The state's share u of the candidate's pre-activation, a gate buffer.
  public var candidateState: UnsafePointer<Float>?
  /// Whether the gates are activations already.
  public var isPrepared: Bool
  public var previousHidden: UnsafePointer<Float>
  /// Overwritten.
  public var hidden: UnsafeMutablePointer<Float>

  @inlinable public init(
    reset: UnsafeMutablePointer<Float>?, update: UnsafeMutablePointer<Float>?,
    candidate: UnsafeMutablePointer<Float>, candidateState: UnsafePointer<Float>?, isPrepared: Bool = false,
    previousHidden: UnsafePointer<Float>, hidden: UnsafeMutablePointer<Float>
  ) {
    (self.reset, self.update, self.candidate) = (reset, update, candidate)
    (self.candidateState, self.isPrepared) = (candidateState, isPrepared)
    (self.previousHidden, self.hidden) = (previousHidden, hidden)
  }
}

/// The gradients of `GRUForward`.
@frozen public struct GRUBackward {
  /// From activations to the gradients of the pre-activations, in place, unless they are prepared; the candidate's is that of the
  /// input's share.
  public var reset, update: UnsafeMutablePointer<Float>?
  public var candidate: UnsafeMutablePointer<Float>
  /// From u to its gradient, in place; a gate buffer.
  public var candidateState: UnsafeMutablePointer<Float>?
  public var previousHidden: UnsafePointer<Float>
  /// Overwritten with ∂L/∂z, where z itself is left for `GRUPreparation`'s gradients.
  public var updateSlope: UnsafeMutablePointer<Float>?
  /// From ∂h to the part of ∂h₋₁ that does not come by products, in place.
  public var hiddenGradient: UnsafeMutablePointer<Float>

  @inlinable public init(
    reset: UnsafeMutablePointer<Float>?, update: UnsafeMutablePointer<Float>?,
    candidate: UnsafeMutablePointer<Float>, candidateState: UnsafeMutablePointer<Float>?,
    previousHidden: UnsafePointer<Float>, updateSlope: UnsafeMutablePointer<Float>? = nil,
    hiddenGradient: UnsafeMutablePointer<Float>
  ) {
    (self.reset, self.update, self.candidate) = (reset, update, candidate)
    (self.candidateState, self.previousHidden) = (candidateState, previousHidden)
    (self.updateSlope, self.hiddenGradient) = (updateSlope, hiddenGradient)
  }
}

/// What comes before the candidate's product: the gates, and p = r ∘ h₋₁; without a reset gate p = (1 − z) ∘ h₋₁ (the minimal gated unit).
@frozen public struct GRUPreparation {
  public var reset, update: UnsafeMutablePointer<Float>?
  public var previousHidden: UnsafePointer<Float>
  /// Overwritten with p.
  public var prepared: UnsafeMutablePointer<Float>

  @inlinable public init(
    reset: UnsafeMutablePointer<Float>?, update: UnsafeMutablePointer<Float>?,
    previousHidden: UnsafePointer<Float>, prepared: UnsafeMutablePointer<Float>
  ) {
    (self.reset, self.update) = (reset, update)
    (self.previousHidden, self.prepared) = (previousHidden, prepared)
  }
}

/// The gradients of `GRUPreparation`.
@frozen public struct GRUPreparationBackward {
  /// From the activation to the gradient of the pre-activation, in place; z's is there already if there is a reset gate.
  public var reset, update: UnsafeMutablePointer<Float>?
  /// ∂L/∂z as far as it does not come by p, for a unit without reset gate.
  public var updateSlope: UnsafePointer<Float>
  public var previousHidden, preparedGradient: UnsafePointer<Float>
  /// Added to.
  public var hiddenGradient: UnsafeMutablePointer<Float>

  @inlinable public init(
    reset: UnsafeMutablePointer<Float>?, update: UnsafeMutablePointer<Float>?,
    updateSlope: UnsafePointer<Float>, previousHidden: UnsafePointer<Float>,
    preparedGradient: UnsafePointer<Float>, hiddenGradient: UnsafeMutablePointer<Float>
  ) {
    (self.reset, self.update, self.updateSlope) = (reset, update, updateSlope)
    (self.previousHidden, self.preparedGradient) = (previousHidden, preparedGradient)
    self.hiddenGradient = hiddenGradient
  }
}

/// r, z = σ(·); n = tanh(x + r ∘ u); h = n + z ∘ (h₋₁ − n)
@inlinable @inline(__always)
func gruForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: GRUForward) {
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      var x = part.load(p.candidate + gates)
      if let state = p.candidateState {
        if let reset = p.reset {
          let r = part.load(reset + gates).sigmoid()
          part.store(r, reset + gates)
          x = x.adding(r, times: part.load(state + gates))
        } else {
          x = x + part.load(state + gates)
        }
      }
      let n = x.hyperbolicTangent()
      part.store(n, p.candidate + gates)
      guard let update = p.update else { return part.store(n, p.hidden + states) }
      var z = part.load(update + gates)
      if !p.isPrepared {
        z = z.sigmoid()
        part.store(z, update + gates)
      }
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
      let n = part.load(p.candidate + gates)
      let dh = part.load(p.hiddenGradient + states)
      var dn = dh
      // h = n + z ∘ (h₋₁ − n)
      if let update = p.update {
        let z = part.load(update + gates)
        dn = dh * (one - z)
        let dz = dh * (part.load(p.previousHidden + states) - n)
        if let slope = p.updateSlope {
          part.store(dz, slope + states)
        } else {
          part.store(dz * z * (one - z), update + gates)
        }
        part.store(dh * z, p.hiddenGradient + states)
      } else {
        part.store(V.zero, p.hiddenGradient + states)
      }
      // n = tanh(x + r ∘ u)
      dn = dn * (one - n * n)
      part.store(dn, p.candidate + gates)
      guard let state = p.candidateState else { return }
      guard let reset = p.reset else { return part.store(dn, state + gates) }
      let r = part.load(reset + gates)
      let u = part.load(state + gates)
      part.store(dn * r, state + gates)
      part.store(dn * u * r * (one - r), reset + gates)
    }
  }
}

/// r, z = σ(·); p = r ∘ h₋₁, or (1 − z) ∘ h₋₁ without r
@inlinable @inline(__always)
func gruPrepare<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: GRUPreparation) {
  let one = V(repeating: 1)
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let previous = part.load(p.previousHidden + states)
      var z = V.zero
      if let update = p.update {
        z = part.load(update + gates).sigmoid()
        part.store(z, update + gates)
      }
      var r = one - z
      if let reset = p.reset {
        r = part.load(reset + gates).sigmoid()
        part.store(r, reset + gates)
      }
      part.store(r * previous, p.prepared + states)
    }
  }
}

/// The gradients of `gruPrepare`, the forward lines quoted.
@inlinable @inline(__always)
func gruPrepareBackward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: GRUPreparationBackward) {
  let one = V(repeating: 1)
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let previous = part.load(p.previousHidden + states)
      let dp = part.load(p.preparedGradient + states)
      let dh = part.load(p.hiddenGradient + states)
      if let reset = p.reset {
        // p = r ∘ h₋₁
        let r = part.load(reset + gates)
        part.store(dp * previous * r * (one - r), reset + gates)
        part.store(dh.adding(dp, times: r), p.hiddenGradient + states)
      } else if let update = p.update {
        // p = (1 − z) ∘ h₋₁
        let z = part.load(update + gates)
        let dz = part.load(p.updateSlope + states) - dp * previous
        part.store(dz * z * (one - z), update + gates)
        part.store(dh.adding(dp, times: one - z), p.hiddenGradient + states)
      }
    }
  }
}
