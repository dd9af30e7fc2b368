import Kernels
import LanguageModels
import Tensors

/// A decoder that is fed with what it gave goes step by step. Of each step only the state before it is kept; on the way back the step is done again, so
/// that the layers have what they need for its gradients.
extension Decoder {
  func forwardByStep(_ tokens: TokenRows, _ pass: Pass) -> MatrixView {
    let vectors = embedded.matrix(pass.positions, embedding.size)
    embedding.forward(tokens.tokens, into: vectors, dropoutKey: pass.dropoutKey)
    let f = features.matrix(pass.positions, featureSize)
    let kept = states.matrix(pass.positions, layers.stateSize)
    for t in 0..<pass.steps {
      for row in 0..<pass.rows {
        kept.row(t * pass.rows + row).update(from: layers.state(row: row), count: kept.columns)
      }
      rows(f, t, pass).copy(from: forward(step: t, vectors, f, pass))
    }
    return f
  }

  /// The rows of a step.
  private func rows(_ x: MatrixView, _ t: Int, _ pass: Pass) -> MatrixView {
    x.rows(t * pass.rows..<(t + 1) * pass.rows)
  }

  /// Step t as a pass of its own.
  private func pass(ofStep t: Int, _ pass: Pass) -> Pass {
    var step = Pass(steps: 1, rows: pass.rows, dropoutKey: pass.dropoutKey)
    if let key = pass.dropoutKey, !hasOneMask {
      step.dropoutKey = key ^ UInt64(t + 1) &* 0xD6E8_FEB8_6659_FD93
    }
    if pass.lengths.contains(where: { t >= $0 }) { step.lengths = pass.lengths.map { t < $0 ? 1 : 0 } }
    return step
  }

  /// f_t, given E[y] and f of the steps before.
  private func forward(step t: Int, _ vectors: MatrixView, _ f: MatrixView, _ pass: Pass) -> MatrixView {
    let x = inputs.matrix(pass.rows, layers.inputSize)
    join(rows(vectors, t, pass), t == 0 ? nil : rows(f, t - 1, pass), into: x)
    let step = self.pass(ofStep: t, pass)
    return attend(layers.forward(x, step), step)
  }

  func backwardByStep(_ gradient: MatrixView, _ tokens: TokenRows, _ pass: Pass) {
    let vectors = embedded.matrix(pass.positions, embedding.size)
    let vectorGradients = embeddedGradients.matrix(pass.positions, embedding.size)
    let f = features.matrix(pass.positions, featureSize)
    let kept = states.matrix(pass.positions, layers.stateSize)
    let feedback = feedbackGradients.matrix(pass.rows, featureSize)
    feedback.fill(0)
    for t in (0..<pass.steps).reversed() {
      for row in 0..<pass.rows {
        let state = UnsafeBufferPointer(start: kept.row(t * pass.rows + row), count: kept.columns)
        layers.setState(Array(state)[...], row: row)
      }
      _ = forward(step: t, vectors, f, pass)
      // x_{t+1} = (E[y_t], f_t):  df_t += the rest of dx_{t+1}
      let df = rows(gradient, t, pass)
      engine.move(feedback, into: df, adding: true)
      let step = self.pass(ofStep: t, pass)
      let dx = inputGradients.matrix(pass.rows, layers.inputSize)
      layers.backward(attendBackward(df, step), into: dx, adding: false, step)
      rows(vectorGradients, t, pass).copy(from: dx.columns(0..<embedding.size))
      feedback.copy(from: dx.columns(embedding.size..<layers.inputSize))
    }
    embedding.backward(tokens.tokens, vectorGradients)
  }
}
