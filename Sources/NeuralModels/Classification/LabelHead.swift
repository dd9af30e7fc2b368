import Glibc
import Kernels
import LanguageModels
import Tensors

/// Scores of C labels for each of B vectors, z = v W + b, and their loss.
///
/// Where a text has one label c, p = softmax(z) and L = −w_c ln p_c; where it may have several, p_c = σ(z_c) and
/// L = −Σ_c (w_c t_c ln p_c + (1 − t_c) ln(1 − p_c)), the binary cross-entropy of every label, or 0 if it has none that is known. w_c is the weight of
/// the texts that have a label, in training; what is measured counts all alike.
final class LabelHead {
  /// F and C.
  let featureSize, labelCount: Int
  /// Whether a text may have several labels.
  let isMultiple: Bool
  /// w.
  var labelWeights: [Float]
  private let weights, bias: Parameter
  private let scores: AlignedBuffer
  private let engine: Engine

  init(featureSize: Int, labelCount: Int, isMultiple: Bool, _ declarations: Declarations) {
    (self.featureSize, self.labelCount, self.isMultiple) = (featureSize, labelCount, isMultiple)
    engine = declarations.engine
    labelWeights = [Float](repeating: 1, count: labelCount)
    weights = declarations.parameter("weights", featureSize, labelCount)
    bias = declarations.parameter("bias", labelCount)
    scores = declarations.buffer("scores", .rows(labelCount))
  }

  /// Weights uniform in ±1/√F.
  func initialize(using generator: inout SeededGenerator) {
    weights.value.fillUniform(1 / Float(featureSize).squareRoot(), using: &generator)
  }

  private func score(_ v: MatrixView) -> MatrixView {
    let z = scores.matrix(v.rows, labelCount)
    engine.products.multiply(v, weights.value, into: z, bias: bias.value.pointer)
    return z
  }

  /// p of each label for each row: [B × C].
  func probabilities(_ v: MatrixView) -> [[Float]] {
    let z = score(v)
    return (0..<z.rows).map { row in
      var p = Array(UnsafeBufferPointer(start: z.row(row), count: labelCount))
      _ = Self.probabilities(&p, isMultiple)
      return p
    }
  }

  /// Turns scores into probabilities.
  ///
  /// - Returns: ln Σ e^z, if they share one.
  private static func probabilities(_ z: inout [Float], _ isMultiple: Bool) -> Double {
    if isMultiple {
      for c in z.indices { z[c] = 1 / (1 + expf(-z[c])) }
      return 0
    }
    let largest = z.max() ?? 0
    var sum = 0.0
    for c in z.indices {
      z[c] = expf(z[c] - largest)
      sum += Double(z[c])
    }
    for c in z.indices { z[c] /= Float(sum) }
    return Double(largest) + log(sum)
  }

  /// The loss of each row; all labels count alike unless it `isWeighted`, as in training.
  func losses(_ v: MatrixView, targets: [[Int]], isWeighted: Bool = false) -> [Double] {
    let alike = [Float](repeating: 1, count: labelCount)
    return losses(v, targets, labelWeights: isWeighted ? labelWeights : alike, scale: 0) { _, _ in }
  }

  /// The loss of guessing, where all scores are 0, of texts with these labels.
  func lossOfGuessing(_ targets: some Sequence<[Int]>) -> Double {
    targets.reduce(0) { sum, labels in
      guard let first = labels.first else { return sum }
      if !isMultiple { return sum + Double(labelWeights[first]) * log(Double(labelCount)) }
      let own = labels.reduce(0) { $0 + Double(labelWeights[$1]) }
      return sum + (own + Double(labelCount - labels.count)) * log(2)
    }
  }

  /// The sum of the losses; adds the gradients of `scale` times that to those of the parameters, and overwrites `gradient` with ∂L/∂v
  /// [B × F], times `scale`.
  func lossAndGradients(_ v: MatrixView, targets: [[Int]], scale: Float, gradient: MatrixView) -> Double {
    let z = scores.matrix(v.rows, labelCount)
    let losses = losses(v, targets, labelWeights: labelWeights, scale: scale) { row, slopes in
      z.row(row).update(from: slopes, count: labelCount)
    }
    // z = v W + b:  dW += vᵀ dz,  db += Σ dz,  dv = dz Wᵀ
    engine.products.multiply(transposed: v, z, into: weights.gradient, accumulate: true)
    engine.addColumnSums(z, into: bias.gradient)
    engine.products.multiply(z, transposed: weights.value, into: gradient)
    return losses.reduce(0, +)
  }

  /// The loss of each row; `body` is given scale · ∂L/∂z of each.
  private func losses(
    _ v: MatrixView, _ targets: [[Int]], labelWeights: [Float], scale: Float,
    _ body: (_ row: Int, _ slopes: [Float]) -> Void
  ) -> [Double] {
    let z = score(v)
    return (0..<z.rows).map { row in
      let own = UnsafeBufferPointer(start: z.row(row), count: labelCount)
      var p = Array(own)
      let normalizer = Self.probabilities(&p, isMultiple)
      var loss = 0.0
      if targets[row].isEmpty {
        for c in 0..<labelCount { p[c] = 0 }
      } else if isMultiple {
        for c in 0..<labelCount {
          let isTarget = targets[row].contains(c)
          let weight = isTarget ? labelWeights[c] : 1
          // −ln σ(z) = ln(1 + e^−z), and −ln(1 − σ(z)) = ln(1 + e^z)
          let x = Double(isTarget ? -own[c] : own[c])
          loss += Double(weight) * (Swift.max(0, x) + log1p(exp(-abs(x))))
          p[c] = scale * weight * (p[c] - (isTarget ? 1 : 0))
        }
      } else if let target = targets[row].first {
        let weight = labelWeights[target]
        loss = Double(weight) * (normalizer - Double(own[target]))
        for c in 0..<labelCount { p[c] = scale * weight * (p[c] - (c == target ? 1 : 0)) }
      }
      body(row, p)
      return loss
    }
  }
}
