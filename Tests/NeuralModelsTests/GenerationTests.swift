import Foundation
import Kernels
import LanguageModels
import TestSupport
import Testing

@testable import NeuralModels

/// What a network writes, in rows side by side.
@Suite("Generation")
struct GenerationTests {
  private static let vocabularySize = 700

  /// Networks of every kind, with what stands around layers: untrained, but with large weights, so that states matter.
  private func model(
    _ kind: NeuralKind, engine: Engine, _ change: (inout NeuralConfiguration) -> Void = { _ in }
  )
    -> NeuralModel
  {
    var configuration = NeuralConfiguration(kind: kind)
    (configuration.hiddenSize, configuration.embeddingSize) = (24, 24)
    change(&configuration)
    let network = configuration.makeNetwork(vocabularySize: Self.vocabularySize, engine: engine)
    var generator = SeededGenerator(seed: 6)
    network.initialize(using: &generator)
    for i in 0..<network.arena.count { network.arena.values[i] *= 3 }
    network.arena.valuesChanged()
    let vocabulary = Vocabulary(unit: .word, tokens: (2..<Self.vocabularySize).map { "w\($0)" })
    return NeuralModel(network, vocabulary: vocabulary, configuration: configuration)
  }

  /// Tokens and the bits of their scores.
  private func drawn(_ samples: [[SampledToken]]) -> [[UInt64]] {
    samples.map { $0.map { UInt64($0.token) << 32 | UInt64($0.logProbability.bitPattern) } }
  }

  @Test(
    "A sample has the same bits alone and among others, on one thread and two, and its score is that of the text",
    arguments: NeuralKind.allCases)
  func independence(kind: NeuralKind) {
    var options = SamplingOptions()
    (options.drawsUnknown, options.maximumTokens) = (true, 12)
    var expected: [[UInt64]]?
    for kernels in KernelTable.supported {
      expected = nil
      for threads in [1, 2] {
        let model = model(kind, engine: Engine(kernels: kernels, threads: threads))
        for (rows, count) in [(1, 9), (5, 9), (40, 30)] {
          let samples = Sampler(model: model, options: options, seed: 2, rows: rows)
            .samples(count, after: model.initialState)
          let bits = Array(drawn(samples)[..<9])
          #expect(bits == expected ?? bits, "\(kernels.name), \(threads) threads, \(rows) rows")
          expected = bits
          for sample in samples.prefix(3) {
            var (scores, state) = ([Float](), model.initialState)
            model.score(sample.map(\.token)[...], context: .stream, after: &state, into: &scores)
            #expect(zip(scores, sample).allSatisfy { abs($0 - $1.logProbability) < 1e-4 })
          }
        }
      }
    }
  }

  @Test("Others may use the network between steps, and rows keep their states")
  func sharing() throws {
    let model = model(.lstm, engine: try Engine(threads: 1)) {
      $0.connection = .highway; $0.layers = 2
    }
    var options = SamplingOptions()
    options.maximumTokens = 9
    let usual = Sampler(model: model, options: options, seed: 4, rows: 6).samples(
      20, after: model.initialState)
    var samples: [[SampledToken]] = []
    Sampler(model: model, options: options, seed: 4, rows: 6).run { _ in
      // Where the next sample begins is for the network to say.
      _ = model.advance(model.advance(model.initialState, by: 5), by: 6)
      if samples.count == 20 { return .none }
      samples.append([])
      return .begin(model.initialState)
    } emit: {
      samples[$0.sample].append($0)
      if $0.sample == 3 { _ = model.logProbability(of: 2, after: model.initialState) }
    }
    #expect(drawn(samples) == drawn(usual))
  }

  @Test(
    "Rows are states: what is taken away, replaced and moved on is what values would be",
    arguments: NeuralKind.allCases)
  func rows(kind: NeuralKind) throws {
    let model = model(kind, engine: try Engine(threads: 1))
    let rows = model.makeRows(capacity: 4)
    var values: [NeuralModel.State] = []
    func check() {
      #expect(rows.count == values.count && (0..<rows.count).map { rows.state($0) } == values)
      var all: [Float] = []
      model.logProbabilities(after: values, into: &all)
      let size = model.vocabulary.count
      nonisolated(unsafe) var sums = [Double](repeating: 0, count: rows.count)
      let logs = all
      rows.forEachDistribution { row, x in
        // Logits are ln p but for a constant.
        let constant = x[0] - logs[row * size]
        sums[row] = (0..<size).reduce(0) { max($0, Double(abs(x[$1] - logs[row * size + $1] - constant))) }
      }
      #expect(sums.allSatisfy { $0 < 1e-4 })
    }
    func append(_ state: NeuralModel.State) {
      rows.append(state)
      values.append(state)
    }
    func advance(_ tokens: [TokenID]) {
      rows.advance(by: tokens)
      values = model.advance(values, by: tokens)
    }
    for _ in 0..<3 { append(model.initialState) }
    advance([3, 4, 5])
    check()
    append(model.advance(model.initialState, by: 9))
    check()
    rows.remove(1)
    values.swapAt(1, 3)
    values.removeLast()
    check()
    advance([6, 7, 8])
    rows.remove(2)
    values.removeLast()
    rows.replace(0, by: model.initialState)
    values[0] = model.initialState
    check()
    advance([2, 2])
    check()
    for gathered in [[1, 0, 1, 1], [3, 1], [1]] {
      rows.gather(gathered)
      values = gathered.map { values[$0] }
      check()
      // Somebody else may use the network between steps.
      _ = model.advance(model.initialState, by: 5)
      advance(gathered.map { TokenID(2 + $0) })
      check()
    }
  }

  @Test(
    "A beam of one is what the likeliest tokens are, and a wider one finds nothing worse; its scores are those of the text",
    arguments: NeuralKind.allCases)
  func beam(kind: NeuralKind) throws {
    let model = model(kind, engine: try Engine(threads: 2))
    var options = SamplingOptions()
    (options.temperature, options.maximumTokens) = (0, 8)
    let greedy = Sampler(model: model, options: options, seed: 1).samples(after: model.initialState)[0]
    var search = BeamSearch(width: 1)
    (search.maximumTokens, search.includesUnknown) = (8, true)
    let single = model.likeliestContinuations(after: model.initialState, search)
    #expect(single.map(\.tokens) == [greedy.map(\.token)])
    (search.width, search.count) = (6, 6)
    let found = model.likeliestContinuations(after: model.initialState, search)
    #expect(found.count == 6 && Set(found.map(\.tokens)).count == 6)
    #expect(zip(found, found.dropFirst()).allSatisfy { $0.score >= $1.score })
    for hypothesis in found {
      var (scores, state) = ([Float](), model.initialState)
      model.score(hypothesis.tokens[...], context: .stream, after: &state, into: &scores)
      #expect(abs(scores.reduce(0) { $0 + Double($1) } - hypothesis.logProbability) < 1e-4)
    }
  }

  @Test(
    "Draws come as often as their probabilities say: plain, cooled, of the likeliest K, of the nucleus",
    arguments: [(1, nil, nil), (0.6, nil, nil), (1, 20, nil), (1, nil, 0.6), (1.5, 100, 0.8)]
      as [(Double, Int?, Double?)])
  func frequencies(temperature: Double, topK: Int?, topP: Double?) throws {
    let model = model(.gru, engine: try Engine(threads: 2))
    var options = SamplingOptions()
    (options.temperature, options.topK, options.topP) = (temperature, topK, topP)
    (options.maximumTokens, options.drawsUnknown) = (1, false)
    let state = model.advance(model.initialState, by: 11)
    var logs: [Float] = []
    model.logProbabilities(after: state, into: &logs)
    logs[Int(Vocabulary.unknown)] = -.infinity
    let weights = logs.map { exp(Double($0) / temperature) }
    var order = weights.indices.sorted { (weights[$0], $1) > (weights[$1], $0) }
    order = Array(order.prefix(topK ?? order.count))
    if let topP {
      let total = order.reduce(0) { $0 + weights[$1] }
      var sum = 0.0
      order = Array(
        order.prefix { token in
          defer { sum += weights[token] }
          return sum < topP * total
        })
    }
    let total = order.reduce(0) { $0 + weights[$1] }
    let n = 20_000
    var counts = [Double](repeating: 0, count: weights.count)
    for sample in Sampler(model: model, options: options, seed: 9).samples(n, after: state) {
      counts[Int(sample[0].token)] += 1
    }
    let kept = Set(order)
    #expect(counts.indices.allSatisfy { counts[$0] == 0 || kept.contains($0) })
    var (statistic, classes) = (0.0, 0.0)
    for token in order {
      let expected = Double(n) * weights[token] / total
      if expected < 5 { continue }
      statistic += (counts[token] - expected) * (counts[token] - expected) / expected
      classes += 1
    }
    #expect(classes > 3 && statistic < classes + 5 * (2 * classes).squareRoot())
  }
}
