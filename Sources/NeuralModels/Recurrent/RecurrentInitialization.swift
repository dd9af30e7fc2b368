import Glibc
import Kernels
import LanguageModels
import Tensors

extension RecurrentLayer {
  /// Gives the H × H matrix of each gate its first values, times the scale of the options.
  func initializeRecurrentWeights(using generator: inout SeededGenerator) {
    guard let weights = recurrentWeights?.value else { return }
    let scale = Float(cell.options.recurrentScale)
    if cell.options.recurrentInit == .uniform {
      return weights.fillUniform(scale * type(of: cell).usualWeight(hiddenSize), using: &generator)
    }
    for first in stride(from: 0, to: weights.columns, by: hiddenSize) {
      let gate = weights.columns(first..<first + hiddenSize)
      if cell.options.recurrentInit == .orthogonal {
        fillOrthogonal(gate, using: &generator)
      } else {
        for row in 0..<gate.rows {
          for column in 0..<gate.columns { gate[row, column] = row == column ? 1 : 0 }
        }
      }
      for row in 0..<gate.rows { engine.kernels.scale(gate.columns, scale, gate.row(row), gate.row(row)) }
    }
  }

  /// A random rotation: rows of normally distributed numbers, each made orthogonal to those before it and of length one
  /// (Gram and Schmidt; twice is enough, Giraud et al. 2005).
  private func fillOrthogonal(_ u: MatrixView, using generator: inout SeededGenerator) {
    let (n, kernels) = (u.columns, engine.kernels)
    for row in 0..<u.rows {
      let x = u.row(row)
      for column in 0..<n { x[column] = Float(generator.normal()) }
      for _ in 0..<2 {
        for other in 0..<row {
          kernels.addScaled(n, -Float(kernels.dot(n, x, u.row(other))), u.row(other), x)
        }
        kernels.scale(n, Float(1 / kernels.dot(n, x, x).squareRoot()), x, x)
      }
    }
  }
}

extension SeededGenerator {
  /// A number of the normal distribution of mean 0 and deviation 1 (Box and Muller 1958).
  fileprivate mutating func normal() -> Double {
    let (u, v) = (1 - uniform(), uniform())
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }
}
