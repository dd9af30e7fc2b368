import Foundation
import LanguageModels
import TestSupport
import Testing

@Suite("Sampling")
struct SamplingTests {
  /// UNK, </s>, then the words.
  private let p: [Float] = [0.05, 0.15, 0.4, 0.1, 0.3]

  /// How often each token is the first of n samples.
  private func frequencies(
    _ options: SamplingOptions, of p: [Float]? = nil, n: Int = 20_000, seed: UInt64 = 1
  ) -> [Double] {
    let model = ToyModel(p ?? self.p)
    var options = options
    options.maximumTokens = 1
    var counts = [Double](repeating: 0, count: model.vocabulary.count)
    for sample in Sampler(model: model, options: options, seed: seed).samples(n, after: 0) {
      #expect(sample.count == 1 && sample[0].isLast)
      counts[Int(sample[0].token)] += 1
    }
    return counts.map { $0 / Double(n) }
  }

  /// The tokens that top-k and then top-p leave, by sorting all of them: equally likely ones in the order of their numbers.
  private func kept(_ p: [Float], topK: Int?, topP: Double?) -> [Int] {
    let order = p.indices.sorted { (p[$0], $1) > (p[$1], $0) }.prefix(topK ?? p.count)
    guard let topP else { return Array(order) }
    let total = order.reduce(0.0) { $0 + Double(p[$1]) }
    var sum = 0.0
    let end = order.firstIndex { token in
      sum += Double(p[token])
      return sum >= topP * total
    }
    return Array(order[...(end ?? order.count - 1)])
  }

  @Test(
    "What is kept is what sorting would keep, of equal ones the first",
    arguments: [(1, nil), (3, nil), (40, nil), (63, nil), (300, nil), (999, nil), (40, 0.5), (300, 0.75)]
      + [(nil, 0.001), (nil, 0.25), (nil, 0.5), (nil, 0.875)] as [(Int?, Double?)])
  func selection(topK: Int?, topP: Double?) {
    // Powers of two in random places: many are equal, and sums are exact.
    var generator = SeededGenerator(seed: 8)
    var p = (0..<1000).map { _ in
      Float(sign: .plus, exponent: -Int.random(in: 0...6, using: &generator), significand: 1)
    }
    p.shuffle(using: &generator)
    var options = SamplingOptions()
    (options.topK, options.topP) = (topK, topP)
    let kept = kept(p, topK: topK, topP: topP)
    let n = 40 * kept.count
    let total = kept.reduce(0.0) { $0 + Double(p[$1]) }
    let frequencies = frequencies(options, of: p, n: n)
    #expect(p.indices.allSatisfy { frequencies[$0] == 0 || kept.contains($0) })
    // Each of what is kept is expected 40 times on average, the rarest less; what is drawn at all is nearly all of it.
    var (statistic, classes) = (0.0, 0.0)
    for token in kept {
      let expected = Double(n) * Double(p[token]) / total
      if expected < 5 { continue }
      statistic +=
        (Double(n) * frequencies[token] - expected) * (Double(n) * frequencies[token] - expected) / expected
      classes += 1
    }
    #expect(statistic < classes + 5 * (2 * classes).squareRoot() + 5)
  }

  @Test("A sample is what the seed, its number and its state make it, however many are drawn side by side")
  func independence() {
    let many = Sampler(model: ToyModel(p), options: SamplingOptions(), seed: 3, rows: 7).samples(
      100, after: 0)
    #expect(
      many.allSatisfy {
        $0.last?.token == Vocabulary.endOfSentence && $0.dropLast().allSatisfy { !$0.isLast }
      })
    for (rows, count) in [(1, 100), (96, 100), (3, 10)] {
      let samples = Sampler(model: ToyModel(p), options: SamplingOptions(), seed: 3, rows: rows)
        .samples(count, after: 0)
      #expect(samples.map { $0.map(\.token) } == many[..<count].map { $0.map(\.token) })
    }
    #expect(Set(many.map { $0.map(\.token) }).count > 50)
  }

  @Test("A sample that is to begin later does, and whoever must decide is asked so")
  func later() {
    let sampler = Sampler(model: ToyModel(p), options: SamplingOptions(), seed: 3, rows: 4)
    let usual = sampler.samples(20, after: 0)
    var (begun, tokens) = (0, [[TokenID]](repeating: [], count: 20))
    var ends = 0
    // Each begins when all before it are whole, as behind a pipe whose other end waits for the answer.
    sampler.run { mustDecide in
      guard mustDecide else { return .later }
      #expect(ends == begun)
      if begun == 20 { return .none }
      begun += 1
      return .begin(0)
    } emit: {
      tokens[$0.sample].append($0.token)
      if $0.isLast { ends += 1 }
    }
    #expect(tokens == usual.map { $0.map(\.token) })
  }

  /// Five standard deviations of a frequency in n draws.
  private func expect(_ frequencies: [Double], match weights: [Double], n: Int = 20_000) {
    let total = weights.reduce(0, +)
    for (frequency, weight) in zip(frequencies, weights) {
      let q = weight / total
      #expect(abs(frequency - q) <= 5 * (q * (1 - q) / Double(n)).squareRoot())
    }
  }

  @Test("Draws follow the distribution, sharpened or flattened by the temperature", arguments: [0.3, 1, 2])
  func temperature(t: Double) {
    var options = SamplingOptions()
    options.temperature = t
    expect(frequencies(options), match: p.map { pow(Double($0), 1 / t) })
  }

  @Test("Temperature 0 takes the likeliest token")
  func greedy() {
    var options = SamplingOptions()
    options.temperature = 0
    #expect(frequencies(options, n: 50) == [0, 0, 1, 0, 0])
  }

  @Test("Top-k, top-p and the ban of <unk> leave the rest in proportion")
  func truncation() {
    var options = SamplingOptions()
    options.topK = 2
    expect(frequencies(options), match: [0, 0, 0.4, 0, 0.3])
    options.topK = nil
    options.topP = 0.71
    expect(frequencies(options), match: [0, 0.15, 0.4, 0, 0.3])
    options.topP = nil
    options.drawsUnknown = false
    expect(frequencies(options), match: [0, 0.15, 0.4, 0.1, 0.3])
  }

  @Test("Temperature comes first, then top-k, then top-p of what top-k leaves")
  func order() {
    var options = SamplingOptions()
    // Of p² = (0.0025, 0.0225, 0.16, 0.01, 0.09), the two likeliest hold 0.877, of p only 0.7: before the temperature, three would be kept.
    options.temperature = 0.5
    options.topP = 0.8
    expect(frequencies(options), match: [0, 0, 0.16, 0, 0.09])
    // Of the two likeliest, the first holds 0.571: before top-k, which it holds 0.4 of, both would be kept.
    options.temperature = 1
    options.topK = 2
    options.topP = 0.5
    expect(frequencies(options), match: [0, 0, 1, 0, 0])
    // Flattened by T = 4, that first one holds 0.518 of the two, and 0.6 needs both; at T = 1, 0.571 would too, and at T = 0.5, 0.64 would not.
    options.topP = 0.6
    options.temperature = 4
    expect(frequencies(options), match: [0, 0, pow(0.4, 0.25), 0, pow(0.3, 0.25)])
    options.temperature = 0.5
    expect(frequencies(options), match: [0, 0, 1, 0, 0])
  }

  @Test(
    "A stretch has so many tokens, over ends of sentences; a model of nothing but <unk> ends every sentence at once"
  )
  func stretch() {
    for (model, count) in [(ToyModel(p), 500), (ToyModel([1, 0, 0]), 7)] {
      var options = SamplingOptions()
      options.drawsUnknown = false
      options.length = count
      let tokens = Sampler(model: model, options: options, seed: 3).samples(after: 0)[0].map(\.token)
      #expect(tokens.count == count && !tokens.contains(Vocabulary.unknown))
      #expect(tokens.contains(Vocabulary.endOfSentence))
    }
  }

  @Test("Scores are those of the distribution without <unk>, at any temperature")
  func scores() {
    for (drawsUnknown, temperature) in [(false, 1), (true, 1), (false, 0.5), (true, 0.5)] {
      var options = SamplingOptions()
      (options.drawsUnknown, options.temperature, options.length) = (drawsUnknown, temperature, 200)
      for sampled in Sampler(model: ToyModel(p), options: options, seed: 5).samples(after: 0)[0] {
        let expected = Double(p[Int(sampled.token)]) / (drawsUnknown ? 1 : 0.95)
        #expect(abs(exp(Double(sampled.logProbability)) - expected) < 1e-6)
      }
    }
  }

  @Test("The same seed draws the same; another one does not")
  func seeds() {
    func draw(_ seed: UInt64) -> [TokenID] {
      Sampler(model: ToyModel(p), options: SamplingOptions(), seed: seed).samples(20, after: 0).flatMap {
        $0.map(\.token)
      }
    }
    #expect(draw(3) == draw(3))
    #expect(draw(3) != draw(4))
  }
}
