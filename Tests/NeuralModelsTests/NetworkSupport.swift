import Foundation
import Kernels
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Every instruction set that this processor runs, each with one, two and three threads.
var allEngines: [Engine] {
  KernelTable.supported.flatMap { table in (1...3).map { Engine(kernels: table, threads: $0) } }
}

/// The fastest kernels on one thread.
func singleThreadedEngine() throws -> Engine { try Engine(threads: 1) }

extension Engine {
  var testName: String { "\(kernelName) on \(threadCount)" }
}

extension SeededGenerator {
  /// Numbers uniform in ±limit.
  mutating func floats(_ count: Int, limit: Double) -> [Float] {
    (0..<count).map { _ in Float(limit * (2 * uniform() - 1)) }
  }

  /// Tokens uniform in 0 ..< vocabularySize.
  mutating func tokens(_ count: Int, vocabularySize: Int) -> [TokenID] {
    (0..<count).map { _ in TokenID(uniform() * Double(vocabularySize)) }
  }
}

extension ParameterArena {
  /// Dense random values everywhere, biases included.
  func randomize(limit: Double, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for parameter in parameters {
      parameter.value.pointer.update(
        from: generator.floats(parameter.count, limit: limit), count: parameter.count)
    }
    valuesChanged()
  }

  /// The bits of all values, padding included.
  var valueBits: [UInt32] { (0..<count).map { values[$0].bitPattern } }

  /// The bits of all gradients, padding included.
  var gradientBits: [UInt32] { (0..<count).map { gradients[$0].bitPattern } }
}

extension MatrixView {
  /// The elements row by row.
  var elements: [Float] { (0..<rows).flatMap { row in (0..<columns).map { self[row, $0] } } }
}

extension Matrix {
  convenience init(rows: Int, columns: Int, _ values: [Float]) {
    self.init(rows: rows, columns: columns)
    view.pointer.update(from: values, count: values.count)
  }
}

extension Trainer where Learned == NextToken {
  /// A trainer of a language model.
  convenience init(
    text: [TokenID], vocabulary: Vocabulary, configuration: NeuralConfiguration, options: TrainingOptions,
    engine: Engine
  ) {
    self.init(
      NextToken(
        text: text, vocabulary: vocabulary, configuration: configuration, options: options, engine: engine),
      options: options)
  }

  var network: NextTokenNetwork { task.network }
  var configuration: NeuralConfiguration { task.configuration }
  var vocabulary: Vocabulary { task.vocabulary }

  /// A number of the training's state.
  func stateNumber(_ name: String) -> Double? { state.numbers[name]?.doubleValue }
}

extension NextTokenNetwork {
  /// Sets the state of every row to random numbers, and returns them.
  func randomizeState(rows: Int, seed: UInt64) -> [[Float]] {
    var generator = SeededGenerator(seed: seed)
    resetState(rows: rows)
    let states = (0..<rows).map { _ in generator.floats(stateSize, limit: 0.8) }
    for (row, state) in states.enumerated() { setState(state, row: row) }
    return states
  }

  /// All layers, those within others too, from the input to the output.
  var allLayers: [any SequenceLayer] { layers.innermost }
  var recurrentLayers: [RecurrentLayer] { allLayers.compactMap { $0 as? RecurrentLayer } }
  var dropouts: [Dropout] { allLayers.compactMap { $0 as? Dropout } }
}

extension SequenceLayer {
  /// The layers within, if it is made of others; else itself.
  var innermost: [any SequenceLayer] { parts.isEmpty ? [self] : parts.flatMap(\.innermost) }
}

extension NeuralKind {
  /// The cell of layers of H units that are given I numbers.
  func cell(_ inputSize: Int, _ hiddenSize: Int, _ options: CellOptions = CellOptions()) -> any RecurrentCell
  {
    guard let makeCell = traits.makeCell else { preconditionFailure("\(self) has no cell") }
    return makeCell(inputSize, hiddenSize, options)
  }
}

extension Batch {
  /// Random tokens; with `hasGaps` some targets are ignored and some rows restart.
  static func random(
    steps: Int, rows: Int, window: Int, vocabularySize: Int, hasGaps: Bool, seed: UInt64
  ) -> Batch {
    var generator = SeededGenerator(seed: seed)
    var batch = Batch(steps: steps, rows: rows)
    batch.inputs = generator.tokens(steps * rows * window, vocabularySize: vocabularySize)
    batch.targets = generator.tokens(steps * rows, vocabularySize: vocabularySize)
    if hasGaps {
      // The last target stays, so that one is left.
      for i in batch.targets.indices.dropLast() where i % 4 == 1 { batch.targets[i] = Batch.ignored }
      batch.restarts = batch.targets.indices.map { $0 % 5 == 3 || $0 == 0 }
    }
    batch.targetCount = batch.targets.filter { $0 != Batch.ignored }.count
    return batch
  }
}

/// A shape of network for tests that go through all kinds.
struct NetworkShape: Sendable, CustomTestStringConvertible {
  var configuration: NeuralConfiguration
  let vocabularySize: Int

  init(
    _ kind: NeuralKind, layers: Int = 1, hidden: Int = 5, sizes: [Int] = [], embedding: Int = 4,
    order: Int = 4,
    tied: Bool = false,
    direct: Bool = false, dropout: Float = 0, context: ContextMode = .stream, vocabulary: Int = 7,
    connection: Connection = .plain, cell: CellOptions = CellOptions()
  ) {
    var c = NeuralConfiguration(kind: kind)
    (c.layers, c.hiddenSize, c.embeddingSize, c.order) = (layers, hidden, embedding, order)
    // Of each layer, if they differ.
    if !sizes.isEmpty { (c.layers, c.hiddenSizes) = (sizes.count, sizes) }
    (c.tiesEmbeddings, c.hasDirectConnections) = (tied, direct)
    (c.dropout, c.context, c.connection, c.cell) = (dropout, context, connection, cell)
    configuration = c
    vocabularySize = vocabulary
  }

  var testDescription: String {
    let c = configuration
    return "\(c.kind)" + (c.tiesEmbeddings ? " tied" : "") + (c.hasDirectConnections ? " direct" : "")
      + (c.dropout > 0 ? " dropout" : "") + (c.connection == .plain ? "" : " \(c.connection)")
      + (c.kind == .qrnn && c.inputWindow != 2 ? " window \(c.inputWindow)" : "")
      + c.cell.json.map { " \($0.name)" }.joined()
      + (c.softmax.kind == .full ? "" : " \(c.softmax.kind.rawValue)")
      + " \(c.layers)×\(c.hiddenSizes.map(String.init).joined(separator: ",")) \(c.context)"
  }

  func make(_ engine: Engine) -> NextTokenNetwork {
    configuration.makeNetwork(vocabularySize: vocabularySize, engine: engine)
  }

  var vocabulary: Vocabulary { Vocabulary(unit: .word, tokens: (2..<vocabularySize).map { "w\($0)" }) }

  /// Variants of cells whose states or stages are unlike those of others.
  private static let variants = [
    CellVariant(.lstm, "") { ($0.ablations, $0.hasPeepholes) = (.fullGateRecurrence, true) },
    CellVariant(.lstm, "") {
      ($0.projection, $0.mogrifierRounds, $0.hasLayerNorm, $0.cellZoneout) = (9, 3, true, 0.3)
    },
    CellVariant(.gru, "") { $0.isMinimal = true },
  ]

  /// One of each kind, with two layers where it has layers; H across the edges of vectors.
  static let ofEachKind =
    variants.map {
      NetworkShape(
        $0.kind, layers: 2, hidden: 33, embedding: 6, vocabulary: 19, cell: $0.options)
    }
    + NeuralKind.allCases.map { NetworkShape($0, layers: 2, hidden: 33, embedding: 6, vocabulary: 19) } + [
      NetworkShape(.nnlm, hidden: 33, embedding: 6, direct: true, vocabulary: 19)
    ]
    + Connection.allCases.filter { $0 != .plain }.map {
      NetworkShape(.lstm, layers: 3, hidden: 17, embedding: 17, vocabulary: 19, connection: $0)
    }
    + Connection.allCases.map {
      NetworkShape(.gru, sizes: [6, 33, 17], embedding: 6, vocabulary: 19, connection: $0)
    }
    + softmaxes

  /// Every output layer but the usual one, tied and not.
  static let softmaxes: [NetworkShape] = [false, true].flatMap { isTied in
    SoftmaxKind.allCases.filter { $0 != .full }.map { kind in
      var shape = NetworkShape(.lstm, hidden: 17, embedding: 17, tied: isTied, vocabulary: 19)
      shape.configuration.softmax.kind = kind
      shape.configuration.softmax.cutoffs = kind == .adaptive ? [3, 9] : []
      shape.configuration.softmax.tailDivisor = isTied ? 1 : 2
      shape.configuration.softmax.classes =
        kind == .classes ? (0..<19).map { isTied ? $0 / 5 : $0 * 7 % 4 } : []
      shape.configuration.softmax.sampleCount = 6
      return shape
    }
  }
}

/// The largest difference over the largest number; gradients of zeros must be exactly that.
func relativeError(_ values: [Float], _ exact: [Double]) -> Double {
  guard values.count == exact.count else { return .infinity }
  let largest = exact.reduce(0) { max($0, abs($1)) }
  let difference = zip(values, exact).reduce(0) { worst, pair in
    let error = abs(Double(pair.0) - pair.1)
    return error.isNaN ? .infinity : max(worst, error)
  }
  return largest > 0 ? difference / largest : (difference > 0 ? .infinity : 0)
}

extension Double {
  /// ln x
  var logarithm: Double { Foundation.log(self) }
  /// eˣ
  static func exponential(_ x: Double) -> Double { Foundation.exp(x) }
}
