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

/// The constants of optimizers; each uses those it has.
public struct OptimizerConstants: Sendable, Equatable {
  /// Adam: β₁, how much of the mean of gradients stays (Kingma and Ba 2015).
  public var beta1 = 0.9
  /// Adam: β₂, how much of the mean of their squares stays.
  public var beta2 = 0.999
  /// RMSProp: ρ, how much of the mean of squares stays (Tieleman and Hinton 2012; PyTorch's default).
  public var decayRate = 0.99
  /// Momentum: μ, how much of the velocity stays.
  public var momentum = 0.9
  /// Adagrad, RMSProp and Adam: ε, what is added to the root of squares.
  public var epsilon = 1e-8

  /// The usual ones.
  public init() {}
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

  let arena: ParameterArena
  let engine: Engine
  private let constants: OptimizerConstants
  private let weightDecay: Float
  /// Steps that some rows of sparse parameters have not taken yet.
  var lateSteps: [OptimizerStep] = []

  /// `weightDecay` is λ, `nil` for what the kind usually has.
  init(
    _ kind: OptimizerKind, constants: OptimizerConstants = OptimizerConstants(), weightDecay: Double? = nil,
    arena: ParameterArena, engine: Engine
  ) {
    self.kind = kind
    self.constants = constants
    self.weightDecay = Float(weightDecay ?? kind.defaultWeightDecay)
    self.arena = arena
    self.engine = engine
    memory = kind.momentNames.map { ($0, AlignedBuffer(count: arena.count)) }
    beginLateSteps()
  }

  /// Whether values without gradients move, or what is remembered of them.
  var movesWithoutGradients: Bool { weightDecay != 0 || (kind != .sgd && kind != .adagrad) }
  /// Whether weight decay is part of the gradient.
  var hasCoupledDecay: Bool { weightDecay != 0 && kind != .adamw }

  /// Takes back `numbers`; the caller fills `memory`.
  ///
  /// - Throws: `CheckpointError` when a number is missing or impossible.
  func restore(_ numbers: JSONValue) throws {
    guard let steps = numbers["steps"]?.integerValue, (0...StateCheck.mostUpdates).contains(steps) else {
      throw CheckpointError("damaged: the state of its optimizer has no possible number of 'steps'")
    }
    updates = steps
  }

  /// Forgets everything, late steps among it.
  func reset() {
    updates = 0
    for memory in memory { memory.buffer.pointer.update(repeating: 0, count: memory.buffer.count) }
    beginLateSteps()
  }

  /// Moves all values by their gradients, which are first multiplied by `gradientScale`; rows of sparse parameters that have no
  /// gradients move when they are needed.
  func update(rate: Double, gradientScale: Float) {
    updates += 1
    let step = step(rate: rate, gradientScale: gradientScale)
    engine.forEachPiece(arena.gradientPieces(ofAtMost: Engine.pieceSize)) { _, piece in apply(step, piece) }
    keepForOthers(step)
    arena.valuesChanged()
  }

  /// The numbers of the present update.
  private func step(rate: Double, gradientScale: Float) -> OptimizerStep {
    var step = OptimizerStep(
      rate: Float(rate), gradientScale: gradientScale, epsilon: Float(constants.epsilon))
    switch kind {
    case .sgd, .adagrad: break
    case .momentum: step.momentum = Float(constants.momentum)
    case .rmsprop: step.smoothing = Float(constants.decayRate)
    case .adam, .adamw:
      (step.momentum, step.smoothing) = (Float(constants.beta1), Float(constants.beta2))
      step.meanCorrection = Float(1 / (1 - pow(constants.beta1, Double(updates))))
      step.squareCorrection = Float(1 / (1 - pow(constants.beta2, Double(updates))))
    }
    if kind == .adamw { step.decoupledDecay = weightDecay } else { step.weightDecay = weightDecay }
    return step
  }

  /// Takes a step with a part of the arena.
  func apply(_ step: OptimizerStep, _ part: Range<Int>) {
    let (kernels, n, first) = (engine.kernels, part.count, part.lowerBound)
    let (values, gradients) = (arena.values + first, arena.gradients + first)
    switch kind {
    case .sgd: kernels.sgd(n, step, values, gradients)
    case .momentum: kernels.momentum(n, step, values, gradients, moment(0, first))
    case .adagrad: kernels.adagrad(n, step, values, gradients, moment(0, first))
    case .rmsprop: kernels.rmsProp(n, step, values, gradients, moment(0, first))
    case .adam, .adamw: kernels.adam(n, step, values, gradients, moment(0, first), moment(1, first))
    }
  }

  /// What is remembered of the arena's floats from `first` on.
  func moment(_ index: Int, _ first: Int) -> UnsafeMutablePointer<Float> {
    memory[index].buffer.pointer + first
  }
}

extension Engine {
  /// The floats of a piece of the arena that a thread takes at a time.
  fileprivate static let pieceSize = 1 << 14

  /// Calls `body` with the number and the bounds of every piece, those of each thread in turn.
  func forEachPiece(_ pieces: [Range<Int>], _ body: (_ number: Int, _ piece: Range<Int>) -> Void) {
    pool.run { thread in
      for number in stride(from: thread, to: pieces.count, by: threadCount) { body(number, pieces[number]) }
    }
  }

  /// √Σ g² over all gradients, summed piece by piece in a fixed order whatever the number of threads.
  func gradientNorm(_ arena: ParameterArena) -> Double {
    let pieces = arena.gradientPieces(ofAtMost: Self.pieceSize)
    let sums = [Double](unsafeUninitializedCapacity: pieces.count) { sums, initialized in
      nonisolated(unsafe) let sums = sums
      forEachPiece(pieces) { number, piece in
        let sum = kernels.sumOfSquares(piece.count, arena.gradients + piece.lowerBound)
        sums.initializeElement(at: number, to: sum)
      }
      initialized = pieces.count
    }
    return sums.reduce(0, +).squareRoot()
  }

  /// Cuts every gradient to ±limit.
  func clipGradients(_ arena: ParameterArena, to limit: Float) {
    forEachPiece(arena.gradientPieces(ofAtMost: Self.pieceSize)) { _, piece in
      for i in piece { arena.gradients[i] = min(limit, max(-limit, arena.gradients[i])) }
    }
  }
}
