import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Layers that read in both directions: against the tape, with rows of different lengths and states that are not zero.
@Suite("Bidirectional layers")
struct BidirectionalTests {
  /// Some bidirectional layers one on another.
  struct Shape: Sendable, CustomTestStringConvertible {
    let kind: NeuralKind
    /// H of each direction, from the bottom to the top.
    let sizes: [Int]
    /// Around the layer of each direction.
    var connection = Connection.plain

    static let input = 4

    var testDescription: String {
      "\(kind)\(connection == .plain ? "" : " \(connection)"), bidirectional, "
        + sizes.map(String.init).joined(separator: ",")
    }

    /// Every cell, alone and in a stack; connections within the directions.
    static let all =
      NeuralKind.recurrent.flatMap { [Shape(kind: $0, sizes: [5]), Shape(kind: $0, sizes: [7, 17])] }
      + [Connection.residual, .highway, .dense].map { Shape(kind: .lstm, sizes: [4], connection: $0) }

    func make(_ d: Declarations) -> Stack {
      var layers: [any SequenceLayer] = []
      for (l, size) in sizes.enumerated() {
        let width = layers.last?.outputSize ?? Self.input
        layers.append(
          Bidirectional(d.of("layer\(l)")) { d in
            connection.around(
              RecurrentLayer(cell: kind.cell(width, size), inputSize: width, hiddenSize: size, d), d)
          })
      }
      return Stack(layers, d)
    }

    /// y of all positions from x; zeros behind the ends of rows.
    func textbook(_ oracle: Oracle, _ x: [[Scalar]], _ states: [[Scalar]], _ pass: Pass) -> [[Scalar]] {
      let stateSize = states[0].count / 2
      var x = x
      var first = 0
      for l in sizes.indices {
        // Every layer has a state of one size in each direction.
        let size = sizes.count == 1 ? stateSize : states[0].count / sizes.reduce(0, +) / 2 * sizes[l]
        var halves: [[[Scalar]]] = [x, x]
        for (half, direction) in ["forward", "backward"].enumerated() {
          for row in 0..<pass.rows {
            let length = pass.lengths.isEmpty ? pass.steps : pass.lengths[row]
            var state = Array(states[row][first + half * size..<first + (half + 1) * size])
            for t in half == 0 ? Array(0..<length) : (0..<length).reversed() {
              let i = t * pass.rows + row
              let next = oracle.step(kind, layer: "layer\(l).\(direction)", x[i], state)
              state = next.state
              halves[half][i] = connect(oracle, "layer\(l).\(direction).", next.y, x[i])
            }
            for t in length..<pass.steps {
              halves[half][t * pass.rows + row] = oracle.zeros(halves[half][row].count)
            }
          }
        }
        x = zip(halves[0], halves[1]).map { $0 + $1 }
        first += 2 * size
      }
      return x
    }

    private func connect(_ oracle: Oracle, _ prefix: String, _ y: [Scalar], _ x: [Scalar]) -> [Scalar] {
      switch connection {
      case .plain: y
      case .residual: zip(y, x).map { $0 + $1 }
      case .highway: oracle.highway(prefix, y, x)
      case .dense: y + x
      }
    }
  }

  /// A stack with random parameters, inputs and states, and what came of a pass.
  private final class Fixture {
    let declarations: Declarations
    let stack: Stack
    let states: [[Float]]
    let inputs: [Float]
    private(set) var upstream: [Float] = []
    private(set) var y: [Float] = []
    private(set) var inputGradient: [Float] = []

    init(_ shape: Shape, _ pass: Pass, _ engine: Engine, isPoisoned: Bool = false) {
      declarations = Declarations(engine: engine)
      stack = shape.make(declarations)
      declarations.arena.allocate()
      declarations.arena.randomize(limit: 0.6, seed: 31)
      var generator = SeededGenerator(seed: 32)
      inputs = generator.floats(pass.positions * Shape.input, limit: 1)
      let size = stack.stateSize
      states = (0..<pass.rows).map { _ in generator.floats(size, limit: 0.9) }
      let width = stack.outputSize
      upstream = generator.floats(pass.positions * width, limit: 1)
      for i in upstream.indices where !pass.lengths.isEmpty {
        let position = i / width
        if position / pass.rows >= pass.lengths[position % pass.rows] { upstream[i] = 0 }
      }
      run(pass, isPoisoned: isPoisoned)
    }

    private func run(_ pass: Pass, isPoisoned: Bool) {
      let x = Matrix(rows: pass.positions, columns: Shape.input, inputs)
      let gradient = Matrix(rows: pass.positions, columns: stack.outputSize, upstream)
      let dx = Matrix(rows: pass.positions, columns: Shape.input)
      dx.view.fill(.nan)
      if isPoisoned {
        // Room for more than is needed.
        let large = Pass(steps: 2 * pass.steps, rows: 3 * pass.rows)
        let more = Matrix(rows: large.positions, columns: Shape.input)
        stack.resetState(rows: large.rows)
        _ = stack.forward(more.view, large)
        withExtendedLifetime(more) {}
        declarations.workspace.poison()
      }
      stack.resetState(rows: pass.rows)
      for (row, state) in states.enumerated() { stack.setState(state[...], row: row) }
      y = stack.forward(x.view, pass).elements
      stack.clearStateGradients(rows: pass.rows)
      stack.backward(gradient.view, into: dx.view, adding: false, pass)
      inputGradient = dx.view.elements
      withExtendedLifetime((x, gradient, dx)) {}
    }
  }

  private static var passes: [Pass] {
    [
      Pass(steps: 3, rows: 2), Pass(steps: 1, rows: 3), Pass(steps: 4, rows: 1),
      Pass(steps: 4, rows: 3, lengths: [2, 4, 1]), Pass(steps: 5, rows: 2, lengths: [5, 3]),
    ]
  }

  @Test("Outputs and gradients are those of the tape", arguments: Shape.all)
  func gradients(shape: Shape) {
    var worst = 0.0
    for pass in Self.passes {
      var exact: (y: [Double], dx: [Double], parameters: [String: [Double]])?
      for engine in allEngines {
        let fixture = Fixture(shape, pass, engine)
        let arena = fixture.declarations.arena
        let expected = exact ?? textbook(shape, fixture, pass)
        exact = expected
        let width = fixture.stack.outputSize
        let live = fixture.y.indices.filter { i in
          pass.lengths.isEmpty || i / width / pass.rows < pass.lengths[i / width % pass.rows]
        }
        worst = max(
          worst, relativeError(live.map { fixture.y[$0] }, live.map { expected.y[$0] }),
          relativeError(fixture.inputGradient, expected.dx))
        #expect(!fixture.y.contains { !$0.isFinite })
        for parameter in arena.parameters {
          worst = max(
            worst, relativeError(parameter.gradient.elements, expected.parameters[parameter.name] ?? []))
        }
        #expect(fixture.declarations.workspace.overfull(steps: pass.steps, rows: pass.rows).isEmpty)
      }
    }
    print("\(shape.testDescription): worst relative error of a gradient \(Float(worst))")
    #expect(worst < 1e-4)
  }

  private func textbook(_ shape: Shape, _ fixture: Fixture, _ pass: Pass) -> (
    y: [Double], dx: [Double], parameters: [String: [Double]]
  ) {
    let oracle = Oracle(fixture.declarations.arena)
    let x = (0..<pass.positions).map { i in
      oracle.variables(Array(fixture.inputs[i * Shape.input..<(i + 1) * Shape.input]))
    }
    let y = shape.textbook(oracle, x, fixture.states.map { oracle.variables($0) }, pass).flatMap { $0 }
    let gradients = oracle.tape.gradients(of: oracle.tape.dot(y, oracle.variables(fixture.upstream)))
    return (
      y.map(\.value), x.flatMap { $0 }.map { gradients[$0] },
      Dictionary(
        uniqueKeysWithValues: fixture.declarations.arena.parameters.map { parameter in
          (parameter.name, oracle[parameter.name].rows.flatMap { $0 }.map { gradients[$0] })
        })
    )
  }

  @Test("Threads and NaN left in the buffers change no bit", arguments: Shape.all)
  func bits(shape: Shape) throws {
    for pass in Self.passes {
      let runs = try [(1, false), (2, false), (3, true)].map { threads, isPoisoned in
        Fixture(shape, pass, try Engine(threads: threads), isPoisoned: isPoisoned)
      }
      for run in runs.dropFirst() {
        let isSame =
          run.inputGradient == runs[0].inputGradient
          && run.declarations.arena.gradientBits == runs[0].declarations.arena.gradientBits
        #expect(isSame)
      }
    }
  }

  @Test("What stands behind a row's end is not seen", arguments: NeuralKind.recurrent)
  func ends(kind: NeuralKind) throws {
    let shape = Shape(kind: kind, sizes: [7, 17])
    let declarations = Declarations(engine: try Engine(threads: 2))
    let stack = shape.make(declarations)
    declarations.arena.allocate()
    declarations.arena.randomize(limit: 0.6, seed: 3)
    var generator = SeededGenerator(seed: 4)
    let pass = Pass(steps: 6, rows: 2, lengths: [3, 6])
    var inputs = generator.floats(pass.positions * Shape.input, limit: 1)
    func firstRow(_ inputs: [Float]) -> [Float] {
      let x = Matrix(rows: pass.positions, columns: Shape.input, inputs)
      stack.resetState(rows: pass.rows)
      let y = stack.forward(x.view, pass).elements
      withExtendedLifetime(x) {}
      return (0..<3).flatMap { t in y[2 * t * stack.outputSize..<(2 * t + 1) * stack.outputSize] }
    }
    let before = firstRow(inputs)
    for t in 3..<6 { for i in 0..<Shape.input { inputs[2 * t * Shape.input + i] = 100 } }
    #expect(firstRow(inputs) == before)
    // But what stands before it is, from the first step on.
    inputs[2 * 2 * Shape.input] += 1
    #expect(firstRow(inputs)[..<stack.outputSize] != before[..<stack.outputSize])
  }

  @Test("The memory of each direction is known, and both have the same", arguments: NeuralKind.recurrent)
  func memory(kind: NeuralKind) throws {
    let declarations = Declarations(engine: try singleThreadedEngine())
    let shape = Shape(kind: kind, sizes: [7, 17])
    let stack = shape.make(declarations)
    let workspace = declarations.workspace
    for l in shape.sizes.indices {
      let layer = "layer\(l)"
      let bytes = ["forward", "backward"].map {
        workspace.byteCount(steps: 35, rows: 20, of: "\(layer).\($0).")
      }
      let all = workspace.byteCount(steps: 35, rows: 20, of: "\(layer).")
      print("\(shape.testDescription), \(layer): forward \(bytes[0]), backward \(bytes[1]) of \(all) bytes")
      #expect(bytes[0] == bytes[1] && bytes[0] > 0)
      // The rest is x and ∂x the other way round, y, and ∂y of one direction.
      let width = l == 0 ? Shape.input : 2 * shape.sizes[0]
      #expect(all - bytes[0] - bytes[1] == Double(4 * 35 * 20 * (2 * width + 3 * shape.sizes[l])))
    }
    withExtendedLifetime(stack) {}
  }
}
