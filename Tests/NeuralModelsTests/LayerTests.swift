import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// What holds for every layer: the contract of `SequenceLayer`.
@Suite("Layers")
struct LayerTests {
  /// A layer on its own, with random parameters, x and initial states.
  private final class Fixture {
    let declarations: Declarations
    let layer: any SequenceLayer
    let pass: Pass
    let states: [[Float]]
    private let x: Matrix
    private let upstream: [Float]

    init(_ test: LayerCase, _ pass: Pass, _ engine: Engine, seed: UInt64 = 11) {
      declarations = Declarations(engine: engine)
      layer = test.make(declarations)
      declarations.arena.allocate()
      declarations.arena.randomize(limit: 0.6, seed: seed)
      self.pass = pass
      var generator = SeededGenerator(seed: seed + 1)
      x = Matrix(
        rows: pass.positions, columns: test.input, generator.floats(pass.positions * test.input, limit: 1))
      let size = layer.stateSize
      states = (0..<pass.rows).map { _ in generator.floats(size, limit: 0.9) }
      upstream = generator.floats(pass.positions * layer.outputSize, limit: 1)
    }

    /// ∂L/∂y: zero behind the ends of rows.
    var outputGradient: [Float] {
      let width = layer.outputSize
      return upstream.indices.map { i in
        let (t, row) = (i / width / pass.rows, i / width % pass.rows)
        return pass.lengths.isEmpty || t < pass.lengths[row] ? upstream[i] : 0
      }
    }

    var inputs: [Float] { x.view.elements }

    func start(_ states: [[Float]]? = nil) {
      layer.resetState(rows: pass.rows)
      for (row, state) in (states ?? self.states).enumerated() { layer.setState(state[...], row: row) }
    }

    /// y, ∂L/∂x and all gradients.
    func run(poisoned: Bool = false, adding: [Float]? = nil) -> (y: [Float], dx: [Float]) {
      start()
      if poisoned { declarations.workspace.poison() }
      let y = layer.forward(x.view, pass).elements
      let gradient = Matrix(rows: pass.positions, columns: layer.outputSize, outputGradient)
      let dx = Matrix(rows: pass.positions, columns: layer.inputSize)
      dx.view.fill(.nan)
      if let adding { dx.view.pointer.update(from: adding, count: adding.count) }
      layer.clearStateGradients(rows: pass.rows)
      layer.backward(gradient.view, into: dx.view, adding: adding != nil, pass)
      defer { withExtendedLifetime((gradient, dx)) {} }
      return (y, dx.view.elements)
    }

    func forward() -> [Float] { layer.forward(x.view, pass).elements }
  }

  private static var passes: [Pass] {
    [
      Pass(steps: 3, rows: 2),
      // One row restarts in the middle, the other at the beginning.
      Pass(steps: 3, rows: 2, restarts: [false, true, false, false, true, false]),
      Pass(steps: 1, rows: 3), Pass(steps: 4, rows: 1),
      // Rows of different lengths, in no order; the longest has all steps.
      Pass(steps: 4, rows: 3, lengths: [2, 4, 1]),
      Pass(
        steps: 3, rows: 4, restarts: (0..<12).map { $0 % 5 == 3 }, lengths: [3, 1, 3, 2]),
    ]
  }

  private func engines() -> [Engine] { allEngines }

  @Test("Outputs and gradients are those of the tape, with restarts and lengths", arguments: LayerCase.all)
  func gradients(test: LayerCase) {
    var worst = 0.0
    for pass in Self.passes {
      var exact: (y: [Double], dx: [Double], parameters: [String: [Double]])?
      for engine in engines() {
        let fixture = Fixture(test, pass, engine)
        let expected = exact ?? textbook(test, fixture)
        exact = expected
        let (y, dx) = fixture.run()
        let live = fixture.outputGradient.indices.filter { i in
          pass.lengths.isEmpty
            || i / fixture.layer.outputSize / pass.rows
              < pass.lengths[i / fixture.layer.outputSize % pass.rows]
        }
        worst = max(
          worst, relativeError(live.map { y[$0] }, live.map { expected.y[$0] }),
          relativeError(dx, expected.dx))
        #expect(!y.contains { !$0.isFinite })
        for parameter in fixture.declarations.arena.parameters {
          worst = max(
            worst, relativeError(parameter.gradient.elements, expected.parameters[parameter.name] ?? []))
        }
        #expect(fixture.declarations.workspace.overfull(steps: pass.steps, rows: pass.rows).isEmpty)
      }
    }
    print("\(test.name): worst relative error of a gradient \(Float(worst))")
    // The tolerance is that of the tests of whole networks.
    #expect(worst < 1e-4)
  }

  /// y of all positions, and the gradients of Σ upstream ∘ y.
  private func textbook(_ test: LayerCase, _ fixture: Fixture) -> (
    y: [Double], dx: [Double], parameters: [String: [Double]]
  ) {
    let oracle = Oracle(fixture.declarations.arena)
    let (pass, tape) = (fixture.pass, oracle.tape)
    let x = oracle.variables(fixture.inputs)
    var states = fixture.states.map { oracle.variables($0) }
    let width = fixture.layer.outputSize
    var outputs: [Scalar] = []
    for t in 0..<pass.steps {
      for row in 0..<pass.rows {
        let i = t * pass.rows + row
        guard pass.lengths.isEmpty || t < pass.lengths[row] else {
          outputs += oracle.zeros(width)
          continue
        }
        if !pass.restarts.isEmpty, pass.restarts[i] { states[row] = oracle.zeros(states[row].count) }
        let next = test.step(oracle, Array(x[i * test.input..<(i + 1) * test.input]), states[row])
        states[row] = next.state
        outputs += next.y
      }
    }
    let gradients = tape.gradients(of: tape.dot(outputs, oracle.variables(fixture.outputGradient)))
    return (
      outputs.map(\.value), x.map { gradients[$0] },
      Dictionary(
        uniqueKeysWithValues: fixture.declarations.arena.parameters.map { parameter in
          (parameter.name, oracle[parameter.name].rows.flatMap { $0 }.map { gradients[$0] })
        })
    )
  }

  @Test("NaN left in the buffers changes nothing", arguments: LayerCase.all)
  func poison(test: LayerCase) throws {
    for pass in Self.passes {
      let engine = try Engine(threads: 2)
      let clean = Fixture(test, pass, engine)
      let expected = clean.run()
      let poisoned = Fixture(test, pass, engine)
      // Room for more than is needed.
      let large = Pass(steps: 3 * pass.steps, rows: 2 * pass.rows)
      let more = Matrix(rows: large.positions, columns: test.input)
      poisoned.layer.resetState(rows: large.rows)
      _ = poisoned.layer.forward(more.view, large)
      withExtendedLifetime(more) {}
      let found = poisoned.run(poisoned: true)
      // Comparisons of long arrays are not to be printed.
      let isSame =
        found.dx == expected.dx
        && poisoned.declarations.arena.gradientBits == clean.declarations.arena.gradientBits
      let (ended, hasSameOutput) = (!pass.lengths.isEmpty, found.y == expected.y)
      #expect(isSame && (ended || hasSameOutput))
    }
  }

  @Test("What is added is added to", arguments: LayerCase.all)
  func adding(test: LayerCase) throws {
    for pass in Self.passes {
      let fixture = Fixture(test, pass, try Engine(threads: 2))
      let plain = fixture.run().dx
      var generator = SeededGenerator(seed: 5)
      let before = generator.floats(plain.count, limit: 1)
      let sum = fixture.run(adding: before).dx
      #expect(zip(sum, zip(before, plain)).allSatisfy { abs($0 - $1.0 - $1.1) < 1e-5 })
    }
  }

  @Test("Any number of threads gives the same bits", arguments: LayerCase.all)
  func threads(test: LayerCase) {
    for pass in Self.passes {
      for table in KernelTable.supported {
        let runs = (1...3).map { threads -> ([Float], [Float], [UInt32]) in
          let fixture = Fixture(test, pass, Engine(kernels: table, threads: threads))
          let (y, dx) = fixture.run()
          return (y, dx, fixture.declarations.arena.gradientBits)
        }
        #expect(runs.allSatisfy { $0.0 == runs[0].0 && $0.1 == runs[0].1 && $0.2 == runs[0].2 })
      }
    }
  }

  @Test("A row of some length ends as it would alone", arguments: LayerCase.all)
  func lengths(test: LayerCase) throws {
    let pass = Pass(steps: 4, rows: 3, lengths: [2, 4, 1])
    let fixture = Fixture(test, pass, try Engine(threads: 2))
    fixture.start()
    let y = fixture.forward()
    let width = fixture.layer.outputSize
    for row in 0..<3 {
      let end = fixture.layer.state(row: row)
      let alone = Fixture(test, Pass(steps: pass.lengths[row], rows: 1), try singleThreadedEngine())
      alone.layer.resetState(rows: 1)
      alone.layer.setState(fixture.states[row][...], row: 0)
      var inputs: [Float] = []
      for t in 0..<pass.lengths[row] {
        inputs += fixture.inputs[(t * 3 + row) * test.input..<(t * 3 + row + 1) * test.input]
      }
      let x = Matrix(rows: pass.lengths[row], columns: test.input, inputs)
      let expected = alone.layer.forward(x.view, alone.pass).elements
      withExtendedLifetime(x) {}
      #expect(alone.layer.state(row: 0) == end)
      var found: [Float] = []
      for t in 0..<pass.lengths[row] { found += y[(t * 3 + row) * width..<(t * 3 + row + 1) * width] }
      #expect(found == expected)
    }
  }

  @Test("States are written, read and gathered", arguments: LayerCase.all)
  func states(test: LayerCase) throws {
    let fixture = Fixture(test, Pass(steps: 2, rows: 3), try singleThreadedEngine())
    fixture.start()
    #expect((0..<3).map { fixture.layer.state(row: $0) } == fixture.states)
    fixture.layer.gatherState([2, 0, 0])
    #expect((0..<3).map { fixture.layer.state(row: $0) } == [2, 0, 0].map { fixture.states[$0] })
    // Fewer rows, and more.
    fixture.layer.gatherState([1])
    #expect(fixture.layer.state(row: 0) == fixture.states[0])
    fixture.layer.resetState(rows: 2)
    #expect(fixture.layer.state(row: 1).allSatisfy { $0 == 0 })
  }

  @Test("20 steps are 7 and then 13", arguments: LayerCase.all)
  func carriedState(test: LayerCase) throws {
    let whole = Fixture(test, Pass(steps: 20, rows: 3), try Engine(threads: 2))
    whole.start()
    let all = whole.forward()
    let end = (0..<3).map { whole.layer.state(row: $0) }
    whole.start()
    var parts: [Float] = []
    for steps in [0..<7, 7..<20] {
      let x = Matrix(
        rows: steps.count * 3, columns: test.input,
        Array(whole.inputs[steps.lowerBound * 3 * test.input..<steps.upperBound * 3 * test.input]))
      parts += whole.layer.forward(x.view, Pass(steps: steps.count, rows: 3)).elements
      withExtendedLifetime(x) {}
    }
    #expect(parts == all && (0..<3).map { whole.layer.state(row: $0) } == end)
  }

  @Test("A probe sees every step, forth and back", arguments: NeuralKind.recurrent)
  func probe(kind: NeuralKind) throws {
    final class Watcher: Probe {
      var (steps, gradients): ([Int], [Int]) = ([], [])
      var hidden: [Float] = []
      func sawStep(
        _ t: Int, of layer: RecurrentLayer, gates: MatrixView, hidden: MatrixView, cell: MatrixView?
      ) {
        steps.append(t)
        self.hidden += hidden.elements
        #expect(gates.columns == layer.cell.gates.count * layer.hiddenSize)
        #expect((cell != nil) == layer.cell.hasCellState)
      }
      func sawGradient(_ t: Int, of layer: RecurrentLayer, hidden: MatrixView, cell: MatrixView?) {
        gradients.append(t)
        #expect((cell != nil) == layer.cell.hasCellState)
      }
    }
    let watcher = Watcher()
    var pass = Pass(steps: 4, rows: 2)
    pass.probe = watcher
    let test = LayerCase.recurrent(kind, input: 17, hidden: 17)
    let fixture = Fixture(test, pass, try Engine(threads: 2))
    let plain = Fixture(test, Pass(steps: 4, rows: 2), try Engine(threads: 2)).run()
    let watched = fixture.run()
    #expect(watched.y == plain.y && watched.dx == plain.dx && watcher.hidden == plain.y)
    #expect(watcher.steps == [0, 1, 2, 3] && watcher.gradients == [3, 2, 1, 0])
  }
}
