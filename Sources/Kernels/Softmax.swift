#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension KernelTable {
  /// Softmax, its cross-entropy with one target, and the gradient, for one row of n logits.
  ///
  /// p = eˣ⁻ᵐ / Σ eˣ⁻ᵐ with m = max x.
  ///
  /// - Parameters:
  ///   - gradient: overwritten with scale · (p − onehot(target)); may be `logits`.
  /// - Returns: −ln p(target), in nats.
  public func softmaxCrossEntropy(
    _ n: Int, _ logits: UnsafePointer<Float>, target: Int, scale factor: Float,
    gradient: UnsafeMutablePointer<Float>
  ) -> Double {
    precondition(target >= 0 && target < n, "the target must be the index of a logit")
    let largest = maximum(n, logits)
    let chosen = logits[target]
    let total = shiftedExponentials(n, largest, logits, gradient)
    scale(n, Float(Double(factor) / total), gradient, gradient)
    gradient[target] -= factor
    return log(total) - Double(chosen - largest)
  }

  /// −ln p(target) of one row of n logits, in nats.
  public func crossEntropy(_ n: Int, _ logits: UnsafePointer<Float>, target: Int) -> Double {
    precondition(target >= 0 && target < n, "the target must be the index of a logit")
    let largest = maximum(n, logits)
    return log(shiftedExponentials(n, largest, logits, nil)) - Double(logits[target] - largest)
  }

  /// y = ln softmax(x) = x − ln Σ eˣ, for one row of n logits; y may be x.
  public func logSoftmax(_ n: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    let largest = maximum(n, x)
    let logSum = log(shiftedExponentials(n, largest, x, nil)) + Double(largest)
    offset(n, Float(-logSum), x, y)
  }

  /// Σ x², the square of the norm.
  public func sumOfSquares(_ n: Int, _ x: UnsafePointer<Float>) -> Double { dot(n, x, x) }
}
