import Foundation
import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

@Suite("Looking inside recurrent networks")
struct GradientReachTests {
  // MARK: Matrices

  private func matrix(_ rows: [[Float]]) -> Matrix {
    Matrix(rows: rows.count, columns: rows[0].count, rows.flatMap { $0 })
  }

  @Test("Spectral radius and norm of matrices whose eigenvalues and singular values are known")
  func knownMatrices() throws {
    let engine = try singleThreadedEngine()
    let (c, s) = (Float(cos(0.7)), Float(sin(0.7)))
    // A rotation has complex eigenvalues of absolute value 1, and stretches nothing. A triangle has its eigenvalues on the diagonal. The
    // singular values of ((1, 1), (0, 1)) are the golden ratio and its inverse. What is nilpotent has the eigenvalue 0 only.
    let golden = (1 + 5.0.squareRoot()) / 2
    for (rows, radius, norm) in [
      ([[0.9 * c, -0.9 * s], [0.9 * s, 0.9 * c]], 0.9, 0.9), ([[2, 0, 0], [0, -3, 0], [0, 0, 0.5]], 3, 3),
      ([[1, 1], [0, 1]], 1, golden), ([[0, 5], [0, 0]], 0, 5), ([[0, 0], [0, 0]], 0, 0), ([[-1.5]], 1.5, 1.5),
    ] as [([[Float]], Double, Double)] {
      let a = matrix(rows)
      #expect(abs(MatrixMeasures.spectralRadius(a.view, engine: engine) - radius) < 1e-4 * max(1, radius))
      #expect(abs(MatrixMeasures.norm(a.view) - norm) < 1e-6 * max(1, norm))
      withExtendedLifetime(a) {}
    }
    // A matrix of rank one, u vᵀ, is not square: its norm is ‖u‖ ‖v‖.
    let a = matrix([[3, 0, 4], [6, 0, 8]])
    #expect(abs(MatrixMeasures.norm(a.view) - 125.0.squareRoot()) < 1e-6)
    withExtendedLifetime(a) {}
    // The power of a matrix has the power of its radius: an orthogonal similarity of a diagonal, made larger by a shear.
    let large = Matrix(rows: 33, columns: 33)
    var generator = SeededGenerator(seed: 4)
    for i in 0..<33 {
      large[i, i] = i == 7 ? -1.25 : 0.5
      for j in i + 1..<33 { large[i, j] = Float(generator.uniform() - 0.5) }
    }
    #expect(abs(MatrixMeasures.spectralRadius(large.view, engine: engine) - 1.25) < 1e-3)
    withExtendedLifetime(large) {}
  }

  // MARK: Gradients

  /// ∂loss/∂h and ∂loss/∂c after each of the steps, with the other one held fixed: each state is made a variable of its own in turn, and the
  /// rest of the way to the loss done again.
  private func exactNorms(
    _ c: NeuralConfiguration, _ arena: ParameterArena, inputs: [TokenID], target: TokenID
  ) -> [[(hidden: Double, cell: Double)]] {
    let size = c.hiddenSize
    let hasCell = c.kind == .lstm
    return (0..<c.layers).map { chosen in
      inputs.indices.reversed().map { place in
        let oracle = Oracle(arena)
        let tape = oracle.tape
        var states = (0..<c.layers).map { _ in oracle.zeros(hasCell ? 2 * size : size) }
        var leaf: [Scalar] = []
        var x: [Scalar] = []
        for (t, input) in inputs.enumerated() {
          x = oracle["embedding"].rows[Int(input)]
          for l in 0..<c.layers {
            var next = oracle.step(c.kind, c.cell, layer: "layer\(l + 1)", x, states[l])
            if l == chosen, t == place {
              leaf = oracle.variables(next.state.map { Float($0.value) })
              next = (Array(leaf.prefix(size)), leaf)
            }
            states[l] = next.state
            x = next.y
          }
        }
        let bias = oracle["output.bias"].rows[0]
        let logits = bias.indices.map { tape.dot(x, oracle["output.weights"].columns[$0]) + bias[$0] }
        let loss = tape.sum(logits.map(\.exponential)).logarithm - logits[Int(target)]
        let gradients = tape.gradients(of: loss)
        func norm(_ scalars: ArraySlice<Scalar>) -> Double {
          scalars.reduce(0) { $0 + gradients[$1] * gradients[$1] }.squareRoot()
        }
        return (norm(leaf.prefix(size)), hasCell ? norm(leaf[size...]) : 0)
      }
    }
  }

  @Test("Norms of gradients by distance are those of the tape", arguments: [NeuralKind.rnn, .gru, .lstm])
  func reach(kind: NeuralKind) throws {
    for threads in [1, 2] {
      let shape = NetworkShape(kind, layers: 2, hidden: 5, embedding: 4, vocabulary: 7)
      let network = shape.make(try Engine(threads: threads))
      network.arena.randomize(limit: 0.7, seed: 8)
      let text: [TokenID] = [3, 5, 2, 6, 4, 2, 1]
      // Only the last token has six before it.
      let steps = 6
      let reach = try GradientReachMeter(network, shape.configuration, text: text, steps: steps).measure(
        mostPlaces: 10)
      #expect(reach.places == 1 && reach.layers.count == 2 && reach.layers[0].hidden.count == steps + 1)
      let exact = exactNorms(
        shape.configuration, network.arena, inputs: [Vocabulary.endOfSentence] + text.dropLast(), target: 1)
      for (layer, norms) in zip(reach.layers, exact) {
        for (k, norm) in norms.enumerated() {
          #expect(abs(layer.hidden[k].median - norm.hidden) < 1e-4 * norm.hidden + 1e-7, "\(layer.name) \(k)")
          #expect(layer.hidden[k].mean == layer.hidden[k].median)
          if let cell = layer.cell {
            #expect(abs(cell[k].mean - norm.cell) < 1e-4 * norm.cell + 1e-7, "\(layer.name) c \(k)")
          }
        }
        #expect((layer.cell != nil) == (kind == .lstm))
      }
      withExtendedLifetime(network) {}
    }
  }

  @Test("No gradient of a simple network is larger than its bound allows")
  func bound() throws {
    for activation in CellOptions.Activation.allCases {
      var shape = NetworkShape(.rnn, hidden: 17, embedding: 6, vocabulary: 9)
      shape.configuration.cell.activation = activation
      let network = shape.make(try singleThreadedEngine())
      network.arena.randomize(limit: 0.4, seed: 3)
      var generator = SeededGenerator(seed: 2)
      let text = generator.tokens(400, vocabularySize: 9)
      let reach = try GradientReachMeter(network, shape.configuration, text: text, steps: 12).measure(
        mostPlaces: 50)
      #expect(reach.places == 50)
      let layer = reach.layers[0]
      let factor = try #require(layer.boundFactor)
      #expect(abs(factor - layer.matrices[0].norm * (activation == .sigmoid ? 0.25 : 1)) < 1e-9)
      for k in 1...12 {
        #expect(layer.hidden[k].mean <= layer.hidden[0].mean * pow(factor, Double(k)) * (1 + 1e-5))
        #expect(layer.hidden[k].lowerQuartile <= layer.hidden[k].median)
        #expect(layer.hidden[k].median <= layer.hidden[k].upperQuartile)
      }
      withExtendedLifetime(network) {}
    }
  }

  @Test("Sentences are not crossed, and a text that is too short is refused")
  func sentences() throws {
    let shape = NetworkShape(.gru, hidden: 5, embedding: 4, context: .sentence, vocabulary: 7)
    let network = shape.make(try singleThreadedEngine())
    network.arena.randomize(limit: 0.7, seed: 8)
    let end = Vocabulary.endOfSentence
    let text: [TokenID] = [3, 5, end, 6, 4, 2, end, 2, 3, 4, 5, end]
    let meter = GradientReachMeter(network, shape.configuration, text: text, steps: 4)
    let reach = try meter.measure(mostPlaces: 9)
    #expect(reach.places == 1)
    // The same as of the last sentence alone.
    let alone = try GradientReachMeter(
      network, shape.configuration, text: Array(text.suffix(5)), steps: 4
    ).measure(mostPlaces: 9)
    #expect(alone.loss == reach.loss)
    #expect(zip(alone.layers[0].hidden, reach.layers[0].hidden).allSatisfy { $0.mean == $1.mean })
    let error = #expect(throws: ShortTextError.self) {
      try GradientReachMeter(network, shape.configuration, text: text, steps: 5).measure(mostPlaces: 9)
    }
    #expect(error?.longest == 4)
    withExtendedLifetime(network) {}
  }

  // MARK: Gates

  @Test("A trace has every gate, and ends in the state that the model goes on from")
  func trace() throws {
    let shape = NetworkShape(.lstm, layers: 2, hidden: 5, embedding: 4, vocabulary: 7)
    let network = shape.make(try Engine(threads: 2))
    network.arena.randomize(limit: 0.7, seed: 8)
    let model = NeuralModel(network, vocabulary: shape.vocabulary, configuration: shape.configuration)
    let tokens: [TokenID] = [Vocabulary.endOfSentence, 3, 5, 2]
    let trace = model.gateTrace(reading: tokens)
    #expect(trace.layers.map(\.name) == ["layer1", "layer2"])
    for layer in trace.layers {
      #expect(
        layer.series.map(\.name) == ["input", "forget", "candidate", "output", "cell", "hidden"])
      #expect(layer.series.allSatisfy { $0.values.count == 4 && $0.values.allSatisfy { $0.count == 5 } })
      #expect(layer.series.filter(\.isGate).allSatisfy { $0.values.joined().allSatisfy { $0 > 0 && $0 < 1 } })
    }
    var state = model.initialState
    for token in tokens.dropFirst() { state = model.advance(state, by: token) }
    let ends = trace.layers.flatMap { layer in
      ["hidden", "cell"].flatMap { name in layer.series.first { $0.name == name }?.values.last ?? [] }
    }
    #expect(zip(state.values, ends).allSatisfy { abs($0 - $1) < 1e-6 } && state.values.count == ends.count)
    let first = -model.logProbability(of: 3, after: model.initialState).0
    #expect(trace.losses.count == 3 && abs(trace.losses[0] - Double(first)) < 1e-5)
  }

  // MARK: Error wall

  @Test("The wall's gradients are those of the tape, and clipping keeps descent near it")
  func wall() {
    for point in [ErrorWall.Point(w: 3, b: -1.5), .init(w: 4.2, b: -2.1), .init(w: 5.5, b: -2.9)] {
      let tape = Tape()
      let (w, b) = (tape.variable(point.w), tape.variable(point.b))
      var x = tape.variable(0.5)
      for _ in 0..<ErrorWall.steps { x = w * x.sigmoid + b }
      let difference = x - tape.variable(0.7)
      let error = difference * difference
      let gradients = tape.gradients(of: error)
      let found = ErrorWall.error(at: point)
      #expect(abs(found.value - error.value) < 1e-12)
      #expect(abs(found.w - gradients[w]) < 1e-9 && abs(found.b - gradients[b]) < 1e-9)
    }
    let start = ErrorWall.Point(w: 6, b: -2.6)
    func farthest(_ clip: Double?) -> Double {
      ErrorWall.descent(from: start, rate: 0.05, clip: clip, updates: 60).map {
        hypot($0.w - start.w, $0.b - start.b)
      }.max() ?? 0
    }
    #expect(farthest(nil) > 30 && farthest(1) < 3)
  }
}
