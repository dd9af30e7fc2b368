import Glibc
import Kernels
import LanguageModels
import Tensors

/// How much a square matrix, or any other, can stretch what it is multiplied with.
enum MatrixMeasures {
  /// ρ(A) = max |λ|, the largest absolute value of an eigenvalue: of a state that is multiplied by A again and again, what is left after k steps
  /// grows like ρᵏ in the long run.
  ///
  /// By Gelfand's formula, ρ = lim ‖Aᵐ‖^{1/m}, with m = 2, 4, 8 … by repeated squaring, which finds complex eigenvalues as well as real
  /// ones. What of ‖Aᵐ‖ is no power of ρ fades like 1/m.
  static func spectralRadius(_ a: MatrixView, engine: Engine) -> Double {
    precondition(a.rows == a.columns, "only square matrices have eigenvalues")
    var power = Matrix(rows: a.rows, columns: a.columns)
    var square = Matrix(rows: a.rows, columns: a.columns)
    power.view.copy(from: a)
    // Aᵐ is e^logarithm times `power`.
    var (logarithm, m) = (0.0, 1.0)
    for _ in 0..<squarings {
      let norm = frobeniusNorm(power.view)
      guard norm > 0 else { return 0 }
      let factor = Float(1 / norm)
      for row in 0..<a.rows {
        engine.kernels.scale(a.columns, factor, power.view.row(row), power.view.row(row))
      }
      engine.products.multiply(power.view, power.view, into: square.view)
      swap(&power, &square)
      logarithm = 2 * (logarithm + log(norm))
      m *= 2
    }
    let norm = frobeniusNorm(power.view)
    withExtendedLifetime((power, square)) {}
    return norm > 0 ? exp((logarithm + log(norm)) / m) : 0
  }

  /// What is off by the constant c = 100 is then off by ln c / 2¹⁸, 2 in 100,000.
  private static let squarings = 18

  /// ‖A‖₂, the largest singular value: the most that one multiplication stretches. Power iteration with AᵀA, in double precision.
  static func norm(_ a: MatrixView) -> Double {
    var generator = SeededGenerator(seed: 1)
    var x = (0..<a.columns).map { _ in generator.uniform() - 0.5 }
    var (last, sigma) = (-1.0, 0.0)
    for _ in 0..<mostIterations {
      let length = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard length > 0 else { return 0 }
      var next = [Double](repeating: 0, count: a.columns)
      var sum = 0.0
      for r in 0..<a.rows {
        let row = a.row(r)
        var y = 0.0
        for c in 0..<a.columns { y += Double(row[c]) * x[c] }
        y /= length
        sum += y * y
        for c in 0..<a.columns { next[c] += y * Double(row[c]) }
      }
      sigma = sum.squareRoot()
      if abs(sigma - last) <= 1e-9 * sigma { break }
      (last, x) = (sigma, next)
    }
    return sigma
  }

  private static let mostIterations = 1000

  private static func frobeniusNorm(_ a: MatrixView) -> Double {
    var sum = 0.0
    for r in 0..<a.rows {
      let row = a.row(r)
      for c in 0..<a.columns { sum += Double(row[c]) * Double(row[c]) }
    }
    return sum.squareRoot()
  }
}
