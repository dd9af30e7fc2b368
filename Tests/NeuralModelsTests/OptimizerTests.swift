import Kernels
import LanguageModels
import Tensors
import Testing

@testable import NeuralModels

/// Optimizers against their papers, one number at a time in `Double`.
@Suite("Optimizers")
struct OptimizerTests {
  /// One weight and what is remembered of it.
  private struct Weight {
    var value: Double
    var m = 0.0
    var s = 0.0

    /// Step t = 1, 2, …; the constants are written out, so that a change of them is noticed.
    mutating func follow(_ g: Double, _ kind: OptimizerKind, rate: Double, decay: Double?, t: Int) {
      let epsilon = 1e-8
      let g = kind == .adamw ? g : g + (decay ?? 0) * value
      switch kind {
      case .sgd: value -= rate * g
      case .momentum:
        m = 0.9 * m + g
        value -= rate * m
      case .adagrad:
        s += g * g
        value -= rate * g / (s.squareRoot() + epsilon)
      case .rmsprop:
        s = 0.99 * s + 0.01 * g * g
        value -= rate * g / (s.squareRoot() + epsilon)
      case .adam, .adamw:
        if kind == .adamw { value -= rate * (decay ?? 0.01) * value }
        m = 0.9 * m + 0.1 * g
        s = 0.999 * s + 0.001 * g * g
        let (mean, square) = (m / (1 - power(0.9, t)), s / (1 - power(0.999, t)))
        value -= rate * mean / (square.squareRoot() + epsilon)
      }
    }

    private func power(_ x: Double, _ n: Int) -> Double { (0..<n).reduce(1) { y, _ in y * x } }
  }

  /// Twelve steps of rate 0.05 move a weight by at most 12 · 0.05 · 10 (momentum); each errs by some ε of the weight and the step.
  @Test("Twelve steps", arguments: OptimizerKind.allCases, [nil, 0.3])
  func steps(kind: OptimizerKind, decay: Double?) {
    for engine in allEngines {
      let arena = ParameterArena()
      let parameters = [arena.add("a", shape: [33]), arena.add("b", shape: [3, 7])]
      arena.allocate()
      arena.randomize(limit: 1, seed: 1)
      let optimizer = Optimizer(kind, weightDecay: decay, arena: arena, engine: engine)
      var weights = parameters.map { $0.value.elements.map { Weight(value: Double($0)) } }
      var generator = SeededGenerator(seed: 2)
      for t in 1...12 {
        let version = arena.version
        for (p, parameter) in parameters.enumerated() {
          for (i, g) in generator.floats(parameter.count, limit: 1).enumerated() {
            parameter.gradient.pointer[i] = g
            weights[p][i].follow(Double(g) / 4, kind, rate: 0.05, decay: decay, t: t)
          }
        }
        optimizer.update(rate: 0.05, gradientScale: 0.25)
        // Who packs weights must hear of it.
        #expect(arena.version != version)
      }
      #expect(optimizer.updates == 12)
      for (p, parameter) in parameters.enumerated() {
        let worst = zip(parameter.value.elements, weights[p]).reduce(0) {
          max($0, abs(Double($1.0) - $1.1.value))
        }
        #expect(worst < 1e-5, "\(engine.testName)")
      }
      // The padding stays zero.
      #expect((33..<48).allSatisfy { arena.values[$0] == 0 })
    }
  }

  @Test("The norm of the gradients, and their clipping, whatever the number of threads")
  func norm() {
    for engine in allEngines {
      let arena = ParameterArena()
      let parameter = arena.add("a", shape: [300, 131])
      arena.allocate()
      var generator = SeededGenerator(seed: 3)
      let gradients = generator.floats(parameter.count, limit: 1)
      parameter.gradient.pointer.update(from: gradients, count: gradients.count)
      let exact = gradients.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(engine.gradientNorm(arena) - exact) < 1e-6 * exact)
      engine.clipGradients(arena, to: 0.5)
      #expect(parameter.gradient.elements == gradients.map { min(0.5, max(-0.5, $0)) })
    }
  }
}
