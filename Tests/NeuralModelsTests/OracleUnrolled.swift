import TestSupport

@testable import NeuralModels

/// Cells without products over time in textbook form, and what stands around layers.
extension TextbookCell {
  /// Feng et al. (2024), algorithm "minGRU" in its sequential mode.
  func minGRU(_ h: [Scalar]) -> [Scalar] {
    (0..<size).map { j in
      let z = input("update", j).sigmoid
      return (1 - z) * h[j] + z * input("candidate", j)
    }
  }

  /// Feng et al. (2024), algorithm "minLSTM" in its sequential mode.
  func minLSTM(_ h: [Scalar]) -> [Scalar] {
    (0..<size).map { j in
      let (f, i) = (input("forget", j).sigmoid, input("input", j).sigmoid)
      return f / (f + i) * h[j] + i / (f + i) * input("candidate", j)
    }
  }

  /// Bradbury et al. (2017), fo-pooling.
  func qrnn(_ c: [Scalar]) -> (y: [Scalar], cells: [Scalar]) {
    let cells = (0..<size).map { j in
      let f = input("forget", j).sigmoid
      return f * c[j] + (1 - f) * input("candidate", j).hyperbolicTangent
    }
    return ((0..<size).map { input("output", $0).sigmoid * cells[$0] }, cells)
  }
}

extension Oracle {
  /// Srivastava et al. (2015), equation 3: t ∘ y + (1 − t) ∘ x, with the parameters of what begins with `prefix`.
  func highway(_ prefix: String, _ y: [Scalar], _ x: [Scalar]) -> [Scalar] {
    let (weights, bias) = (self["\(prefix)transform_weights"], self["\(prefix)transform_bias"].rows[0])
    return y.indices.map { j in
      let t = (tape.dot(x, weights.columns[j]) + bias[j]).sigmoid
      return t * y[j] + (1 - t) * x[j]
    }
  }

  /// (x_t, x_{t−1}, …) of all steps, time-major, from x [T·B] and the inputs before the first step of each row.
  func windows(_ x: [[Scalar]], initial: [[Scalar]], restarts: [Bool]) -> [[Scalar]] {
    var registers = initial
    return x.enumerated().map { i, x in
      let row = i % initial.count
      if !restarts.isEmpty, restarts[i] { registers[row] = zeros(registers[row].count) }
      let seen = x + registers[row]
      registers[row] = Array(seen.prefix(registers[row].count))
      return seen
    }
  }
}
