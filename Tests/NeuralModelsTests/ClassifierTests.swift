import Foundation
import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Networks that label texts.
@Suite("Classifiers")
struct ClassifierTests {
  // MARK: Pools and heads

  struct HeadCase: Sendable, CustomTestStringConvertible {
    let pooling: PoolingKind
    let isMultiple: Bool
    let testDescription: String

    static let all = PoolingKind.allCases.flatMap { pooling in
      [false, true].map {
        HeadCase(
          pooling: pooling, isMultiple: $0,
          testDescription: "\(pooling), \($0 ? "several labels" : "one label")")
      }
    }
  }

  private static let (steps, rows, size, forward, labels) = (4, 3, 5, 3, 4)
  private static let lengths = [4, 1, 3]
  private static let targets = [[2], [0], [3]]
  private static let several = [[2, 0], [], [1, 2, 3]]

  @Test("Pools and heads are their equations, and so are their gradients", arguments: HeadCase.all)
  func heads(test: HeadCase) throws {
    for engine in allEngines {
      let d = Declarations(engine: engine)
      let pool = PoolingLayer(test.pooling, size: Self.size, forwardSize: Self.forward, d.of("pool"))
      let head = LabelHead(
        featureSize: Self.size, labelCount: Self.labels, isMultiple: test.isMultiple, d.of("labels"))
      head.labelWeights = [1, 0.5, 2, 1.5]
      d.arena.allocate()
      d.arena.randomize(limit: 0.9, seed: 3)
      var generator = SeededGenerator(seed: 5)
      let y = Matrix(
        rows: Self.steps * Self.rows, columns: Self.size,
        generator.floats(Self.steps * Self.rows * Self.size, limit: 1))
      // What stands behind the ends must not matter.
      for i in 0..<y.view.rows where i / Self.rows >= Self.lengths[i % Self.rows] {
        for j in 0..<Self.size { y.view[i, j] = 7 }
      }
      let gradient = Matrix(
        rows: y.view.rows, columns: Self.size, [Float](repeating: .nan, count: y.view.rows * Self.size))
      let pass = Pass(steps: Self.steps, rows: Self.rows, lengths: Self.lengths)
      let targets = test.isMultiple ? Self.several : Self.targets
      let v = pool.forward(y.view, pass)
      let pooled = Matrix(rows: Self.rows, columns: Self.size)
      let loss = head.lossAndGradients(v, targets: targets, scale: 0.5, gradient: pooled.view)
      pool.backward(pooled.view, into: gradient.view, pass)
      // Weights are for training; at scores of 0, they are in the loss of guessing, too.
      #expect(head.losses(v, targets: targets, isWeighted: true).reduce(0, +) == loss)
      let weighted = head.labelWeights
      head.labelWeights = [Float](repeating: 1, count: Self.labels)
      let plain = head.losses(v, targets: targets, isWeighted: true)
      head.labelWeights = weighted
      #expect(head.losses(v, targets: targets) == plain)
      let nothing = Matrix(rows: Self.rows, columns: Self.size)
      let bias = d.arena.parameters.first { $0.name == "labels.bias" }
      let kept = bias?.value.elements ?? []
      bias?.value.fill(0)
      let guessed = head.losses(nothing.view, targets: targets, isWeighted: true).reduce(0, +)
      for (i, value) in kept.enumerated() { bias?.value.pointer[i] = value }
      #expect(abs(head.lossOfGuessing(targets) - guessed) < 1e-5)

      let (tape, parameters) = (Tape(), d.arena.parameters)
      let weights = parameters.map { p in p.value.elements.map { tape.variable(Double($0)) } }
      func named(_ name: String) -> [Scalar] {
        parameters.firstIndex { $0.name == name }.map { weights[$0] } ?? []
      }
      let x = y.view.elements.map { tape.variable(Double($0)) }
      let exact = tape.sum(
        (0..<Self.rows).map { row in
          oracleLoss(test, row, x, named, tape, targets[row], head.labelWeights.map { Double($0) })
        })
      #expect(abs(loss - exact.value) < 1e-5 * max(1, exact.value), "\(engine.testName)")
      let slopes = tape.gradients(of: exact)
      #expect(relativeError(gradient.view.elements, x.map { 0.5 * slopes[$0] }) < 1e-5, "\(engine.testName)")
      for (parameter, nodes) in zip(parameters, weights) {
        #expect(
          relativeError(parameter.gradient.elements, nodes.map { 0.5 * slopes[$0] }) < 1e-5,
          "\(parameter.name), \(engine.testName)")
      }
      withExtendedLifetime((d, y, gradient, pooled)) {}
    }
  }

  /// L of one row, as the documentation has it.
  private func oracleLoss(
    _ test: HeadCase, _ row: Int, _ x: [Scalar], _ named: (String) -> [Scalar], _ tape: Tape,
    _ targets: [Int],
    _ labelWeights: [Double]
  ) -> Scalar {
    let (n, f) = (Self.lengths[row], Self.size)
    func y(_ t: Int) -> [Scalar] { (0..<f).map { x[(t * Self.rows + row) * f + $0] } }
    var v: [Scalar]
    switch test.pooling {
    case .last: v = Array(y(n - 1)[..<Self.forward] + y(0)[Self.forward...])
    case .max: v = (0..<f).map { j in (0..<n).map { y($0)[j] }.max { $0.value < $1.value } ?? y(0)[j] }
    case .mean: v = (0..<f).map { j in 1 / Double(n) * tape.sum((0..<n).map { y($0)[j] }) }
    case .attention:
      let (w, b, q) = (named("pool.weights"), named("pool.bias"), named("pool.query"))
      let scores = (0..<n).map { t in
        let u = (0..<f).map { j in
          (tape.dot(y(t), (0..<f).map { w[$0 * f + j] }) + b[j]).hyperbolicTangent
        }
        return tape.dot(u, q).exponential
      }
      let sum = tape.sum(scores)
      v = (0..<f).map { j in tape.sum((0..<n).map { (scores[$0] / sum) * y($0)[j] }) }
    }
    let (w, b) = (named("labels.weights"), named("labels.bias"))
    let z = (0..<Self.labels).map { c in
      tape.dot(v, (0..<f).map { w[$0 * Self.labels + c] }) + b[c]
    }
    if targets.isEmpty { return tape.variable(0) }
    if !test.isMultiple {
      let c = targets[0]
      return labelWeights[c] * (tape.sum(z.map(\.exponential)).logarithm - z[c])
    }
    return tape.sum(
      (0..<Self.labels).map { c in
        let p = z[c].sigmoid
        return targets.contains(c) ? labelWeights[c] * (0 - p.logarithm) : 0 - (1 - p).logarithm
      })
  }

  // MARK: Whole networks

  static let shapes: [ClassifierConfiguration] = {
    var result: [ClassifierConfiguration] = []
    for kind in NeuralKind.recurrent {
      for isBidirectional in [false, true] {
        var encoder = NeuralConfiguration(kind: kind)
        (encoder.layers, encoder.hiddenSizes, encoder.embeddingSize) = (2, [6], 5)
        var configuration = ClassifierConfiguration(encoder: encoder)
        configuration.isBidirectional = isBidirectional
        configuration.pooling = PoolingKind.allCases[result.count % 4]
        configuration.rules.isMultiple = result.count % 3 == 2
        result.append(configuration)
      }
    }
    var bag = ClassifierConfiguration(encoder: NeuralConfiguration(kind: .lstm))
    (bag.isBag, bag.wordOrder, bag.buckets, bag.encoder.embeddingSize) = (true, 2, 50, 5)
    // Layers, and n-grams beside them.
    var both = result[3]
    (both.wordOrder, both.buckets, both.rules.isMultiple) = (3, 50, false)
    return result + [both, bag]
  }()

  private static let vocabulary = Vocabulary(unit: .word, tokens: (2..<20).map { "w\($0)" })

  private func texts(_ count: Int, seed: UInt64 = 4) -> [LabelledText] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { i in
      let tokens = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
        TokenID.random(in: 2..<20, using: &generator)
      }
      // Whether the text has the one word or the other, or neither.
      return LabelledText(tokens: tokens, labels: [tokens.contains(5) ? 0 : tokens.contains(7) ? 1 : 2])
    }
  }

  private func network(_ configuration: ClassifierConfiguration, _ engine: Engine) -> ClassifierNetwork {
    let network = ClassifierNetwork(
      configuration, vocabularySize: Self.vocabulary.count, labelCount: 3, engine: engine)
    network.arena.allocate()
    network.arena.randomize(limit: 0.7, seed: 8)
    return network
  }

  @Test("Texts of all lengths side by side are as one by one, and so are their gradients", arguments: shapes)
  func sideBySide(configuration: ClassifierConfiguration) throws {
    let texts = texts(7)
    let network = network(configuration, try Engine(threads: 2))
    var (loss, sums) = (0.0, [Double](repeating: 0, count: network.arena.count))
    var alone: [[Float]] = []
    for text in texts {
      network.arena.clearGradients()
      loss += network.lossAndGradients(TextBatch([text]), scale: 0.5, dropoutKey: nil)
      for i in sums.indices { sums[i] += Double(network.arena.gradients[i]) }
      alone += network.evaluate(TextBatch([text])).probabilities
    }
    network.arena.clearGradients()
    let together = network.lossAndGradients(TextBatch(texts), scale: 0.5, dropoutKey: nil)
    #expect(abs(together - loss) < 1e-4)
    #expect(relativeError((0..<sums.count).map { network.arena.gradients[$0] }, sums) < 1e-4)
    let probabilities = network.evaluate(TextBatch(texts)).probabilities
    for (a, b) in zip(alone, probabilities) {
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 })
      if !configuration.rules.isMultiple { #expect(abs(b.reduce(0, +) - 1) < 1e-5) }
    }
  }

  private func trainer(
    _ configuration: ClassifierConfiguration, threads: Int, epochs: Int = 3, count: Int = 90
  ) throws -> Trainer<Classify> {
    var options = TrainingOptions()
    (options.batchSize, options.epochs, options.rate, options.seed) = (8, epochs, 0.01, 3)
    var configuration = configuration
    configuration.encoder.dropout = 0.2
    let task = Classify(
      texts(count), vocabulary: Self.vocabulary, labels: ["five", "seven", "none"],
      configuration: configuration,
      options: options, engine: try Engine(threads: threads))
    return Trainer(task, options: options)
  }

  private struct Stop: Error {}

  @Test("A run that goes on is the same, on any number of threads", arguments: shapes)
  func resumption(configuration: ClassifierConfiguration) throws {
    let heldOut = texts(30, seed: 9)
    let whole = try trainer(configuration, threads: 1)
    _ = try whole.train(heldOut: heldOut) { _ in }
    let expected = whole.tensors
    let first = try trainer(configuration, threads: 2)
    #expect(throws: Stop.self) {
      _ = try first.train(heldOut: heldOut) { event in
        if case .update(let update) = event, update.number == 17 { throw Stop() }
      }
    }
    let state = first.state
    let checkpoint = Checkpoint(
      model: ClassifierCheckpoint.kind, programVersion: "1", tokenizer: Tokenizer(),
      vocabulary: Self.vocabulary, configuration: configuration.json, training: .null,
      tensors: first.tensors + state.tensors)
    let second = try trainer(configuration, threads: 2)
    try second.resume(from: checkpoint, numbers: state.numbers)
    _ = try second.train(heldOut: heldOut) { _ in }
    for (a, b) in zip(expected, second.tensors) {
      guard case .float32(let x) = a.elements, case .float32(let y) = b.elements else { continue }
      #expect(x.map(\.bitPattern) == y.map(\.bitPattern), "\(a.name)")
    }
  }

  @Test(
    "A rule is learnt, and a checkpoint holds it",
    arguments: [shapes[3], shapes[4]] + shapes.suffix(2))
  func learning(configuration: ClassifierConfiguration) throws {
    var configuration = configuration
    configuration.rules.isMultiple = false
    if !configuration.isBag { (configuration.pooling, configuration.encoder.hiddenSizes) = (.max, [12]) }
    let trainer = try trainer(configuration, threads: 2, epochs: 60, count: 500)
    let heldOut = texts(60, seed: 9)
    _ = try trainer.train(heldOut: heldOut) { _ in }
    let tensors = trainer.tensors
    let report = try #require(trainer.bestMeasurement)
    #expect(
      report.accuracy > (configuration.isBag ? 0.75 : 0.9),
      "\(report.accuracy), of \(report.majority.accuracy) by the most frequent label")
    let classifier = trainer.finish()
    let checkpoint = Checkpoint(
      model: ClassifierCheckpoint.kind, programVersion: "1", tokenizer: Tokenizer(),
      vocabulary: Self.vocabulary,
      otherVocabularies: [
        (ClassifierCheckpoint.labelVocabulary, Vocabulary(unit: .word, tokens: ["five", "seven", "none"]))
      ], configuration: configuration.json, training: .null, tensors: tensors)
    let again = try Classifier(checkpoint, engine: try singleThreadedEngine())
    #expect(again.labels == ["five", "seven", "none"] && again.configuration.isBag == configuration.isBag)
    for (a, b) in zip(
      classifier.evaluate(heldOut, watch: { _ in }).probabilities,
      again.evaluate(heldOut, watch: { _ in }).probabilities)
    {
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  @Test(
    "Frozen embeddings and layers stay as they are; what is read beside them learns",
    arguments: [shapes[2], shapes[shapes.count - 2]])
  func freezing(configuration: ClassifierConfiguration) throws {
    var options = TrainingOptions()
    (options.batchSize, options.epochs) = (8, 2)
    let task = Classify(
      texts(40), vocabulary: Self.vocabulary, labels: ["five", "seven", "none"],
      configuration: configuration, freezing: .always, options: options, engine: try singleThreadedEngine())
    let trainer = Trainer(task, options: options)
    let before = task.arena.parameters.map { $0.value.elements }
    _ = try trainer.train(heldOut: nil) { _ in }
    for (parameter, value) in zip(task.arena.parameters, before) {
      #expect(
        (parameter.value.elements == value) == Classify.isOfEncoder(parameter.name), "\(parameter.name)")
    }
    #expect(task.arena.parameters.contains { $0.name == "ngrams.embedding" } == (configuration.wordOrder > 1))
  }

  @Test("Layers that are unfrozen one by one learn from the top down, embeddings last")
  func unfreezing() throws {
    var options = TrainingOptions()
    (options.batchSize, options.epochs) = (40, 3)
    let task = Classify(
      texts(40), vocabulary: Self.vocabulary, labels: ["five", "seven", "none"],
      configuration: Self.shapes[2], freezing: .gradual(epochs: 1), options: options,
      engine: try singleThreadedEngine())
    let trainer = Trainer(task, options: options)
    func changed(_ before: [[Float]]) -> Set<String> {
      let names = zip(before, task.arena.parameters).filter { $0 != $1.value.elements }.map {
        String($1.name.prefix { $0 != "." })
      }
      return Set(names)
    }
    var before = task.arena.parameters.map { $0.value.elements }
    var seen: [Set<String>] = []
    // Two layers and the embeddings; an epoch is one update.
    _ = try trainer.train(heldOut: nil) { event in
      guard case .update = event else { return }
      seen.append(changed(before).subtracting(["labels", "pool"]))
      before = task.arena.parameters.map { $0.value.elements }
    }
    #expect(seen == [[], ["layer2"], ["layer2", "layer1"]])
  }
}
