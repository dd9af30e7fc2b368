import Kernels
import LanguageModels
import Tensors
import Testing

@testable import NeuralModels

/// Rows of embeddings that batches do not have, against embeddings whose rows are all moved by every update.
@Suite("Late steps")
struct LateStepsTests {
  private let v = 23
  private let e = 21
  private let updates = 320

  /// An embedding, a bias beside it, and their optimizer.
  private final class Trained {
    let declarations: Declarations
    let embedding: Embedding
    let bias: Parameter
    let optimizer: Optimizer

    init(_ v: Int, _ e: Int, tied: Bool, _ kind: OptimizerKind, decay: Double, _ engine: Engine) {
      declarations = Declarations(engine: engine)
      embedding = Embedding(vocabularySize: v, size: e, tied: tied, declarations)
      bias = declarations.parameter("bias", 5)
      declarations.arena.allocate()
      declarations.arena.randomize(limit: 0.5, seed: 1)
      optimizer = Optimizer(kind, weightDecay: decay, arena: declarations.arena, engine: engine)
    }

    /// Looks tokens up, gives them gradients, and makes an update as the trainer does.
    func step(_ tokens: [TokenID], _ gradient: [Float], rate: Double) -> (looked: [Float], norm: Double) {
      let engine = declarations.engine
      let (x, dx) = (Matrix(rows: tokens.count, columns: embedding.size), AlignedBuffer())
      let dy = dx.matrix(tokens.count, embedding.size)
      dy.pointer.update(from: gradient, count: tokens.count * embedding.size)
      declarations.arena.clearGradients()
      embedding.forward(tokens, into: x.view, dropoutKey: nil)
      embedding.backward(tokens, dy)
      bias.gradient.pointer.update(from: gradient, count: 5)
      engine.clipGradients(declarations.arena, to: 0.4)
      let norm = engine.gradientNorm(declarations.arena)
      optimizer.update(rate: rate, gradientScale: 0.75)
      return (withExtendedLifetime(x) { x.view.elements }, norm)
    }

    /// All that the next update depends on, once it is up to date.
    var floats: [Float] {
      let arena = declarations.arena
      let moments = optimizer.memory.map(\.buffer.pointer)
      return ([arena.values] + moments).flatMap { Array(UnsafeBufferPointer(start: $0, count: arena.count)) }
    }
  }

  /// What a batch of an update has: a few of the first tokens often, others for some time or now and then, the last ones never.
  private func tokens(_ update: Int, _ generator: inout SeededGenerator) -> [TokenID] {
    var tokens = generator.tokens(3, vocabularySize: 4)
    if update < 20 { tokens += generator.tokens(4, vocabularySize: v - 3) }
    if update % 97 == 50 { tokens += [TokenID(9 + update % 5), 9] }
    return tokens
  }

  @Test("As if every update moved all rows", arguments: OptimizerKind.allCases, [0, 0.01])
  func dense(kind: OptimizerKind, decay: Double) {
    for engine in allEngines {
      let dense = Trained(v, e, tied: true, kind, decay: decay, engine)
      let sparse = Trained(v, e, tied: false, kind, decay: decay, engine)
      var generator = SeededGenerator(seed: 5)
      // Adam lets rows rest when it does not matter any more: by less than a weight of the first size is rounded by.
      let tolerance: Float = decay == 0 && kind == .adam || kind == .adamw ? 1e-7 : 0
      func differ(_ a: [Float], _ b: [Float]) -> Bool {
        zip(a, b).contains { !(abs($0 - $1) <= tolerance) }
      }
      for update in 0..<updates {
        let tokens = tokens(update, &generator)
        let gradient = generator.floats(tokens.count * e, limit: 0.5)
        // The rate changes from update to update, as schedules have it.
        let rate = 0.02 * (1 + generator.uniform())
        let (expected, found) = (
          dense.step(tokens, gradient, rate: rate), sparse.step(tokens, gradient, rate: rate)
        )
        if differ(expected.looked, found.looked) { Issue.record("looked up in update \(update)") }
        // Only the order of the sum is another.
        if abs(expected.norm - found.norm) > 1e-6 * expected.norm { Issue.record("norm of \(update)") }
      }
      // Something was late, and was not so by accident.
      let moves = kind == .sgd || kind == .adagrad ? decay != 0 : true
      #expect(differ(dense.floats, sparse.floats) == moves, "\(engine.testName)")
      sparse.optimizer.bringUpToDate()
      #expect(!differ(dense.floats, sparse.floats), "\(engine.testName)")
      withExtendedLifetime((dense, sparse)) {}
    }
  }

  @Test("The bits do not depend on when rows are brought up to date", arguments: OptimizerKind.allCases)
  func early(kind: OptimizerKind) {
    let decay = kind == .adamw ? 0.01 : 0
    for engine in allEngines {
      let all = (0..<3).map { _ in Trained(v, e, tied: false, kind, decay: decay, engine) }
      var generator = SeededGenerator(seed: 6)
      for update in 0..<updates {
        let tokens = tokens(update, &generator)
        let gradient = generator.floats(tokens.count * e, limit: 0.5)
        let norms = all.map { $0.step(tokens, gradient, rate: 0.02).norm }
        #expect(Set(norms).count == 1)
        if update % 61 == 7 { all[1].optimizer.bringUpToDate() }
        all[2].embedding.weights.bringUpToDate(rows: update % 5..<v)
      }
      for one in all { one.optimizer.bringUpToDate() }
      let bits = all.map { $0.floats.map(\.bitPattern) }
      #expect(bits[1] == bits[0] && bits[2] == bits[0], "\(engine.testName)")
      withExtendedLifetime(all) {}
    }
  }

  @Test("Gradients of rows are cleared, and none but these need to be")
  func cleared() throws {
    let engine = try singleThreadedEngine()
    let one = Trained(v, e, tied: false, .adam, decay: 0, engine)
    _ = one.step([3, 7, 3], [Float](repeating: 1, count: 3 * e), rate: 0.1)
    let arena = one.declarations.arena
    let rows = (0..<v).filter { row in (0..<e).contains { one.embedding.weights.gradient[row, $0] != 0 } }
    #expect(rows == [3, 7] && one.embedding.weights.sparseRows?.marked == [3, 7])
    #expect(arena.gradientPieces(ofAtMost: 10).map(\.count) == [10, 6, 10, 10, 1, 10, 10, 1])
    arena.clearGradients()
    #expect((0..<arena.count).allSatisfy { arena.gradients[$0] == 0 })
    #expect(one.embedding.weights.sparseRows?.marked.isEmpty == true)
    withExtendedLifetime(one) {}
  }

  @Test("Going back forgets the steps that were not taken")
  func forgotten() throws {
    let engine = try singleThreadedEngine()
    let one = Trained(v, e, tied: false, .momentum, decay: 0, engine)
    for _ in 0..<3 { _ = one.step([3], [Float](repeating: 1, count: e), rate: 0.1) }
    _ = one.step([4], [Float](repeating: 1, count: e), rate: 0.1)
    one.optimizer.reset()
    let bits = one.declarations.arena.valueBits
    one.optimizer.bringUpToDate()
    one.embedding.weights.bringUpToDate(rows: [3, 4])
    #expect(one.declarations.arena.valueBits == bits && one.optimizer.updates == 0)
    withExtendedLifetime(one) {}
  }
}
