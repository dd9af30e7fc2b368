import Glibc
import Kernels
import LanguageModels
import Tensors

/// How parameters follow their gradients.
public enum OptimizerKind: String, CaseIterable, Sendable {
  /// w −= η g
  case sgd
  /// v = μ v + g;  w −= η v  (Polyak 1964, as in PyTorch, without dampening)
  case momentum
  /// s += g²;  w −= η g / (√s + ε)  (Duchi et al. 2011)
  case adagrad
  /// s = ρ s + (1 − ρ) g²;  w −= η g / (√s + ε)  (Tieleman and Hinton 2012)
  case rmsprop
  /// m = β₁ m + (1 − β₁) g;  s = β₂ s + (1 − β₂) g²;  w −= η m̂ / (√ŝ + ε)  (Kingma and Ba 2015)
  case adam
  /// Adam, and w −= η λ w apart from the gradient (Loshchilov and Hutter 2019)
  case adamw

  /// What it remembers of each parameter, one number each.
  public var momentNames: [String] {
    switch self {
    case .sgd: []
    case .momentum: ["velocity"]
    case .adagrad, .rmsprop: ["squares"]
    case .adam, .adamw: ["mean", "squares"]
    }
  }

  /// The weight decay that it usually has, as in PyTorch.
  public var defaultWeightDecay: Double { self == .adamw ? 0.01 : 0 }
}

/// An optimizer and what it remembers.
///
/// With weight decay λ, g is the gradient plus λ w, except for AdamW.
final class Optimizer {
  let kind: OptimizerKind
  /// Updates made.
  private(set) var updates = 0
  /// What it remembers of each parameter, in the layout of the arena: what a checkpoint of the training must hold, with `numbers`.
  let memory: [(name: String, buffer: AlignedBuffer)]
  /// What it remembers besides `memory`: what a checkpoint of the training must hold.
  var numbers: [JSONValue.Member] { [.init("steps", .integer(updates))] }

  private let arena: ParameterArena
  private let engine: Engine

  /// μ, ρ, β₁, β₂ and ε as the papers have them; Adam's and RMSProp's are PyTorch's defaults too.
  private static let (momentum, decay, beta1, beta2, epsilon) = (0.9, 0.99, 0.9, 0.999, Float(1e-8))
  private let weightDecay: Float

  /// `weightDecay` is λ, `nil` for what the kind usually has.
  init(_ kind: OptimizerKind, weightDecay: Double? = nil, arena: ParameterArena, engine: Engine) {
    self.kind = kind
    self.weightDecay = Float(weightDecay ?? kind.defaultWeightDecay)
    self.arena = arena
    self.engine = engine
    memory = kind.momentNames.map { ($0, AlignedBuffer(count: arena.count)) }
  }

  /// Takes back `numbers`; the caller fills `memory`.
  ///
  /// - Throws: `CheckpointError` when a number is missing or impossible.
  func restore(_ numbers: JSONValue) throws {
    guard let steps = numbers["steps"]?.integerValue, (0...StateCheck.mostUpdates).contains(steps) else {
      throw CheckpointError("damaged: the state of its optimizer has no possible number of 'steps'")
    }
    updates = steps
  }

  /// Forgets everything.
  func reset() {
    updates = 0
    for memory in memory { memory.buffer.pointer.update(repeating: 0, count: memory.buffer.count) }
  }

  /// Moves all values by their gradients, which are first multiplied by `gradientScale`.
  func update(rate: Double, gradientScale: Float) {
    updates += 1
    var step = OptimizerStep(rate: Float(rate), gradientScale: gradientScale, epsilon: Self.epsilon)
    switch kind {
    case .sgd, .adagrad: break
    case .momentum: step.momentum = Float(Self.momentum)
    case .rmsprop: step.smoothing = Float(Self.decay)
    case .adam, .adamw:
      (step.momentum, step.smoothing) = (Float(Self.beta1), Float(Self.beta2))
      step.meanCorrection = Float(1 / (1 - pow(Self.beta1, Double(updates))))
      step.squareCorrection = Float(1 / (1 - pow(Self.beta2, Double(updates))))
    }
    if kind == .adamw { step.decoupledDecay = weightDecay } else { step.weightDecay = weightDecay }
    // Parameters begin at multiples of 16 floats, so that parts of whole vectors give every thread the same bits.
    engine.split(arena.count / 16) { part in
      let (first, count) = (part.lowerBound * 16, part.count * 16)
      apply(
        step, count, arena.values + first, arena.gradients + first, memory.map { $0.buffer.pointer + first })
    }
    arena.valuesChanged()
  }

  private func apply(
    _ step: OptimizerStep, _ n: Int, _ values: UnsafeMutablePointer<Float>, _ gradients: UnsafePointer<Float>,
    _ moments: [UnsafeMutablePointer<Float>]
  ) {
    let kernels = engine.kernels
    switch kind {
    case .sgd: kernels.sgd(n, step, values, gradients)
    case .momentum: kernels.momentum(n, step, values, gradients, moments[0])
    case .adagrad: kernels.adagrad(n, step, values, gradients, moments[0])
    case .rmsprop: kernels.rmsProp(n, step, values, gradients, moments[0])
    case .adam, .adamw: kernels.adam(n, step, values, gradients, moments[0], moments[1])
    }
  }
}

extension Engine {
  /// √Σ g² over all gradients, summed block by block in a fixed order whatever the number of threads.
  func gradientNorm(_ arena: ParameterArena) -> Double {
    let blockSize = 1 << 14
    let blocks = (arena.count + blockSize - 1) / blockSize
    let sums = [Double](unsafeUninitializedCapacity: blocks) { sums, initialized in
      nonisolated(unsafe) let sums = sums
      split(blocks) { part in
        for block in part {
          let first = block * blockSize
          let sum = kernels.sumOfSquares(min(blockSize, arena.count - first), arena.gradients + first)
          sums.initializeElement(at: block, to: sum)
        }
      }
      initialized = blocks
    }
    return sums.reduce(0, +).squareRoot()
  }

  /// Cuts every gradient to ±limit.
  func clipGradients(_ arena: ParameterArena, to limit: Float) {
    split(arena.count) { part in
      for i in part { arena.gradients[i] = min(limit, max(-limit, arena.gradients[i])) }
    }
  }
}
