import Foundation
import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Networks that fill gaps.
@Suite("Fillers")
struct FillTests {
  // MARK: Equations

  /// The features of one direction, from what it is given in the order in which it reads.
  private func direction(
    _ oracle: Oracle, _ c: NeuralConfiguration, _ name: String, _ inputs: [TokenID]
  ) -> [[Scalar]] {
    var x = inputs.map { oracle["embedding"].rows[c.sharedRowsOfClusters + Int($0)] }
    for l in 1...c.layers {
      let layer = "\(name).layer\(l)"
      var seen = x
      if c.kind == .qrnn, l == 1 {
        seen = oracle.windows(
          x, initial: [oracle.zeros((c.inputWindow - 1) * x[0].count)], restarts: [])
      }
      let size = c.hiddenSizes.count == 1 ? c.hiddenSizes[0] : c.hiddenSizes[l - 1]
      var state = oracle.zeros(c.kind == .lstm ? size + (c.cell.projection ?? size) : size)
      let top = seen.map { x in
        let next = oracle.step(c.kind, c.cell, layer: layer, x, state)
        state = next.state
        return next.y
      }
      let fits = x[0].count == top[0].count
      x = zip(top, x).map { y, x in
        switch c.connection {
        case .residual where fits: zip(y, x).map { $0 + $1 }
        case .highway where fits: oracle.highway("\(layer).", y, x)
        case .dense where l < c.layers: y + x
        case .plain, .residual, .highway, .dense: y
        }
      }
    }
    return x
  }

  /// Σ −ln p of all tokens, from the documentation.
  private func oracleLoss(_ oracle: Oracle, _ c: NeuralConfiguration, _ text: [TokenID]) -> Scalar {
    let tape = oracle.tape
    let (w, bias) = (oracle["merge.weights"], oracle["merge.bias"].rows[0])
    var losses: [Scalar] = []
    let end = Vocabulary.endOfSentence
    for sentence in text.split(separator: end).map(Array.init) {
      let a = direction(oracle, c, "forward", [end] + sentence.dropLast())
      let b = direction(oracle, c, "backward", [end] + sentence.reversed().dropLast())
      for (t, token) in sentence.enumerated() {
        let both = a[t] + b[sentence.count - 1 - t]
        let f = bias.indices.map { j in
          (tape.dot(both, w.columns[j]) + bias[j]).hyperbolicTangent + both[j] + both[bias.count + j]
        }
        losses.append(oracle.negativeLogProbability(c.softmax, f, target: token))
      }
    }
    return tape.sum(losses)
  }

  @Test(
    "A filler is its equations, and so are its gradients",
    arguments: FillCases.Shape.cells + FillCases.Shape.options)
  func equations(shape: FillCases.Shape) throws {
    for engine in [try Engine(threads: 1), try Engine(threads: 2)] {
      let network = FillCases.network(shape, engine)
      let batch = FillCases.batch(FillCases.text)
      let loss = network.lossAndGradients(batch, scale: 0.5, dropoutKey: nil)
      let oracle = Oracle(network.arena)
      let exact = oracleLoss(oracle, shape.configuration.encoder, FillCases.text)
      #expect(abs(loss - exact.value) < 1e-4 * exact.value, "\(engine.testName)")
      #expect(abs(network.losses(batch).reduce(0, +) - exact.value) < 1e-4 * exact.value)
      let slopes = oracle.tape.gradients(of: exact)
      for parameter in network.arena.parameters {
        let expected = oracle[parameter.name].rows.flatMap { $0.map { 0.5 * slopes[$0] } }
        #expect(
          relativeError(parameter.gradient.elements, expected) < 2e-4,
          "\(parameter.name), \(engine.testName)")
      }
      withExtendedLifetime(network) {}
    }
  }

  @Test("Poisoned buffers change nothing", arguments: [FillCases.Shape.cells[2], FillCases.Shape.cells[1]])
  func poison(shape: FillCases.Shape) throws {
    let network = FillCases.network(shape, try Engine(threads: 2))
    // Room for more than is needed.
    _ = network.lossAndGradients(
      FillCases.batch(FillCases.sentences([9, 9, 9, 8, 7, 9])), scale: 1, dropoutKey: nil)
    network.arena.clearGradients()
    let loss = network.lossAndGradients(FillCases.batch(FillCases.text), scale: 1, dropoutKey: nil)
    let gradients = network.arena.gradientBits
    network.workspace.poison()
    network.arena.clearGradients()
    #expect(network.lossAndGradients(FillCases.batch(FillCases.text), scale: 1, dropoutKey: nil) == loss)
    #expect(network.arena.gradientBits == gradients)
  }

  // MARK: What a position sees

  @Test(
    "A token never changes its own distribution, but those of all others",
    arguments: FillCases.Shape.cells + FillCases.Shape.options)
  func blindness(shape: FillCases.Shape) throws {
    let network = FillCases.network(shape, try Engine(threads: 2))
    let size = FillCases.vocabulary.count
    let sentence: [TokenID] = [3, 9, 4, 12, 7, 5]
    func distributions(_ sentence: [TokenID]) -> [[Float]] {
      var all: [Float] = []
      network.logDistributions(FillCases.batch(sentence + [Vocabulary.endOfSentence]), into: &all)
      return stride(from: 0, to: all.count, by: size).map { Array(all[$0..<$0 + size]) }
    }
    let before = distributions(sentence)
    #expect(before.allSatisfy { abs($0.reduce(0) { $0 + exp(Double($1)) } - 1) < 1e-5 })
    for place in sentence.indices {
      var changed = sentence
      changed[place] = sentence[place] == 10 ? 11 : 10
      let after = distributions(changed)
      #expect(after[place] == before[place], "\(place)")
      for other in sentence.indices where other != place {
        #expect(after[other] != before[other], "\(other) by \(place)")
      }
    }
  }

  @Test("Rows of long sentences read their neighbours, and their targets once each")
  func rows() {
    let text = FillCases.sentences([10, 3])
    let rows = FillRow.rows(of: text, longest: 4, margin: 2)
    #expect(rows.map(\.targets) == [0..<3, 3..<6, 6..<10, 11..<14])
    #expect(rows.map(\.steps) == [0..<5, 1..<8, 4..<10, 11..<14])
    let batch = FillBatch([rows[1], rows[3]], of: text)
    #expect(batch.lengths == [7, 3] && batch.targetCount == 6)
    let end = Vocabulary.endOfSentence
    func column(_ values: ArraySlice<TokenID>, _ row: Int) -> [TokenID] {
      stride(from: row, to: values.count, by: 2).map { values[values.startIndex + $0] }
    }
    #expect(column(batch.inputs[..<14], 0) == Array(text[0..<7]))
    #expect(column(batch.inputs[14...], 0) == Array(text[2...8].reversed()))
    #expect(column(batch.inputs[..<14], 1).prefix(3) == [end, text[11], text[12]])
    #expect(column(batch.inputs[14...], 1).prefix(3) == [end, text[13], text[12]])
    let (none, ignored) = (Batch.ignored, [TokenID](repeating: Batch.ignored, count: 4))
    #expect(column(batch.targets[...], 0) == [none, none] + text[3..<6] + [none, none])
    #expect(column(batch.targets[...], 1) == text[11..<14] + ignored)
  }

  @Test("Batches have each row once an epoch, and as many steps at a place in each")
  func lengthBatches() {
    var generator = SeededGenerator(seed: 3)
    let lengths = (0..<300).map { _ in Int.random(in: 1...30, using: &generator) }
    var batches = LengthBatches(lengths: lengths, positions: 60, seed: 5)
    var orders: [[Int]] = []
    for epoch in 0..<3 {
      var all: [Int] = []
      for place in 0..<batches.count {
        let rows = batches.rows(at: place, epoch: epoch)
        let steps = rows.map { lengths[$0] }
        #expect((steps.max() ?? 0) * rows.count <= 60 && steps == steps.sorted(by: >))
        #expect(steps.reduce(0, +) == batches.stepCount(place..<place + 1))
        all += rows
      }
      #expect(all.sorted() == Array(lengths.indices))
      orders.append(all)
    }
    #expect(orders[0] != orders[1] && orders[1] != orders[2])
    #expect(batches.stepCount(0..<batches.count) == lengths.reduce(0, +))
  }
}
