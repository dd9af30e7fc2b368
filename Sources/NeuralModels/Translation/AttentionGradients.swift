import Kernels
import Tensors

/// The way back through attention: steps may come one by one, in any order, between `beginBackward` and `endBackward`.
extension Attention {
  private var memoryGradients: MatrixView {
    memoryGradientBuffer.matrix(memory?.values.rows ?? 0, memorySize)
  }

  /// ∂L/∂ of the keys, which with `dot` are e.
  private var keyGradients: MatrixView {
    kind == .dot ? memoryGradients : keyGradientBuffer.matrix(memory?.values.rows ?? 0, querySize)
  }

  /// Forgets the gradients of what is attended to.
  func beginBackward() {
    memoryGradients.fill(0)
    keyGradients.fill(0)
    if vector != nil { vectorGradients.matrix(memory?.pass.rows ?? 0, querySize).fill(0) }
  }

  /// For the steps of the last `forward`, of rows that attend to their own sources: adds the gradients of parameters and of what is attended
  /// to, and overwrites `result` [T·B × H] with ∂L/∂h, given ∂L/∂y [T·B × H], which is used up.
  func backward(_ gradient: MatrixView, into result: MatrixView, _ pass: Pass) {
    guard let memory, let keys, let queries else {
      preconditionFailure("there is no gradient before a forward pass")
    }
    let (dz, a) = (
      combinedGradient.matrix(pass.positions, querySize + memorySize), shares(positions: pass.positions)
    )
    combination.backward(gradient, into: dz, adding: false, pass)
    let dq = queryWeights == nil ? result : queryGradientBuffer.matrix(pass.positions, querySize)
    let (de, dk) = (memoryGradients, keyGradients)
    let ds = scoreGradients.matrix(pass.rows, memory.pass.steps)
    let dv = vector.map { _ in vectorGradients.matrix(pass.rows, querySize) }
    engine.split(pass.rows) { rows in
      for row in rows {
        let n = memory.pass.length(of: row)
        for t in 0..<pass.steps {
          let i = t * pass.rows + row
          dq.row(i).update(repeating: 0, count: querySize)
          guard t < pass.length(of: row) else {
            result.row(i).update(repeating: 0, count: querySize)
            continue
          }
          result.row(i).update(from: dz.row(i), count: querySize)
          let dc = dz.row(i) + querySize
          // c = Σ a e:  de += a dc,  da = dc · e;   a = softmax(s):  ds = a (da − Σ a da)
          var mean = 0.0
          for j in 0..<n {
            let place = j * memory.pass.rows + row
            let slope = engine.kernels.dot(memorySize, dc, memory.values.row(place))
            ds[row, j] = Float(slope)
            mean += Double(a[i, j]) * slope
            engine.kernels.addScaled(memorySize, a[i, j], dc, de.row(place))
          }
          for j in 0..<n { ds[row, j] = a[i, j] * (ds[row, j] - Float(mean)) }
          scoreBackward(
            queries.projected.row(i), keys, ds.row(row), n, row, memory.pass.rows, dq.row(i), dk,
            dv?.row(row))
        }
      }
    }
    // q = h Q:  dQ += hᵀ dq,  dh += dq Qᵀ
    if let queryWeights {
      engine.products.multiply(
        transposed: queries.given, dq, into: queryWeights.gradient, accumulate: true)
      engine.products.multiply(dq, transposed: queryWeights.value, into: result, accumulate: true)
    }
  }

  /// s_i = q · k_i:  dq += ds_i k_i,  dk_i += ds_i q;   or, additive, s_i = v · u_i:  dv += ds_i u_i,  du_i = ds_i v;
  /// u_i = tanh(q + k_i):  dq += du_i (1 − u_i²), and dk_i the same
  private func scoreBackward(
    _ q: UnsafePointer<Float>, _ keys: MatrixView, _ ds: UnsafePointer<Float>, _ n: Int, _ row: Int,
    _ rows: Int, _ dq: UnsafeMutablePointer<Float>, _ dk: MatrixView, _ dv: UnsafeMutablePointer<Float>?
  ) {
    guard let vector, let dv else {
      for j in 0..<n {
        engine.kernels.addScaled(querySize, ds[j], keys.row(j * rows + row), dq)
        engine.kernels.addScaled(querySize, ds[j], q, dk.row(j * rows + row))
      }
      return
    }
    let v = vector.value.pointer
    withHiddenLayer { u in
      for j in 0..<n {
        hiddenLayer(q, keys.row(j * rows + row), into: u)
        engine.kernels.addScaled(querySize, ds[j], u, dv)
        let shape = CellShape(rows: 1, units: querySize, gateStride: querySize, stateStride: querySize)
        // du (1 − u²) takes the place of u.
        engine.kernels.elmanBackward(shape, .tanh, u, v, u)
        engine.kernels.addScaled(querySize, ds[j], u, dq)
        engine.kernels.addScaled(querySize, ds[j], u, dk.row(j * rows + row))
      }
    }
  }

  /// ∂L/∂e of all steps, [S·B × M]; adds the gradients of the parameters that made the keys.
  func endBackward() -> MatrixView {
    guard let memory else { preconditionFailure("there is something to attend to") }
    let (de, dk) = (memoryGradients, keyGradients)
    // k = e W + b:  dW += eᵀ dk,  db += Σ dk,  de += dk Wᵀ
    if let keyWeights {
      engine.products.multiply(transposed: memory.values, dk, into: keyWeights.gradient, accumulate: true)
      engine.products.multiply(dk, transposed: keyWeights.value, into: de, accumulate: true)
    }
    if let keyBias { engine.addColumnSums(dk, into: keyBias.gradient) }
    if let vector {
      engine.addColumnSums(vectorGradients.matrix(memory.pass.rows, querySize), into: vector.gradient)
    }
    return de
  }
}
