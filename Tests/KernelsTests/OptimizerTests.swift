import Kernels
import Testing

/// Three steps of every optimizer against the published formulas in double precision.
@Suite struct OptimizerTests {
  private static let steps = 3
  /// Each step rounds a value of size 1 a few times.
  private static let tolerance = 20 * Double(Float.ulpOfOne)

  /// Runs the kernel on n values and `formula` on each of them; w, g and two states.
  private func check(
    _ n: Int, _ kernel: (Int, [UnsafeMutablePointer<Float>]) -> Void,
    _ formula: (_ t: Int, _ w: inout Double, _ g: Double, _ s: inout (Double, Double)) -> Void
  ) {
    var generator = TestGenerator(state: UInt64(n))
    let buffers = (0..<4).map { _ in AlignedBuffer(count: n + 1) }
    let values = generator.floats(n)
    buffers[0].pointer.update(from: values, count: n)
    var expected = values.map { Double($0) }
    var states = [(Double, Double)](repeating: (0, 0), count: n)
    for buffer in buffers { buffer.pointer[n] = .nan }
    for t in 1...Self.steps {
      let gradients = generator.floats(n)
      buffers[1].pointer.update(from: gradients, count: n)
      kernel(t, buffers.map(\.pointer))
      for i in 0..<n { formula(t, &expected[i], Double(gradients[i]), &states[i]) }
    }
    for i in 0..<n { #expect(abs(Double(buffers[0].pointer[i]) - expected[i]) < Self.tolerance) }
    #expect(buffers.allSatisfy { $0.pointer[n].isNaN })
  }

  @Test(arguments: tableNames) func dynamicEvaluationFollowsItsFormula(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    for n in [1, 5, 16, 37] {
      var generator = TestGenerator(state: UInt64(n))
      let buffers = (0..<4).map { _ in AlignedBuffer(count: n + 1) }
      for buffer in buffers {
        buffer.pointer.update(from: generator.floats(n), count: n)
        buffer.pointer[n] = .nan
      }
      let p = buffers.map(\.pointer)
      // Roots of squares are not negative, and some are large.
      for i in 0..<n { p[2][i] = abs(p[2][i]) * (i % 3 == 0 ? 9 : 1) }
      let expected = (0..<n).map { i in
        let (w, g, m, first) = (Double(p[0][i]), Double(p[1][i]), Double(p[2][i]), Double(p[3][i]))
        return w + min(1, 0.25 * m) * (first - w) - 0.125 * g / (m + 0.5)
      }
      kernels.followText(n, OptimizerStep(rate: 0.125, momentum: 0.25, epsilon: 0.5), p[0], p[1], p[2], p[3])
      for i in 0..<n { #expect(abs(Double(p[0][i]) - expected[i]) < Self.tolerance) }
      #expect(p.allSatisfy { $0[n].isNaN })
    }
  }

  @Test(arguments: tableNames) func everyOptimizerFollowsItsFormula(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    for n in [1, 5, 16, 37] {
      let plain = OptimizerStep(
        rate: 0.1, gradientScale: 0.5, weightDecay: 0.01, momentum: 0.9, epsilon: 1e-6)
      check(n, { kernels.sgd(n, plain, $1[0], $1[1]) }) { _, w, g, _ in w -= 0.1 * (0.5 * g + 0.01 * w) }
      check(n, { kernels.momentum(n, plain, $1[0], $1[1], $1[2]) }) { _, w, g, s in
        s.0 = 0.9 * s.0 + 0.5 * g + 0.01 * w
        w -= 0.1 * s.0
      }
      check(n, { kernels.adagrad(n, plain, $1[0], $1[1], $1[2]) }) { _, w, g, s in
        let g = 0.5 * g + 0.01 * w
        s.0 += g * g
        w -= 0.1 * g / (s.0.squareRoot() + 1e-6)
      }
      let smoothed = OptimizerStep(rate: 0.01, smoothing: 0.75, epsilon: 1e-6)
      check(n, { kernels.rmsProp(n, smoothed, $1[0], $1[1], $1[2]) }) { _, w, g, s in
        s.0 = 0.75 * s.0 + 0.25 * g * g
        w -= 0.01 * g / (s.0.squareRoot() + 1e-6)
      }
      check(
        n,
        { t, p in
          var step = OptimizerStep(
            rate: 0.1, decoupledDecay: 0.2, momentum: 0.875, smoothing: 0.96875, epsilon: 1e-6)
          step.meanCorrection = Float(1 / (1 - power(0.875, t)))
          step.squareCorrection = Float(1 / (1 - power(0.96875, t)))
          kernels.adam(n, step, p[0], p[1], p[2], p[3])
        }
      ) { t, w, g, s in
        s.0 = 0.875 * s.0 + 0.125 * g
        s.1 = 0.96875 * s.1 + 0.03125 * g * g
        let direction =
          s.0 / (1 - power(0.875, t)) / ((s.1 / (1 - power(0.96875, t))).squareRoot() + 1e-6)
        w = (1 - 0.1 * 0.2) * w - 0.1 * direction
      }
    }
  }

  /// Zero values with zero gradients, the padding of an arena, stay zero.
  @Test(arguments: tableNames) func paddingStaysZero(_ name: String) throws {
    let kernels = try KernelTable.named(name)
    let step = OptimizerStep(rate: 0.1, weightDecay: 0.1, decoupledDecay: 0.1, momentum: 0.9, smoothing: 0.99)
    let p = (0..<4).map { _ in AlignedBuffer(count: 20) }
    kernels.sgd(20, step, p[0].pointer, p[1].pointer)
    kernels.momentum(20, step, p[0].pointer, p[1].pointer, p[2].pointer)
    kernels.adagrad(20, step, p[0].pointer, p[1].pointer, p[2].pointer)
    kernels.rmsProp(20, step, p[0].pointer, p[1].pointer, p[2].pointer)
    kernels.adam(20, step, p[0].pointer, p[1].pointer, p[2].pointer, p[3].pointer)
    #expect(p.allSatisfy { buffer in (0..<20).allSatisfy { buffer.pointer[$0] == 0 } })
  }
}

private func power(_ x: Double, _ n: Int) -> Double { (0..<n).reduce(1) { product, _ in product * x } }
