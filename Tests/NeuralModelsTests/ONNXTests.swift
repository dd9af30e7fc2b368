import Foundation
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Layers against ONNX's reference implementation: `scripts/make-onnx-fixture` regenerates what it gave, and describes it.
@Suite("As ONNX defines")
struct ONNXTests {
  private struct Fixture: Decodable {
    struct Layer: Decodable {
      let tensors: [String: [Float]]
      let x, y: [Float]
      let states: [[Float]]
    }
    let layers: [String: Layer]
  }

  private static let variants = [
    CellVariant(.rnn, "") { _ in }, CellVariant(.gru, "before") { $0.reset = .before },
    CellVariant(.gru, "after") { _ in }, CellVariant(.lstm, "") { _ in },
    CellVariant(.lstm, "peepholes") { $0.hasPeepholes = true },
  ]

  /// Numbers are sums of at most ten products, each rounded: 1e-5 is far above that and far below any other convention.
  @Test("Outputs from states that are not zero", arguments: variants)
  func outputs(variant: CellVariant) throws {
    let path = projectFolder + "/Tests/NeuralModelsTests/Fixtures/onnx.json"
    let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    let recorded = try #require(fixture.layers[variant.testDescription])
    let declarations = Declarations(engine: try singleThreadedEngine())
    let layer = RecurrentLayer(
      cell: variant.kind.cell(4, 5, variant.options), inputSize: 4, hiddenSize: 5, declarations.of("layer"))
    declarations.arena.allocate()
    #expect(declarations.arena.parameters.count == recorded.tensors.count)
    for parameter in declarations.arena.parameters {
      let values = try #require(recorded.tensors[parameter.name])
      try #require(values.count == parameter.count)
      parameter.value.pointer.update(from: values, count: values.count)
    }
    declarations.arena.valuesChanged()
    layer.resetState(rows: 3)
    for (row, state) in recorded.states.enumerated() { layer.setState(state[...], row: row) }
    let x = Matrix(rows: 18, columns: 4, recorded.x)
    let y = layer.forward(x.view, Pass(steps: 6, rows: 3)).elements
    withExtendedLifetime((x, declarations)) {}
    #expect(y.count == recorded.y.count)
    #expect(zip(y, recorded.y).allSatisfy { abs($0 - $1) < 1e-5 })
  }
}
