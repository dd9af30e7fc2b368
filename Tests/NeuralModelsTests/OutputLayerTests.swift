import Foundation
import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// The contracts of what stands below and above the layers of a network.
@Suite("Embedding and output layers")
struct OutputLayerTests {
  /// An output layer for the tests that go through all of them; with weights of its own or an embedding's.
  struct OutputCase: Sendable, CustomTestStringConvertible {
    let name: String
    var softmax = SoftmaxOptions()
    let make: @Sendable (_ vocabularySize: Int, _ featureSize: Int, Declarations) -> any OutputLayer

    var testDescription: String { name }

    static let all =
      [
        OutputCase(name: "full softmax") { SoftmaxOutput(vocabularySize: $0, featureSize: $1, $2) },
        OutputCase(name: "full softmax, tied") { v, f, d in
          let embedding = Embedding(vocabularySize: v, size: f, d)
          return SoftmaxOutput(
            vocabularySize: v, featureSize: f, tied: ParameterRows(embedding.weights), d)
        },
      ]
      + [false, true].map { isTied in
        OutputCase(name: "sampled softmax\(isTied ? ", tied" : "")") { v, f, d in
          SampledSoftmax(
            sampleCount: 20, vocabularySize: v, featureSize: f,
            tied: isTied ? ParameterRows(Embedding(vocabularySize: v, size: f, d).weights) : nil, d)
        }
      }
      + clustered.flatMap { options in [false, true].map { clusteredCase(options, isTied: $0) } }
      .compactMap { $0 }

    /// One, two and many clusters, projected and not; classes in the order of the tokens and in none.
    private static var clustered: [SoftmaxOptions] {
      var result: [SoftmaxOptions] = []
      for (cutoffs, divisor) in [([18], 1), ([4, 20], 1), ([1, 2, 30, 36], 1), ([4, 20], 2), ([17], 9)] {
        var options = SoftmaxOptions()
        (options.kind, options.cutoffs, options.tailDivisor) = (.adaptive, cutoffs, divisor)
        result.append(options)
      }
      for classes in [(0..<37).map { $0 / 7 }, (0..<37).map { $0 * 5 % 37 % 6 }] {
        var options = SoftmaxOptions()
        (options.kind, options.classes) = (.classes, classes)
        result.append(options)
      }
      return result
    }

    private static func clusteredCase(_ options: SoftmaxOptions, isTied: Bool) -> OutputCase? {
      guard !isTied || options.canBeTied else { return nil }
      let groups =
        options.kind == .adaptive
        ? "\(options.cutoffs) / \(options.tailDivisor)" : "\((options.classes.max() ?? 0) + 1)"
      let name = "\(options.kind.rawValue) \(groups)\(isTied ? ", tied" : "")"
      return OutputCase(name: name, softmax: options) { v, f, d in
        let clusterCount = SoftmaxOptions.Layout(options, vocabularySize: v).clusterCount
        let tied = isTied ? Embedding(vocabularySize: v, size: f, firstRow: clusterCount, d) : nil
        return ClusteredSoftmax(
          options, vocabularySize: v, featureSize: f, tied: tied.map { ParameterRows($0.weights) }, d)
      }
    }
  }

  private let v = 37
  private let f = 5
  private let rows = 6
  private let targets: [TokenID] = [3, 36, Batch.ignored, 0, 3, 17]

  private func make(_ test: OutputCase, _ engine: Engine) -> (any OutputLayer, Declarations) {
    let declarations = Declarations(engine: engine)
    let layer = test.make(v, f, declarations)
    declarations.arena.allocate()
    declarations.arena.randomize(limit: 0.7, seed: 3)
    return (layer, declarations)
  }

  private func features() -> Matrix {
    var generator = SeededGenerator(seed: 4)
    return Matrix(rows: rows, columns: f, generator.floats(rows * f, limit: 1))
  }

  @Test("Every way of asking gives the same normalized distribution", arguments: OutputCase.all)
  func distributions(test: OutputCase) {
    for engine in allEngines {
      let (layer, declarations) = make(test, engine)
      let x = features()
      var all: [Float] = [1]
      layer.logDistributions(x.view, into: &all)
      #expect(all.count == rows * v)
      let logs = layer.logProbabilities(x.view, targets: targets)
      let losses = layer.losses(x.view, targets: targets)
      let gradient = Matrix(rows: rows, columns: f)
      let sum = layer.lossAndGradients(
        x.view, targets: targets, scale: 1, gradient: gradient.view, key: nil)
      for row in 0..<rows {
        let distribution = all[row * v..<(row + 1) * v]
        #expect(abs(distribution.reduce(0) { $0 + exp(Double($1)) } - 1) < 1e-6)
        guard targets[row] != Batch.ignored else {
          #expect(logs[row] == 0 && losses[row] == 0)
          #expect((0..<f).allSatisfy { gradient.view[row, $0] == 0 })
          continue
        }
        #expect(abs(distribution[row * v + Int(targets[row])] - logs[row]) < 1e-5)
        #expect(abs(Double(logs[row]) + losses[row]) < 1e-5)
      }
      #expect(abs(sum - losses.reduce(0, +)) < 1e-5)
      withExtendedLifetime((x, declarations)) {}
    }
  }

  @Test("Gradients are those of the tape", arguments: OutputCase.all)
  func gradients(test: OutputCase) {
    for engine in allEngines {
      let (layer, declarations) = make(test, engine)
      let x = features()
      let gradient = Matrix(rows: rows, columns: f)
      gradient.view.fill(.nan)
      let scale: Float = 0.25
      _ = layer.lossAndGradients(x.view, targets: targets, scale: scale, gradient: gradient.view, key: nil)

      let oracle = Oracle(declarations.arena)
      let tape = oracle.tape
      let variables = (0..<rows).map { row in oracle.variables((0..<f).map { x.view[row, $0] }) }
      let terms = (0..<rows).filter { targets[$0] != Batch.ignored }.map { row -> Scalar in
        oracle.negativeLogProbability(test.softmax, variables[row], target: targets[row], prefix: "")
      }
      let exact = tape.gradients(of: Double(scale) * tape.sum(terms))
      func expectClose(_ values: [Float], _ expected: [Double], _ name: String) {
        #expect(relativeError(values, expected) < 1e-5, "\(name), \(engine.testName)")
      }
      expectClose(gradient.view.elements, variables.flatMap { $0 }.map { exact[$0] }, "x")
      for parameter in declarations.arena.parameters {
        let scalars = oracle[parameter.name].rows.flatMap { $0 }
        expectClose(parameter.gradient.elements, scalars.map { exact[$0] }, parameter.name)
      }
      withExtendedLifetime((x, gradient)) {}
    }
  }

  @Test("What a sampled softmax trains on is the corrected loss of its sample", arguments: [false, true])
  func sample(isTied: Bool) {
    let counts = (0..<v).map { $0 == 5 ? 0 : 200 / ($0 + 1) }
    for engine in allEngines {
      let declarations = Declarations(engine: engine)
      let tied =
        isTied ? ParameterRows(Embedding(vocabularySize: v, size: f, declarations).weights) : nil
      let layer = SampledSoftmax(
        sampleCount: 9, vocabularySize: v, featureSize: f, tied: tied, declarations)
      declarations.arena.allocate()
      declarations.arena.randomize(limit: 0.7, seed: 3)
      layer.learn(counts: counts)
      let x = features()
      let gradient = Matrix(rows: rows, columns: f)
      gradient.view.fill(.nan)
      let loss = layer.lossAndGradients(
        x.view, targets: targets, scale: 0.25, gradient: gradient.view, key: 8)
      let sample = layer.sample(key: 8)
      #expect(sample != layer.sample(key: 9) && sample == layer.sample(key: 8))
      #expect(sample.count <= 9 && !sample.contains(5) && Set(sample).count == sample.count)

      let oracle = Oracle(declarations.arena)
      let tape = oracle.tape
      let variables = (0..<rows).map { row in oracle.variables((0..<f).map { x.view[row, $0] }) }
      let total = Double(counts.reduce(0, +))
      func corrected(_ row: Int, _ token: TokenID) -> Scalar {
        let q = Double(counts[Int(token)]) / total
        let isAmong = 1 - pow(1 - q, 9)
        return oracle.logit(variables[row], Int(token), "") - tape.variable(log(isAmong))
      }
      let terms = (0..<rows).filter { targets[$0] != Batch.ignored }.map { row -> Scalar in
        let tokens = [targets[row]] + sample.filter { $0 != targets[row] }
        return oracle.crossEntropy(tokens.map { corrected(row, $0) }, target: 0)
      }
      let sum = tape.sum(terms)
      #expect(abs(loss - sum.value) < 1e-5 * sum.value)
      let exact = tape.gradients(of: 0.25 * sum)
      #expect(
        relativeError(gradient.view.elements, variables.flatMap { $0 }.map { exact[$0] }) < 1e-5)
      for parameter in declarations.arena.parameters {
        let scalars = oracle[parameter.name].rows.flatMap { $0 }
        #expect(relativeError(parameter.gradient.elements, scalars.map { exact[$0] }) < 1e-5)
      }
      withExtendedLifetime((x, gradient)) {}
    }
  }

  @Test("An embedding gives each token its row, and each row what its tokens' gradients come to")
  func embedding() {
    let tokens: [TokenID] = [2, 0, 2, 4]
    for engine in allEngines {
      for key in [nil, UInt64(5)] {
        let declarations = Declarations(engine: engine)
        let embedding = Embedding(vocabularySize: 5, size: 19, dropoutRate: 0.5, declarations)
        declarations.arena.allocate()
        declarations.arena.randomize(limit: 1, seed: 1)
        let x = Matrix(rows: 4, columns: 19)
        embedding.forward(tokens, into: x.view, dropoutKey: key)
        // One factor for a token, wherever it stands.
        let factors = tokens.map { key == nil ? 1 : embedding.factors.pointer[Int($0)] }
        var generator = SeededGenerator(seed: 2)
        let gradient = Matrix(rows: 4, columns: 19, generator.floats(4 * 19, limit: 1))
        embedding.backward(tokens, gradient.view)
        for column in 0..<19 {
          for (row, token) in tokens.enumerated() {
            #expect(x.view[row, column] == factors[row] * embedding.weights.value[Int(token), column])
          }
          for token in 0..<5 {
            let expected = tokens.indices.filter { tokens[$0] == token }.reduce(Float(0)) {
              $0 + factors[$1] * gradient.view[$1, column]
            }
            #expect(abs(embedding.weights.gradient[token, column] - expected) < 1e-6)
          }
        }
        withExtendedLifetime((x, gradient)) {}
      }
    }
  }
}
