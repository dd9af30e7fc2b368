import Kernels
import LanguageModels
import Tensors

/// Activation regularization (AR) and temporal activation regularization (TAR) around the dropout behind a network's last recurrent
/// layer (Merity, McCann and Socher 2017, "Revisiting activation regularization for language RNNs", section 3): in training, to the
/// mean cross-entropy is added
///
///     α · mean(y²)  +  β · mean((x_{t+1} − x_t)²),   y = dropout(x)
///
/// The means run over all T·B·H elements, and over the (T − 1)·B·H differences of neighbouring steps. A step before which a row
/// restarts has no difference from the one before; what is behind the end of a row has no penalty, though it counts for the means. The
/// penalties change gradients, not the loss that is reported.
final class ActivationPenalty: SequenceLayer {
  /// α.
  private let activation: Double
  /// β.
  private let temporal: Double
  private let dropout: Dropout
  private let engine: Engine
  /// x and y of the last `forward`.
  private var seen: (x: MatrixView, y: MatrixView)?

  init(activation: Double, temporal: Double, around dropout: Dropout, engine: Engine) {
    (self.activation, self.temporal, self.dropout, self.engine) = (activation, temporal, dropout, engine)
  }

  var parts: [any SequenceLayer] { [dropout] }
  var inputSize: Int { dropout.inputSize }
  var outputSize: Int { dropout.inputSize }
  var isPointwise: Bool { true }

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    let y = dropout.forward(x, pass)
    seen = (x, y)
    return y
  }

  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    guard let seen else { preconditionFailure("there is no gradient before a forward pass") }
    if activation > 0 { addActivationGradient(seen.y, pass, to: gradient) }
    dropout.backward(gradient, into: inputGradient, adding: adding, pass)
    if temporal > 0 { addTemporalGradient(seen.x, pass, to: inputGradient) }
  }

  /// ∂y += weight · 2α y / (T·B·H); both are contiguous, [T·B × H].
  private func addActivationGradient(_ y: MatrixView, _ pass: Pass, to gradient: MatrixView) {
    let scale = Float(pass.weight * 2 * activation / Double(y.rows * y.columns))
    engine.split(pass.steps) { steps in
      for t in steps {
        pass.forEachRun(at: t) { rows in
          let first = t * pass.rows + rows.lowerBound
          engine.kernels.addScaled(rows.count * y.columns, scale, y.row(first), gradient.row(first))
        }
      }
    }
  }

  /// For d_t = x_t − x_{t−1}:  ∂x_t += weight · 2β d_t / ((T − 1)·B·H),  ∂x_{t−1} −= the same; both [T·B × H].
  private func addTemporalGradient(_ x: MatrixView, _ pass: Pass, to gradient: MatrixView) {
    guard pass.steps > 1 else { return }
    let (rows, restarts) = (pass.rows, pass.restarts)
    let scale = Float(pass.weight * 2 * temporal / Double((pass.steps - 1) * rows * x.columns))
    engine.split(rows) { part in
      for t in 1..<pass.steps {
        for row in part {
          if !restarts.isEmpty, restarts[t * rows + row] { continue }
          if !pass.lengths.isEmpty, t >= pass.lengths[row] { continue }
          let (now, previous) = (t * rows + row, (t - 1) * rows + row)
          for target in [now, previous] {
            let scale = target == now ? scale : -scale
            engine.kernels.addScaled(x.columns, scale, x.row(now), gradient.row(target))
            engine.kernels.addScaled(x.columns, -scale, x.row(previous), gradient.row(target))
          }
        }
      }
    }
  }
}
