import Kernels
import LanguageModels
import Tensors

/// What a masked convolution of width k over time sees (Bradbury et al. 2017, section 2.1): x_t and the k − 1 inputs before it, side by side,
///
///     y_t = (x_t, x_{t−1}, …, x_{t−k+1})
///
/// so that a layer's product with it is that of the convolution. Where a row begins anew, the inputs before are zeros. The state is
/// what of y the next step sees again: (x_t, …, x_{t−k+2}).
final class Window: SequenceLayer {
  let inputSize: Int
  /// k.
  let width: Int
  private let outputs: AlignedBuffer
  /// The inputs before the next step, [B × (k − 1)·I].
  private let register: AlignedBuffer
  /// ∂L/∂ of the register behind the last step before `backward`, of that before the first step after it.
  private let registerGradient: AlignedBuffer
  private let engine: Engine

  init(_ inputSize: Int, width: Int, _ declarations: Declarations) {
    precondition(width > 1, "a window sees more than the present input")
    (self.inputSize, self.width, engine) = (inputSize, width, declarations.engine)
    outputs = declarations.buffer("window", .positions(width * inputSize))
    register = declarations.state("window_state", columns: (width - 1) * inputSize)
    registerGradient = declarations.state("window_gradient", columns: (width - 1) * inputSize)
  }

  var outputSize: Int { width * inputSize }

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    let y = outputs.matrix(pass.positions, outputSize)
    let register = register.matrix(pass.rows, stateSize)
    engine.split(pass.rows) { rows in
      for row in rows {
        let kept = register.row(row)
        for t in 0..<pass.steps {
          let (i, out) = (t * pass.rows + row, y.row(t * pass.rows + row))
          guard pass.lengths.isEmpty || t < pass.lengths[row] else {
            out.update(repeating: 0, count: outputSize)
            continue
          }
          out.update(from: x.row(i), count: inputSize)
          if !pass.restarts.isEmpty, pass.restarts[i] {
            (out + inputSize).update(repeating: 0, count: stateSize)
          } else {
            (out + inputSize).update(from: kept, count: stateSize)
          }
          kept.update(from: out, count: stateSize)
        }
      }
    }
    return y
  }

  // y_t = (x_t, s_{t−1}), s_t = the beginning of y_t:  dy_t += ds_t there,  dx_t = the beginning of dy_t,  ds_{t−1} = the rest of it
  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    let registerGradient = registerGradient.matrix(pass.rows, stateSize)
    engine.split(pass.rows) { rows in
      for row in rows {
        let kept = registerGradient.row(row)
        let steps = pass.lengths.isEmpty ? pass.steps : pass.lengths[row]
        for t in stride(from: steps - 1, through: 0, by: -1) {
          let (i, dy) = (t * pass.rows + row, gradient.row(t * pass.rows + row))
          engine.kernels.addScaled(stateSize, 1, kept, dy)
          if !pass.restarts.isEmpty, pass.restarts[i] {
            kept.update(repeating: 0, count: stateSize)
          } else {
            kept.update(from: dy + inputSize, count: stateSize)
          }
        }
      }
    }
    engine.move(gradient.columns(0..<inputSize), into: inputGradient, adding: adding)
  }

  // MARK: State

  var stateSize: Int { (width - 1) * inputSize }

  func resetState(rows: Int) {
    register.matrix(rows, stateSize).fill(0)
    clearStateGradients(rows: rows)
  }

  func state(row: Int) -> [Float] {
    Array(UnsafeBufferPointer(start: register.pointer + row * stateSize, count: stateSize))
  }

  func setState(_ values: ArraySlice<Float>, row: Int) {
    for (i, value) in values.enumerated() { register.pointer[row * stateSize + i] = value }
  }

  func clearStateGradients(rows: Int) { registerGradient.matrix(rows, stateSize).fill(0) }

  func stateGradient(row: Int) -> [Float] {
    Array(UnsafeBufferPointer(start: registerGradient.pointer + row * stateSize, count: stateSize))
  }

  func setStateGradient(_ values: ArraySlice<Float>, row: Int) {
    for (i, value) in values.enumerated() { registerGradient.pointer[row * stateSize + i] = value }
  }
}
