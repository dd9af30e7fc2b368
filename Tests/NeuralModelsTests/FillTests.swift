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
  // MARK: Shapes

  struct Shape: Sendable, CustomTestStringConvertible {
    var configuration: FillConfiguration
    let testDescription: String

    private init(
      _ kind: NeuralKind, layers: Int, _ name: String = "",
      _ change: (inout NeuralConfiguration) -> Void = { _ in }
    ) {
      var encoder = NeuralConfiguration(kind: kind)
      (encoder.layers, encoder.hiddenSizes, encoder.embeddingSize) = (layers, [6], 6)
      change(&encoder)
      configuration = FillConfiguration(encoder: encoder)
      testDescription = "\(kind), \(layers) layers\(name)"
    }

    /// Every cell in three layers.
    static let cells = NeuralKind.recurrent.map { Shape($0, layers: 3) }
    /// What else a network can have.
    static let options =
      [Connection.residual, .highway, .dense].map { connection in
        Shape(.lstm, layers: 3, ", \(connection)") { $0.connection = connection }
      } + [
        Shape(.gru, layers: 1, ", tied") { $0.tiesEmbeddings = true },
        Shape(.lstm, layers: 2, ", other sizes") { ($0.hiddenSizes, $0.embeddingSize) = ([7, 5], 4) },
        Shape(.lstm, layers: 1, ", projection") { ($0.hiddenSizes, $0.cell.projection) = ([8], 5) },
        Shape(.gru, layers: 1, ", adaptive") {
          ($0.softmax.kind, $0.softmax.cutoffs, $0.softmax.tailDivisor) = (.adaptive, [5, 11], 2)
        },
        Shape(.gru, layers: 1, ", adaptive and tied") {
          ($0.softmax.kind, $0.softmax.cutoffs, $0.tiesEmbeddings) = (.adaptive, [5, 11], true)
        },
        Shape(.gru, layers: 1, ", classes") {
          ($0.softmax.kind, $0.softmax.classes) = (.classes, (0..<20).map { $0 % 4 })
        },
        Shape(.lstm, layers: 1, ", sampled") { ($0.softmax.kind, $0.softmax.sampleCount) = (.sampled, 6) },
      ]
  }

  private static let vocabulary = Vocabulary(unit: .word, tokens: (2..<20).map { "w\($0)" })
  private static let text: [TokenID] = sentences([4, 1, 3, 6, 2])

  private static func sentences(_ lengths: [Int], seed: UInt64 = 4) -> [TokenID] {
    var generator = SeededGenerator(seed: seed)
    return lengths.flatMap { length in
      (0..<length).map { _ in TokenID.random(in: 0..<20, using: &generator) }
        .map { $0 == Vocabulary.endOfSentence ? 5 : $0 } + [Vocabulary.endOfSentence]
    }
  }

  private func network(_ shape: Shape, _ engine: Engine) -> FillNetwork {
    let network = FillNetwork(
      shape.configuration, vocabularySize: Self.vocabulary.count, engine: engine)
    network.arena.allocate()
    network.arena.randomize(limit: 0.6, seed: 8)
    return network
  }

  private func batch(_ text: [TokenID], longest: Int = 100, margin: Int = 0) -> FillBatch {
    FillBatch(FillRow.rows(of: text, longest: longest, margin: margin), of: text)
  }

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

  @Test("A filler is its equations, and so are its gradients", arguments: Shape.cells + Shape.options)
  func equations(shape: Shape) throws {
    for engine in [try Engine(threads: 1), try Engine(threads: 2)] {
      let network = network(shape, engine)
      let batch = batch(Self.text)
      let loss = network.lossAndGradients(batch, scale: 0.5, dropoutKey: nil)
      let oracle = Oracle(network.arena)
      let exact = oracleLoss(oracle, shape.configuration.encoder, Self.text)
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

  @Test("Poisoned buffers change nothing", arguments: [Shape.cells[2], Shape.cells[1]])
  func poison(shape: Shape) throws {
    let network = network(shape, try Engine(threads: 2))
    // Room for more than is needed.
    _ = network.lossAndGradients(batch(Self.sentences([9, 9, 9, 8, 7, 9])), scale: 1, dropoutKey: nil)
    network.arena.clearGradients()
    let loss = network.lossAndGradients(batch(Self.text), scale: 1, dropoutKey: nil)
    let gradients = network.arena.gradientBits
    network.workspace.poison()
    network.arena.clearGradients()
    #expect(network.lossAndGradients(batch(Self.text), scale: 1, dropoutKey: nil) == loss)
    #expect(network.arena.gradientBits == gradients)
  }

  // MARK: What a position sees

  @Test(
    "A token never changes its own distribution, but those of all others",
    arguments: Shape.cells + Shape.options)
  func blindness(shape: Shape) throws {
    let network = network(shape, try Engine(threads: 2))
    let size = Self.vocabulary.count
    let sentence: [TokenID] = [3, 9, 4, 12, 7, 5]
    func distributions(_ sentence: [TokenID]) -> [[Float]] {
      var all: [Float] = []
      network.logDistributions(batch(sentence + [Vocabulary.endOfSentence]), into: &all)
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
    let text = Self.sentences([10, 3])
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

  // MARK: Training

  private func trainer(
    _ shape: Shape, _ text: [TokenID], threads: Int, epochs: Int = 3, rate: Double = 0.01,
    dropout: Float = 0.2
  ) throws -> Trainer<Fill> {
    var options = TrainingOptions()
    (options.batchSize, options.sequenceLength, options.epochs) = (8, 6, epochs)
    (options.rate, options.seed) = (rate, 3)
    var configuration = shape.configuration
    configuration.encoder.dropout = dropout
    let task = Fill(
      text: text, vocabulary: Self.vocabulary, configuration: configuration, options: options,
      engine: try Engine(threads: threads))
    return Trainer(task, options: options)
  }

  private struct Stop: Error {}

  @Test(
    "A run that goes on is the same, on any number of threads",
    arguments: Shape.cells + Shape.options.suffix(7))
  func resumption(shape: Shape) throws {
    let text = Self.sentences((0..<120).map { 1 + $0 % 7 })
    let heldOut = Self.sentences([3, 5, 7, 2], seed: 9)
    let whole = try trainer(shape, text, threads: 1)
    _ = try whole.train(heldOut: heldOut) { _ in }
    let expected = whole.tensors
    let first = try trainer(shape, text, threads: 2)
    #expect(throws: Stop.self) {
      _ = try first.train(heldOut: heldOut) { event in
        if case .update(let update) = event, update.number == 17 { throw Stop() }
      }
    }
    let state = first.state
    let checkpoint = checkpoint(shape, first.tensors + state.tensors)
    let second = try trainer(shape, text, threads: 2)
    try second.resume(from: checkpoint, numbers: state.numbers)
    _ = try second.train(heldOut: heldOut) { _ in }
    for (a, b) in zip(expected, second.tensors) {
      guard case .float32(let x) = a.elements, case .float32(let y) = b.elements else { continue }
      #expect(x.map(\.bitPattern) == y.map(\.bitPattern), "\(a.name)")
    }
  }

  private func checkpoint(_ shape: Shape, _ tensors: [Tensor]) -> Checkpoint {
    Checkpoint(
      model: FillConfiguration.kind, programVersion: "1", tokenizer: Tokenizer(),
      vocabulary: Self.vocabulary, configuration: shape.configuration.json, training: .null,
      tensors: tensors)
  }

  /// Sentences `a x b` with words around, where x follows from a and b together, and from neither alone.
  private func planted(_ count: Int, seed: UInt64) -> [TokenID] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).flatMap { _ -> [TokenID] in
      let (a, b) = (Int.random(in: 0..<3, using: &generator), Int.random(in: 0..<3, using: &generator))
      let filler = (0..<2).map { _ in TokenID.random(in: 14..<20, using: &generator) }
      return [filler[0], TokenID(2 + a), TokenID(8 + (a + b) % 3), TokenID(5 + b), filler[1]]
        + [Vocabulary.endOfSentence]
    }
  }

  @Test(
    "The word that both sides decide is found, also after a checkpoint",
    arguments: [Shape.cells[1], Shape.cells[2]])
  func planted(shape: Shape) throws {
    var shape = shape
    shape.configuration.encoder.layers = 1
    shape.configuration.encoder.hiddenSizes = [16]
    let trainer = try trainer(shape, planted(600, seed: 1), threads: 2, epochs: 25, rate: 0.02, dropout: 0)
    let heldOut = planted(60, seed: 2)
    _ = try trainer.train(heldOut: heldOut) { _ in }
    let tensors = trainer.tensors
    let measured = try #require(trainer.bestMeasurement)
    let filler = trainer.finish()
    let again = try Filler(checkpoint(shape, tensors), engine: try singleThreadedEngine())
    #expect(again.configuration == shape.configuration)
    let evaluation = again.evaluate(heldOut) { _ in }
    #expect(evaluation.tokens == 300 && evaluation.sentences == 60)
    #expect(abs(evaluation.crossEntropy - measured.crossEntropy) < 1e-5)
    let hidden = HiddenTokens(40, of: heldOut, seed: 3)
    var (right, sure) = (0, 0)
    for i in 0..<hidden.count where hidden.places[i] == 2 {
      let fillings = again.fill(hidden.sentence(i), GapSearch())
      #expect(fillings == filler.fill(hidden.sentence(i), GapSearch()))
      right += fillings.best[0].tokens == [[hidden.token(i)]] ? 1 : 0
      sure += 1
      let all = again.fill(hidden.sentence(i), GapSearch(count: 100))
      #expect(abs(all.best.reduce(0) { $0 + exp($1.logProbability) } - 1) < 1e-5 && all.isComplete)
      #expect(all.best.count == 18 && !all.best.contains { $0.tokens[0][0] < 2 })
    }
    #expect(sure > 3 && right == sure, "\(right) of \(sure)")
    try severalGaps(again)
  }

  private func severalGaps(_ filler: Filler) throws {
    // w3 ___ w5 decides the word; with [w2|w3|w4] ___ w5, the two gaps must agree.
    let two = GappedSentence(
      parts: [[15], [], [5, 16]], gaps: [.choices([[2], [3], [4]]), .anyToken])
    let fillings = filler.fill(two, GapSearch(count: 100, width: 100))
    #expect(abs(fillings.best.reduce(0) { $0 + exp($1.logProbability) } - 1) < 1e-5)
    for number in 0..<3 {
      // An open gap is nothing that the network was trained on, but once it is filled, the other is decided.
      let best = try #require(fillings.best.first { $0.choices == [number, nil] })
      #expect(best.tokens == [[TokenID(2 + number)], [TokenID(8 + number)]])
    }
    let choice = GappedSentence(parts: [[15, 3], [5, 16]], gaps: [.choices([[8], [9], [10]])])
    let ranked = filler.fill(choice, GapSearch()).best
    #expect(ranked.map(\.choices[0])[0] == 1 && ranked.count == 3)
    #expect(abs(ranked.reduce(0) { $0 + exp($1.logProbability) } - 1) < 1e-5)
  }

  @Test("Sentences too long for one batch are scored whole, as far as parts can tell")
  func longSentences() throws {
    let network = network(Shape.cells[1], try Engine(threads: 2))
    let text = Self.sentences([2500, 2, 40])
    let scores = network.logProbabilities(text) { _ in }
    #expect(scores.count == text.count && scores[2500] == 0)
    let whole = network.losses(batch(text, longest: 10_000))
    // Three rows side by side, in their order.
    for i in 0..<2500 { #expect(abs(Double(-scores[i]) - whole[3 * i]) < 1e-4) }
  }

  // MARK: By a model that reads from left to right

  @Test(
    "A language model fills as the probabilities of whole sentences say", arguments: [NeuralKind.lstm, .nnlm])
  func leftToRight(kind: NeuralKind) throws {
    var configuration = NeuralConfiguration(kind: kind)
    (configuration.hiddenSizes, configuration.embeddingSize) = ([6], 5)
    let model = NeuralModel(
      untrained: configuration, vocabulary: Self.vocabulary, seed: 4, engine: try Engine(threads: 2))
    let (left, middle, right): ([TokenID], [TokenID], [TokenID]) = ([3, 4], [9, 7], [5, 12, 6])
    let allowed = (2..<TokenID(20)).map { $0 }
    let one = allowed.map { left + [$0] + right }
    let sums = model.logProbabilities(ofSentences: one) { _ in }
    let total = sums.reduce(0) { $0 + exp($1) }
    let found = model.fill(GappedSentence(parts: [left, right], gaps: [.anyToken]), GapSearch(count: 18))
    #expect(found.compared == 18 && found.best.count == 18)
    for filling in found.best {
      let expected = exp(sums[Int(filling.tokens[0][0]) - 2]) / total
      #expect(abs(exp(filling.logProbability) - expected) < 1e-5)
    }
    // Two gaps, one of which has choices of different lengths.
    let choices: [[TokenID]] = [[], [8], [8, 9, 10]]
    let two = GappedSentence(parts: [left, middle, right], gaps: [.anyToken, .choices(choices)])
    let pairs = allowed.flatMap { token in choices.map { (token, $0) } }
    let both = model.logProbabilities(ofSentences: pairs.map { left + [$0] + middle + $1 + right }) { _ in }
    let sum = both.reduce(0) { $0 + exp($1) }
    let all = model.fill(two, GapSearch(count: 54, width: 54))
    #expect(all.compared == 54 && all.best.count == 54)
    for filling in all.best {
      let i = try #require(pairs.firstIndex { [[$0], $1] == filling.tokens })
      #expect(abs(exp(filling.logProbability) - exp(both[i]) / sum) < 1e-5)
      #expect(filling.choices == [nil, choices.firstIndex(of: filling.tokens[1])])
    }
    // Few candidates are those after what stands before the gap.
    let few = model.fill(
      GappedSentence(parts: [left, right], gaps: [.anyToken]), GapSearch(count: 18, candidates: 4))
    #expect(few.compared == 4 && !few.isComplete)
    #expect(abs(few.best.reduce(0) { $0 + exp($1.logProbability) } - 1) < 1e-5)
  }
}
