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
  ///   - logits: the row; overwritten with scale · (p − onehot(target)).
  ///   - panelStride: the distance from a panel of the row to the next (see `Factor`); nil for a row that lies in one piece.
  /// - Returns: −ln p(target), in nats.
  public func softmaxCrossEntropy(
    _ n: Int, _ logits: UnsafeMutablePointer<Float>, panelStride: Int? = nil, target: Int, scale factor: Float
  ) -> Double {
    let (stride, chosen) = (panelStride ?? panelWidth, place(target, n, panelStride))
    let largest = maximum(n, logits, stride)
    let logit = logits[chosen]
    let total = shiftedExponentials(n, largest, logits, logits, stride)
    scalePanels(n, Float(Double(factor) / total), logits, stride)
    logits[chosen] -= factor
    return log(total) - Double(logit - largest)
  }

  /// −ln p(target) of one row of n logits, in nats.
  public func crossEntropy(_ n: Int, _ logits: UnsafePointer<Float>, panelStride: Int? = nil, target: Int)
    -> Double
  {
    let chosen = place(target, n, panelStride)
    let largest = maximum(n, logits, panelStride ?? panelWidth)
    let total = shiftedExponentials(n, largest, logits, nil, panelStride ?? panelWidth)
    return log(total) - Double(logits[chosen] - largest)
  }

  /// Where element `target` of a row of n lies.
  private func place(_ target: Int, _ n: Int, _ panelStride: Int?) -> Int {
    precondition(target >= 0 && target < n, "the target must be the index of a logit")
    return target / panelWidth * (panelStride ?? panelWidth) + target % panelWidth
  }

  /// y = ln softmax(x) = x − ln Σ eˣ, for one row of n logits that lies in one piece; y may be x.
  public func logSoftmax(_ n: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    let largest = maximum(n, x, panelWidth)
    let logSum = log(shiftedExponentials(n, largest, x, nil, panelWidth)) + Double(largest)
    offset(n, Float(-logSum), x, y)
  }

  /// Σ x², the square of the norm.
  public func sumOfSquares(_ n: Int, _ x: UnsafePointer<Float>) -> Double { dot(n, x, x) }
}
