import Kernels
import LanguageModels
import Tensors
import Testing

@testable import NeuralModels

/// Optimizers against their papers, one number at a time in `Double`.
@Suite("Optimizers")
struct OptimizerTests {
  private typealias Constants = (beta1: Double, beta2: Double, rho: Double, mu: Double, epsilon: Double)

  /// One weight and what is remembered of it.
  private struct Weight {
    var value: Double
    var m = 0.0
    var s = 0.0

    /// Step t = 1, 2, …; the constants are written out, so that a change of them is noticed.
    mutating func follow(
      _ g: Double, _ kind: OptimizerKind, _ constants: Constants?, rate: Double, decay: Double?, t: Int
    ) {
      let (beta1, beta2, rho, mu, epsilon) = constants ?? (0.9, 0.999, 0.99, 0.9, 1e-8)
      let g = kind == .adamw ? g : g + (decay ?? 0) * value
      switch kind {
      case .sgd: value -= rate * g
      case .momentum:
        m = mu * m + g
        value -= rate * m
      case .adagrad:
        s += g * g
        value -= rate * g / (s.squareRoot() + epsilon)
      case .rmsprop:
        s = rho * s + (1 - rho) * g * g
        value -= rate * g / (s.squareRoot() + epsilon)
      case .adam, .adamw:
        if kind == .adamw { value -= rate * (decay ?? 0.01) * value }
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g * g
        let (mean, square) = (m / (1 - power(beta1, t)), s / (1 - power(beta2, t)))
        value -= rate * mean / (square.squareRoot() + epsilon)
      }
    }

    private func power(_ x: Double, _ n: Int) -> Double { (0..<n).reduce(1) { y, _ in y * x } }
  }

  /// Twelve steps of rate 0.05 move a weight by at most 12 · 0.05 · 10 (momentum); each errs by some ε of the weight and the step.
  @Test("Twelve steps", arguments: OptimizerKind.allCases, [nil, 0.3])
  func steps(kind: OptimizerKind, decay: Double?) { follow(kind, nil, decay: decay) }

  @Test("Twelve steps with other constants", arguments: OptimizerKind.allCases)
  func constants(kind: OptimizerKind) { follow(kind, (0.5, 0.75, 0.625, 0.25, 0.125), decay: nil) }

  private func follow(_ kind: OptimizerKind, _ chosen: Constants?, decay: Double?) {
    var constants = OptimizerConstants()
    if let chosen {
      (constants.beta1, constants.beta2, constants.decayRate) = (chosen.beta1, chosen.beta2, chosen.rho)
      (constants.momentum, constants.epsilon) = (chosen.mu, chosen.epsilon)
    }
    for engine in allEngines {
      let arena = ParameterArena()
      let parameters = [arena.add("a", shape: [33]), arena.add("b", shape: [3, 7])]
      arena.allocate()
      arena.randomize(limit: 1, seed: 1)
      let optimizer = Optimizer(
        kind, constants: constants, weightDecay: decay, arena: arena, engine: engine)
      var weights = parameters.map { $0.value.elements.map { Weight(value: Double($0)) } }
      var generator = SeededGenerator(seed: 2)
      for t in 1...12 {
        let version = arena.version
        for (p, parameter) in parameters.enumerated() {
          for (i, g) in generator.floats(parameter.count, limit: 1).enumerated() {
            parameter.gradient.pointer[i] = g
            weights[p][i].follow(Double(g) / 4, kind, chosen, rate: 0.05, decay: decay, t: t)
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
