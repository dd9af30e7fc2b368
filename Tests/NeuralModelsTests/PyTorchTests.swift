import Foundation
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Ten training steps against those that PyTorch took from the same weights on the same text: `scripts/make-pytorch-fixture`
/// regenerates what it recorded, and describes it.
@Suite("As PyTorch trains")
struct PyTorchTests {
  private struct Fixture: Decodable {
    struct Run: Decodable {
      let losses: [Double]
      let tensors: [String: [Float]]
    }
    struct Cell: Decodable {
      let initial: [String: [Float]]
      let sgd, adam: Run
    }
    let tokens: [TokenID]
    let cells: [String: Cell]
  }

  private static func fixture() throws -> Fixture {
    let path = projectFolder + "/Tests/NeuralModelsTests/Fixtures/pytorch.json"
    return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Losses agree to 1e-5 and weights to 1e-4: rounding differs by about 1e-7 a step, and PyTorch adds 1e-6 to the norm
  /// before it divides by it. Adam divides a gradient by its own size, which turns an error of 1e-7 in a gradient of 1e-4
  /// into 1e-3 of its rate of 0.01.
  @Test("Losses and weights", arguments: NeuralKind.recurrent, [OptimizerKind.sgd, .adam])
  func training(cell: NeuralKind, optimizer kind: OptimizerKind) throws {
    let fixture = try Self.fixture()
    // Not every cell is PyTorch's.
    guard let recorded = fixture.cells[cell.rawValue] else { return }
    let run = kind == .sgd ? recorded.sgd : recorded.adam
    let engine = try singleThreadedEngine()
    let shape = NetworkShape(cell, layers: 2, hidden: 5, embedding: 4, vocabulary: 11)
    let network = shape.make(engine)
    #expect(network.arena.parameters.count == recorded.initial.count)
    for parameter in network.arena.parameters {
      let values = try #require(recorded.initial[parameter.name])
      try #require(values.count == parameter.count)
      parameter.value.pointer.update(from: values, count: values.count)
    }
    network.arena.valuesChanged()

    let optimizer = Optimizer(kind, arena: network.arena, engine: engine)
    let batches = StreamBatches(
      tokens: fixture.tokens, batchSize: 3, sequenceLength: 4, window: 1, context: .stream)
    try #require(batches.count == run.losses.count)
    network.resetState(rows: 3)
    var batch = Batch()
    for (sequence, expected) in run.losses.enumerated() {
      batches.fill(&batch, from: 4 * sequence, steps: 4)
      network.arena.clearGradients()
      let loss = network.lossAndGradients(batch, dropoutKey: nil) / Double(batch.targetCount)
      #expect(abs(loss - expected) < 1e-5, "step \(sequence + 1)")
      let norm = engine.gradientNorm(network.arena)
      optimizer.update(rate: kind == .sgd ? 0.5 : 0.01, gradientScale: Float(min(1, 1 / norm)))
    }
    optimizer.bringUpToDate()
    for parameter in network.arena.parameters {
      let expected = try #require(run.tensors[parameter.name])
      let worst = zip(parameter.value.elements, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(worst < 1e-4, "\(parameter.name)")
    }
  }
}
