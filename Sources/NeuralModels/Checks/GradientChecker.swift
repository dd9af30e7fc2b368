import Glibc
import Kernels
import LanguageModels
import Tensors

/// Compares slopes of a network's loss, by its gradients and by differences.
///
/// Losses come from single-precision activations, so a single parameter's difference drowns in rounding; directions through a whole
/// tensor do not. A central difference is off by c h² + O(h⁴): the step h is halved until the slope that two steps extrapolate to
/// (Richardson 1911) no longer changes, or rounding takes over.
struct GradientChecker {
  private let network: CheckedNetwork
  private let seed: UInt64
  /// The error of the extrapolated slope, relative to ‖g‖, that a good step leaves.
  private let tolerance: Double

  private static let randomDirections = 3
  private static let mostSteps = 12

  /// A checker of `network` along directions that `seed` decides.
  init(_ network: CheckedNetwork, seed: UInt64) {
    (self.network, self.seed) = (network, seed)
    // The longest sum of a product has K terms, whose rounding errors add up like √K. With errors of e in the losses, an
    // extrapolated difference is at best off by some e^⅘.
    let longest = network.arena.parameters.reduce(1) { max($0, $1.shape.max() ?? 1) }
    tolerance = min(0.004, 32 * pow(Double(longest).squareRoot() * 0x1p-24, 0.8))
  }

  /// Compares all tensors; `change` may spoil the gradients first, to see whether that is found.
  func check(change: (ParameterArena) -> Void = { _ in }) -> GradientCheck {
    network.arena.clearGradients()
    let loss = network.lossAndGradients() / Double(network.targets)
    change(network.arena)
    var generator = SeededGenerator(seed: ~seed)
    return GradientCheck(
      loss: loss, targets: network.targets,
      tensors: network.arena.parameters.map { check($0, using: &generator) })
  }

  private func check(_ parameter: Parameter, using generator: inout SeededGenerator)
    -> GradientCheck.TensorCheck
  {
    let n = parameter.count
    let gradient = parameter.gradient.pointer
    let norm = (0..<n).reduce(0) { $0 + Double(gradient[$1]) * Double(gradient[$1]) }.squareRoot()
    let line = Line(parameter)
    defer {
      line.putBack()
      network.arena.valuesChanged()
    }
    // Steps of ±h add up like √: this keeps what a sum of products moves by near 1.
    let largestStep = 1 / Double(parameter.shape.min() ?? 1).squareRoot()
    var directions: [GradientCheck.Direction] = []
    var rounding = 0.0
    for _ in 0..<Self.randomDirections {
      var bits: UInt64 = 0
      for i in 0..<n {
        if i % 64 == 0 { bits = generator.next() }
        line.direction[i] = bits & 1 == 0 ? 1 : -1
        bits >>= 1
      }
      rounding = max(rounding, self.rounding(line, step: largestStep / 1024))
      directions.append(
        compare(.random, line, norm: norm, rounding: rounding, largestStep: largestStep))
    }
    if norm > 0 {
      for i in 0..<n { line.direction[i] = Float(Double(gradient[i]) / norm) }
      directions.insert(compare(.gradient, line, norm: norm, rounding: rounding, largestStep: 1), at: 0)
    }
    return .init(name: parameter.name, parameterCount: n, gradientNorm: norm, directions: directions)
  }

  /// The slope along a line by both ways.
  private func compare(
    _ kind: GradientCheck.Direction.Kind, _ line: Line, norm: Double, rounding: Double, largestStep: Double
  ) -> GradientCheck.Direction {
    // A step that changes the loss by a quarter is too large in most cases, but not by much.
    var h = norm > 0 ? min(largestStep, 0.25 / norm) : largestStep
    // Differences of the slopes by both ways, and what they are extrapolated to, step by step.
    var (differences, limits): ([Double], [Double]) = ([], [])
    var best = (error: Double.infinity, analytic: 0.0, difference: 0.0, rounding: 0.0)
    for step in 0..<Self.mostSteps {
      let (analytic, numeric) = slopes(line, step: h)
      differences.append(numeric - analytic)
      if step > 0 { limits.append((4 * differences[step] - differences[step - 1]) / 3) }
      if step > 2 {
        // Two changes in a row: one can be small by chance.
        let limit = limits[step - 1]
        let change = max(abs(limit - limits[step - 2]), abs(limits[step - 2] - limits[step - 3]))
        let error = rounding / h
        if change + error < best.error { best = (change + error, analytic, limit, error) }
        if change <= tolerance / 8 * max(norm, abs(analytic), abs(numeric)) { break }
      }
      h /= 2
    }
    let numeric = best.analytic + best.difference
    let scale = max(norm, abs(best.analytic), abs(numeric), .leastNormalMagnitude)
    return .init(
      kind: kind, analytic: best.analytic, numeric: numeric, relativeError: abs(best.difference) / scale,
      tolerance: tolerance + 8 * best.rounding / scale)
  }

  /// The standard deviation of the rounding errors of L on a line, from the fourth differences of its values at points so near
  /// that nothing else is left in them (Moré and Wild 2011, "Estimating computational noise").
  private func rounding(_ line: Line, step: Double) -> Double {
    var values = (0..<9).map { i in
      _ = line.move(by: Float(Double(i) * step))
      return loss()
    }
    for _ in 0..<4 { values = zip(values.dropFirst(), values).map { $0 - $1 } }
    // The squares of 1, 4, 6, 4, 1 add up to 70.
    return (values.reduce(0) { $0 + $1 * $1 } / Double(70 * values.count)).squareRoot()
  }

  /// (L(w + h d) − L(w − h d)) / 2h and g · d, the latter for the steps that single precision really takes.
  private func slopes(_ line: Line, step h: Double) -> (analytic: Double, numeric: Double) {
    let forth = line.move(by: Float(h))
    let above = loss()
    let back = line.move(by: Float(-h))
    let below = loss()
    return ((forth - back) / (2 * h), (above - below) / (2 * h))
  }

  /// L with the parameters as they are.
  private func loss() -> Double {
    network.arena.valuesChanged()
    return network.losses() / Double(network.targets)
  }
}

/// The line w + h d through the parameters w of one tensor.
private final class Line {
  /// d.
  let direction: UnsafeMutablePointer<Float>
  private let parameter: Parameter
  private let buffers: (origin: AlignedBuffer, direction: AlignedBuffer)

  init(_ parameter: Parameter) {
    self.parameter = parameter
    buffers = (AlignedBuffer(count: parameter.count), AlignedBuffer(count: parameter.count))
    buffers.origin.pointer.update(from: parameter.value.pointer, count: parameter.count)
    direction = buffers.direction.pointer
  }

  /// Moves the parameters to w + h d, and returns g · (their way).
  func move(by h: Float) -> Double {
    let (origin, values) = (buffers.origin.pointer, parameter.value.pointer)
    let gradient = parameter.gradient.pointer
    var product = 0.0
    for i in 0..<parameter.count {
      values[i] = origin[i] + h * direction[i]
      product += Double(gradient[i]) * Double(values[i] - origin[i])
    }
    return product
  }

  /// Moves the parameters back to w.
  func putBack() { parameter.value.pointer.update(from: buffers.origin.pointer, count: parameter.count) }
}
