/// What a unit does with the sum of its inputs.
@frozen public enum ActivationFunction: Sendable {
  /// tanh a
  case tanh
  /// σ(a) = 1 / (1 + e⁻ᵃ)
  case sigmoid
  /// max(0, a)
  case relu
}

/// Elman's simple recurrent network (1990), with any activation F and, on demand, the previous state added to the new one.
@frozen public struct ElmanForward {
  public var activation: ActivationFunction
  /// From the pre-activation a to F(a), in place: a gate buffer.
  public var hiddenGate: UnsafeMutablePointer<Float>
  /// h₋₁, if h = F(a) + h₋₁.
  public var previousHidden: UnsafePointer<Float>?
  /// Overwritten.
  public var hidden: UnsafeMutablePointer<Float>

  @inlinable public init(
    activation: ActivationFunction, hiddenGate: UnsafeMutablePointer<Float>,
    previousHidden: UnsafePointer<Float>?, hidden: UnsafeMutablePointer<Float>
  ) {
    (self.activation, self.hiddenGate) = (activation, hiddenGate)
    (self.previousHidden, self.hidden) = (previousHidden, hidden)
  }
}

extension FloatVector {
  /// F(x)
  @inlinable @inline(__always) func activated(by function: ActivationFunction) -> Self {
    switch function {
    case .tanh: hyperbolicTangent()
    case .sigmoid: sigmoid()
    // NaN is neither below nor above, and stays.
    case .relu: choosing(Self.zero, where: self .< Self.zero)
    }
  }

  /// F′(x) for y = F(x)
  @inlinable @inline(__always) static func derivative(_ y: Self, of function: ActivationFunction) -> Self {
    let one = Self(repeating: 1)
    return switch function {
    case .tanh: one - y * y
    case .sigmoid: y * (one - y)
    case .relu: Self.zero.choosing(one, where: y .> Self.zero)
    }
  }
}

/// h = F(a), or F(a) + h₋₁
@inlinable @inline(__always)
func elmanForward<V: FloatVector>(_: V.Type, _ shape: CellShape, _ p: ElmanForward) {
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let y = part.load(p.hiddenGate + gates).activated(by: p.activation)
      part.store(y, p.hiddenGate + gates)
      if let previous = p.previousHidden {
        part.store(y + part.load(previous + states), p.hidden + states)
      } else {
        part.store(y, p.hidden + states)
      }
    }
  }
}

/// ∂a = ∂h ∘ F′(a) for y = F(a); y and ∂a are gate buffers, which may be the same.
@inlinable @inline(__always)
func elmanBackward<V: FloatVector>(
  _: V.Type, _ shape: CellShape, _ activation: ActivationFunction, _ y: UnsafePointer<Float>,
  _ dh: UnsafePointer<Float>, _ da: UnsafeMutablePointer<Float>
) {
  for row in 0..<shape.rows {
    let (gates, states) = (row &* shape.gateStride, row &* shape.stateStride)
    forEachVector(V.self, shape.units) { part in
      let slope = V.derivative(part.load(y + gates), of: activation)
      part.store(part.load(dh + states) * slope, da + gates)
    }
  }
}
