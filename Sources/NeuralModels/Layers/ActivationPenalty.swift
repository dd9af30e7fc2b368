import Kernels
import Tensors

/// Activation regularization (AR) and temporal activation regularization (TAR) of a network's last recurrent layer (Merity, McCann
/// and Socher 2017, "Revisiting activation regularization for language RNNs", section 3): to the mean cross-entropy is added
///
///     α · mean(x²)  +  β · mean((h_{t+1} − h_t)²)
///
/// where x is h after dropout. The means run over all T·B·H elements, and over the (T − 1)·B·H differences of neighbouring steps. A
/// step before which a row restarts has no difference from the one before.
struct ActivationPenalty {
  /// α.
  let activation: Double
  /// β.
  let temporal: Double
  let engine: Engine

  /// ∂x += weight · 2α x / (T·B·H); both are contiguous, [T·B × H].
  func addActivationGradient(_ x: MatrixView, weight: Double, to gradient: MatrixView) {
    let count = x.rows * x.columns
    let scale = Float(weight * 2 * activation / Double(count))
    engine.split(count) { part in
      engine.kernels.addScaled(
        part.count, scale, x.pointer + part.lowerBound, gradient.pointer + part.lowerBound)
    }
  }

  /// For d_t = h_t − h_{t−1}:  ∂h_t += weight · 2β d_t / ((T − 1)·B·H),  ∂h_{t−1} −= the same; both [T·B × H].
  func addTemporalGradient(
    _ h: MatrixView, steps: Int, restarts: [Bool], weight: Double, to gradient: MatrixView
  ) {
    guard steps > 1 else { return }
    let rows = h.rows / steps
    let scale = Float(weight * 2 * temporal / Double((steps - 1) * rows * h.columns))
    engine.split(rows) { part in
      for t in 1..<steps {
        for row in part where restarts.isEmpty || !restarts[t * rows + row] {
          let (now, before) = (t * rows + row, (t - 1) * rows + row)
          for target in [now, before] {
            let scale = target == now ? scale : -scale
            engine.kernels.addScaled(h.columns, scale, h.row(now), gradient.row(target))
            engine.kernels.addScaled(h.columns, -scale, h.row(before), gradient.row(target))
          }
        }
      }
    }
  }
}
