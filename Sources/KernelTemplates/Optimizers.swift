/// The numbers of one step of an optimizer; each uses those it has.
@frozen public struct OptimizerStep {
  /// The step size.
  public var rate: Float
  /// What every gradient is multiplied by first: 1, or the factor that clips the norm.
  public var gradientScale: Float
  /// L2 regularization: this times the value is added to the gradient.
  public var weightDecay: Float
  /// AdamW's decay (Loshchilov and Hutter 2019): values shrink by rate times this.
  public var decoupledDecay: Float
  /// SGD: how much of the velocity stays. Adam: β₁.
  public var momentum: Float
  /// Adam: β₂. RMSProp: α. How much of the running mean of squares stays.
  public var smoothing: Float
  /// What is added to the root of the squares.
  public var epsilon: Float
  /// Adam: 1 / (1 − β₁ᵗ) and 1 / (1 − β₂ᵗ) at step t = 1, 2, ….
  public var meanCorrection, squareCorrection: Float

  @inlinable public init(
    rate: Float, gradientScale: Float = 1, weightDecay: Float = 0, decoupledDecay: Float = 0,
    momentum: Float = 0, smoothing: Float = 0, epsilon: Float = 1e-8, meanCorrection: Float = 1,
    squareCorrection: Float = 1
  ) {
    (self.rate, self.gradientScale, self.epsilon) = (rate, gradientScale, epsilon)
    (self.weightDecay, self.decoupledDecay) = (weightDecay, decoupledDecay)
    (self.momentum, self.smoothing) = (momentum, smoothing)
    (self.meanCorrection, self.squareCorrection) = (meanCorrection, squareCorrection)
  }
}

extension FloatVector {
  /// √x for finite x ≥ 0, relative error below 4 · 2⁻²⁴.
  ///
  /// x · y with y = 1/√x by three of Newton's steps from the bits of x halved and negated. (The standard library's
  /// square root of a vector calls a function for every lane.)
  @inlinable @inline(__always) func positiveRoot() -> Self {
    let (half, threeHalves) = (self * Self(repeating: -0.5), Self(repeating: 1.5))
    var y = Self(bits: Words(repeating: 0x5f37_59df) &- (bits &>> Words(repeating: 1)))
    y = y * threeHalves.adding(half * y, times: y)
    y = y * threeHalves.adding(half * y, times: y)
    y = y * threeHalves.adding(half * y, times: y)
    return self * y
  }
}

/// g = gradientScale · gradient + weightDecay · value
@inlinable @inline(__always)
func effectiveGradient<V: FloatVector>(_ step: OptimizerStep, _ gradient: V, _ value: V) -> V {
  (gradient * V(repeating: step.gradientScale)).adding(V(repeating: step.weightDecay), times: value)
}

/// Stochastic gradient descent: w −= rate · g.
@inlinable @inline(__always)
func descend<V: FloatVector>(
  _: V.Type, _ n: Int, _ step: OptimizerStep, _ values: UnsafeMutablePointer<Float>,
  _ gradients: UnsafePointer<Float>
) {
  let rate = V(repeating: -step.rate)
  forEachVector(V.self, n) { part in
    let value = part.load(values)
    part.store(value.adding(rate, times: effectiveGradient(step, part.load(gradients), value)), values)
  }
}

/// SGD with momentum, as in PyTorch: u = momentum · u + g; w −= rate · u.
@inlinable @inline(__always)
func descendWithMomentum<V: FloatVector>(
  _: V.Type, _ n: Int, _ step: OptimizerStep, _ values: UnsafeMutablePointer<Float>,
  _ gradients: UnsafePointer<Float>, _ velocities: UnsafeMutablePointer<Float>
) {
  let (rate, momentum) = (V(repeating: -step.rate), V(repeating: step.momentum))
  forEachVector(V.self, n) { part in
    let value = part.load(values)
    let gradient = effectiveGradient(step, part.load(gradients), value)
    let velocity = gradient.adding(momentum, times: part.load(velocities))
    part.store(velocity, velocities)
    part.store(value.adding(rate, times: velocity), values)
  }
}

/// Adam (Kingma and Ba 2015, algorithm 1) and AdamW: m = β₁ m + (1 − β₁) g; v = β₂ v + (1 − β₂) g²;
/// w = (1 − rate · decoupledDecay) w − rate · m̂ / (√v̂ + ε).
@inlinable @inline(__always)
func adam<V: FloatVector>(
  _: V.Type, _ n: Int, _ step: OptimizerStep, _ values: UnsafeMutablePointer<Float>,
  _ gradients: UnsafePointer<Float>, _ means: UnsafeMutablePointer<Float>,
  _ squares: UnsafeMutablePointer<Float>
) {
  let (beta1, rest1) = (V(repeating: step.momentum), V(repeating: 1 - step.momentum))
  let (beta2, rest2) = (V(repeating: step.smoothing), V(repeating: 1 - step.smoothing))
  forEachVector(V.self, n) { part in
    let value = part.load(values)
    let gradient = effectiveGradient(step, part.load(gradients), value)
    let mean = (gradient * rest1).adding(beta1, times: part.load(means))
    let square = (gradient * gradient * rest2).adding(beta2, times: part.load(squares))
    part.store(mean, means)
    part.store(square, squares)
    part.store(adamMove(step, value, mean, square), values)
  }
}

/// w = (1 − rate · decoupledDecay) w − rate · m̂ / (√v̂ + ε).
@inlinable @inline(__always)
func adamMove<V: FloatVector>(_ step: OptimizerStep, _ value: V, _ mean: V, _ square: V) -> V {
  let rate = V(repeating: -step.rate * step.meanCorrection)
  let correction = V(repeating: step.squareCorrection)
  let (epsilon, kept) = (V(repeating: step.epsilon), V(repeating: 1 - step.rate * step.decoupledDecay))
  let direction = mean / ((square * correction).positiveRoot() + epsilon)
  return (value * kept).adding(rate, times: direction)
}

/// Steps of Adam or AdamW one after the other, for values whose gradients are zero and that have no weight decay but AdamW's:
/// m = β₁ m; v = β₂ v; w = (1 − rate · decoupledDecay) w − rate · m̂ / (√v̂ + ε).
///
/// Once |m| ≤ 2⁻³⁰ √v, m becomes 0: what is left of it would move w by less than rate · 2⁻³⁰ / (1 − β₁/√β₂) in all, less than w is
/// rounded by. That is 200 steps after a gradient with the usual constants. From then on there is no root to take.
/// With constants for which m does not fade much faster than √v (β₁² ≥ 0.98 β₂), it stays.
@inlinable @inline(__always)
func adamWithoutGradients<V: FloatVector>(
  _: V.Type, _ n: Int, _ count: Int, _ steps: UnsafePointer<OptimizerStep>,
  _ values: UnsafeMutablePointer<Float>, _ means: UnsafeMutablePointer<Float>,
  _ squares: UnsafeMutablePointer<Float>
) {
  let (momentum, smoothing) = (steps.pointee.momentum, steps.pointee.smoothing)
  let (beta1, beta2) = (V(repeating: momentum), V(repeating: smoothing))
  let scale = V(repeating: momentum * momentum < 0.98 * smoothing ? 0x1p30 : Float.infinity)
  let decays = steps.pointee.decoupledDecay != 0
  forEachVector(V.self, n) { part in
    var (value, mean, square) = (part.load(values), part.load(means), part.load(squares))
    var next = 0
    // Looking whether everything has come to rest takes as long as a step.
    while next < count && !(next & 15 == 0 && mean.isZero) {
      mean = mean * beta1
      square = square * beta2
      let scaled = mean * scale
      mean = V.zero.choosing(mean, where: scaled * scaled .> square)
      value = adamMove(steps[next], value, mean, square)
      next &+= 1
    }
    if decays || !square.isZero {
      while next < count {
        square = square * beta2
        if decays { value = value * V(repeating: 1 - steps[next].rate * steps[next].decoupledDecay) }
        next &+= 1
      }
    }
    part.store(value, values)
    part.store(mean, means)
    part.store(square, squares)
  }
}

/// Adagrad (Duchi, Hazan and Singer 2011): s += g²; w −= rate · g / (√s + ε).
@inlinable @inline(__always)
func adagrad<V: FloatVector>(
  _: V.Type, _ n: Int, _ step: OptimizerStep, _ values: UnsafeMutablePointer<Float>,
  _ gradients: UnsafePointer<Float>, _ squares: UnsafeMutablePointer<Float>
) {
  scaledByRoot(V.self, n, step, values, gradients, squares, kept: 1, added: 1)
}

/// RMSProp (Tieleman and Hinton 2012): s = α s + (1 − α) g²; w −= rate · g / (√s + ε).
@inlinable @inline(__always)
func rmsProp<V: FloatVector>(
  _: V.Type, _ n: Int, _ step: OptimizerStep, _ values: UnsafeMutablePointer<Float>,
  _ gradients: UnsafePointer<Float>, _ squares: UnsafeMutablePointer<Float>
) {
  scaledByRoot(
    V.self, n, step, values, gradients, squares, kept: step.smoothing, added: 1 - step.smoothing)
}

@inlinable @inline(__always)
func scaledByRoot<V: FloatVector>(
  _: V.Type, _ n: Int, _ step: OptimizerStep, _ values: UnsafeMutablePointer<Float>,
  _ gradients: UnsafePointer<Float>, _ squares: UnsafeMutablePointer<Float>, kept: Float, added: Float
) {
  let (kept, added) = (V(repeating: kept), V(repeating: added))
  let (rate, epsilon) = (V(repeating: -step.rate), V(repeating: step.epsilon))
  forEachVector(V.self, n) { part in
    let value = part.load(values)
    let gradient = effectiveGradient(step, part.load(gradients), value)
    let square = (gradient * gradient * added).adding(kept, times: part.load(squares))
    part.store(square, squares)
    part.store(value.adding(rate, times: gradient / (square.positiveRoot() + epsilon)), values)
  }
}

/// A step of dynamic evaluation (Krause et al. 2018): w += min(1, decay · m) (w₀ − w) − rate · g / (m + ε).
///
/// - Parameters:
///   - step: `rate`, `epsilon`, and the decay as `momentum`.
///   - scales: m.
///   - originals: w₀.
@inlinable @inline(__always)
func followText<V: FloatVector>(
  _: V.Type, _ n: Int, _ step: OptimizerStep, _ values: UnsafeMutablePointer<Float>,
  _ gradients: UnsafePointer<Float>, _ scales: UnsafeMutablePointer<Float>,
  _ originals: UnsafeMutablePointer<Float>
) {
  let (rate, epsilon) = (V(repeating: -step.rate), V(repeating: step.epsilon))
  let (decay, one) = (V(repeating: step.momentum), V(repeating: 1))
  forEachVector(V.self, n) { part in
    let (value, scale) = (part.load(values), part.load(scales))
    let back = decay * scale
    let returned = value.adding(back.choosing(one, where: back .> one), times: part.load(originals) - value)
    part.store(returned.adding(rate, times: part.load(gradients) / (scale + epsilon)), values)
  }
}
