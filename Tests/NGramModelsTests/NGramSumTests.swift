import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NGramModels

/// Models whose probabilities do not sum to one: rounded ones, and files of others.
@Suite("Sums of n-gram models")
struct NGramSumTests {
  private static let v = 40

  private static func tokens(_ seed: UInt64, sentences: Int = 300) -> [TokenID] {
    RandomText.tokens(sentences: sentences, vocabularySize: v, seed: seed, maximumLength: 9)
  }

  private func whole(_ smoothing: Smoothing = .modifiedKneserNey, order: Int = 3) -> NGramModel {
    var options = NGramModel.Options()
    (options.order, options.smoothing) = (order, smoothing)
    return train(Self.tokens(51), Self.v, options)
  }

  /// Words or characters of a text, with the model of order 3 of it.
  private func model(_ unit: TextUnit) throws -> NGramModel {
    let folder = try TemporaryFolder()
    let ends = Self.tokens(52).split(separator: Vocabulary.endOfSentence)
    let lines = ends.map { $0.map { "w\($0)" }.joined(separator: " ") }
    let path = try folder.write("text", text: lines.joined(separator: "\n") + "\n")
    let reader = SentenceReader([path], tokenizer: Tokenizer(unit: unit))
    let (corpus, _, vocabulary) = try Corpus.build(
      from: reader, vocabulary: .counted(minimumCount: 1, maximumSize: nil))
    return NGramModel(tokens: corpus.tokens, vocabulary: vocabulary, options: NGramModel.Options())
  }

  /// An ARPA file whose contexts sum to anything from 0.3 to 2.
  private static let arpa = """
    \\data\\
    ngram 1=6
    ngram 2=7
    ngram 3=3

    \\1-grams:
    -1.2\t<unk>
    -0.9\t</s>
    -99\t<s>\t-0.1
    -0.5\ta\t0.2
    -0.6\tb\t-0.3
    -0.7\tc\t-0.05

    \\2-grams:
    -0.4\t<s> a\t0.1
    -0.9\t<s> b\t-0.2
    -0.3\ta b\t-0.1
    -0.8\ta a\t0
    -1.1\tb c\t-0.4
    -0.2\tb </s>
    -0.15\tc a\t0.05

    \\3-grams:
    -0.2\t<s> a b
    -0.5\ta b c
    -0.9\ta b </s>

    \\end\\
    """

  private func read(_ arpa: String) throws -> NGramModel {
    let folder = try TemporaryFolder()
    return try NGramModel(arpa: ByteSource(path: folder.write("m.arpa", text: arpa + "\n")))
  }

  /// The beginning of a sentence, and some contexts of one and two words.
  private func states(_ model: NGramModel) -> [NGramModel.State] {
    let contexts: [[TokenID]] = [[], [2], [3], [2, 3]]
    return contexts.map { $0.reduce(model.initialState) { model.advance($0, by: $1) } }
  }

  private func distribution(_ model: NGramModel, _ state: NGramModel.State, _ t: Double) -> [Double] {
    var all: [Float] = []
    model.logProbabilities(after: state, into: &all)
    let weights = all.map { exp(Double($0) / t) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  /// Pearson's χ² of `n` draws, over words that are expected five times at least and all others together; it must be within five
  /// standard deviations of its mean.
  private func expectDraws(
    _ model: NGramModel, _ options: SamplingOptions, n: Int, after state: NGramModel.State
  ) {
    let expected = distribution(model, state, options.temperature).map { $0 * Double(n) }
    let sampler = Sampler(model: model, options: options, seed: 5)
    var generator = SeededGenerator(seed: 5)
    var counts = [Double](repeating: 0, count: expected.count)
    for _ in 0..<n { counts[Int(sampler.draw(after: state, using: &generator))] += 1 }
    var (statistic, degrees) = (0.0, -1)
    var (restCount, restExpected) = (0.0, 0.0)
    for (count, mean) in zip(counts, expected) {
      if mean < 5 {
        (restCount, restExpected) = (restCount + count, restExpected + mean)
      } else {
        statistic += (count - mean) * (count - mean) / mean
        degrees += 1
      }
    }
    if restExpected >= 5 {
      statistic += (restCount - restExpected) * (restCount - restExpected) / restExpected
      degrees += 1
    }
    let limit = Double(degrees) + 5 * (2 * Double(max(1, degrees))).squareRoot()
    #expect(statistic < limit, "χ² \(statistic) on \(degrees) degrees of freedom")
  }

  private func expectDraws(_ model: NGramModel) {
    for state in states(model) {
      var options = SamplingOptions()
      for t in [1, 1.0000001, 0.7] {
        options.temperature = t
        expectDraws(model, options, n: 20_000, after: state)
      }
      options.temperature = 1
      options.topP = 1
      expectDraws(model, options, n: 3000, after: state)
    }
  }

  @Test(
    "On every path, draws of a rounded model follow p/Σp", arguments: [TextUnit.word, .char], [2, 4, 8])
  func sampling(unit: TextUnit, bits: Int) throws {
    expectDraws(try model(unit).quantized(bits: bits))
  }

  @Test("On every path, draws of a file of others follow p/Σp")
  func foreignSampling() throws {
    let model = try read(Self.arpa)
    expectDraws(model)
    // The same rounded to the nearest values, whatever the sums.
    let whole = whole()
    expectDraws(whole.replacing(whole.trie.rounded(binCount: 4), record: "quantize", 2))
  }

  @Test("A word that is hard to come by through the lower order is drawn as often as its probability says")
  func rejections() throws {
    // After a, all words but c follow; c has half of the probability, and hardly any without a.
    let model = try read(
      """
      \\data\\
      ngram 1=6
      ngram 2=4

      \\1-grams:
      -0.6\t<unk>
      -0.6\t</s>
      -99\t<s>\t0
      -0.6\ta\t6.69897
      -0.6\tb\t0
      -7\tc\t0

      \\2-grams:
      -0.9\ta <unk>
      -0.9\ta </s>
      -0.9\ta a
      -0.9\ta b

      \\end\\
      """)
    let c = model.vocabulary.id(of: "c")
    let state = model.advance(model.initialState, by: model.vocabulary.id(of: "a"))
    #expect(abs(distribution(model, state, 1)[Int(c)] - 0.5) < 0.01)
    expectDraws(model, SamplingOptions(), n: 100, after: state)
  }

  @Test("Sums are those over all words, and known for long texts at once", arguments: ContextMode.allCases)
  func logNormalizers(context: ContextMode) throws {
    for model in [whole().quantized(bits: 3), whole(order: 1).quantized(bits: 3), try read(Self.arpa)] {
      #expect(!model.sumsToOne)
      let size = TokenID(model.vocabulary.count)
      let text = Self.tokens(53, sentences: 4000).map { $0 < 2 ? $0 : 2 + $0 % (size - 2) }
      var state = model.initialState
      var expected: [Float] = []
      for token in text {
        expected.append(model.logNormalizer(after: state))
        state = model.advance(state, by: token)
        if context == .sentence, token == Vocabulary.endOfSentence { state = model.initialState }
      }
      for size in [text.count, 9000, 100] {
        var (found, state, scores) = ([Float](), model.initialState, [Float]())
        for first in stride(from: 0, to: text.count, by: size) {
          let piece = text[first..<min(first + size, text.count)]
          model.logNormalizers(of: piece, context: context, after: state, into: &found)
          model.score(piece, context: context, after: &state, into: &scores)
        }
        #expect(found == expected)
      }
      for state in states(model) {
        var all: [Float] = []
        model.logProbabilities(after: state, into: &all)
        let sum = all.reduce(0.0) { $0 + exp(Double($1)) }
        #expect(abs(exp(Double(model.logNormalizer(after: state))) - sum) < 1e-5 * sum)
      }
      let evaluation = model.evaluate(text, context: context) { _ in }
      let mean = expected.reduce(0.0) { $0 + Double($1) } / Double(text.count)
      #expect(abs((evaluation.normalization?.meanLogarithm ?? 9) - mean) < 1e-9)
    }
  }

  @Test("Only models of the estimator's own numbers sum to one by the way they are made")
  func sumsToOne() throws {
    #expect(whole().sumsToOne && whole().pruned(threshold: 1e-3).sumsToOne)
    #expect(whole().evaluate(Self.tokens(54), context: .sentence) { _ in }.normalization == nil)
    #expect(!whole().quantized(bits: 8).sumsToOne && !whole(.stupidBackoff).sumsToOne)
  }

  @Test(
    "Rounded models sum to one far better than numbers that are rounded one by one, with no worse predictions",
    arguments: [Smoothing.modifiedKneserNey, .wittenBell, .goodTuring, .additive], [3, 4, 8])
  func quantization(smoothing: Smoothing, bits: Int) throws {
    let whole = whole(smoothing, order: 4)
    let rounded = whole.replacing(whole.trie.rounded(binCount: 1 << bits), record: "quantize", .integer(bits))
    let model = whole.quantized(bits: bits)
    let text = Self.tokens(55)
    func deviation(_ model: NGramModel) -> Double {
      var sums: [Float] = []
      model.logNormalizers(of: text[...], context: .sentence, after: model.initialState, into: &sums)
      return sums.reduce(0.0) { $0 + abs(exp(Double($1)) - 1) } / Double(sums.count)
    }
    let (before, after) = (deviation(rounded), deviation(model))
    #expect(after < before / 3 || after < 1e-4, "\(after) for \(before)")
    let exact = whole.crossEntropy(of: text)
    let loss = model.evaluate(text, context: .sentence) { _ in }.normalizedCrossEntropy - exact
    #expect(abs(loss) < [3: 0.2, 4: 0.06, 8: 0.004][bits] ?? 0, "loses \(loss) nats")
    let levels = whole.trie.levelStarts
    for level in 1..<4 {
      let nodes = levels[level]..<levels[level + 1]
      #expect(Set(model.trie.logProbabilities[nodes]).count <= 1 << bits)
      if level < 3 { #expect(Set(model.trie.logBackoffs[nodes]).count <= 1 << bits) }
    }
  }

  @Test("A check of sums tells models of the estimator from files that are off")
  func check() throws {
    var check = SumCheck()
    check.contexts = 40
    for smoothing in Smoothing.allCases where smoothing.isNormalized {
      let results = check.run(whole(smoothing))
      #expect(results.allSatisfy { $0.passes(tolerance: 1e-4) })
      #expect(smoothing.isPositive == results.allSatisfy { $0.zeros == 0 })
    }
    #expect(check.run(try read(Self.arpa)).allSatisfy { !$0.passes() && $0.notNumbers == 0 })
    #expect(check.run(whole(.stupidBackoff)).contains { !$0.passes() })
  }

  @Test("Orders above 16 come back from their checkpoints")
  func highOrders() throws {
    var options = NGramModel.Options()
    (options.order, options.smoothing) = (40, .wittenBell)
    let tokens = RandomText.tokens(sentences: 20, vocabularySize: Self.v, seed: 56, maximumLength: 60)
    let model = train(tokens, Self.v, options)
    #expect(model.trie.order == 40)
    let read = try readBack(model)
    #expect(read.scoresOneByOne(tokens, .sentence).0 == model.scoresOneByOne(tokens, .sentence).0)
  }

  @Test("A reduction prunes, rounds, and says what that did")
  func reduction() throws {
    let whole = whole(order: 3)
    let heldOut = Self.tokens(57)
    var reduction = Reduction()
    #expect(reduction.isEmpty)
    #expect(try reduction.apply(to: whole, heldOut: heldOut).steps.isEmpty)
    reduction.pruningSize = 200
    reduction.quantizationBits = 6
    let (model, steps) = try reduction.apply(to: whole, heldOut: heldOut)
    #expect(model.levelCounts.reduce(0, +) == 200)
    #expect(model.configuration["quantize"] == 6 && model.configuration["prune_to"] == 200)
    let sizes = steps.map { [$0.sizeBefore, $0.sizeAfter] }
    #expect(sizes == [[whole.levelCounts.reduce(0, +), 200], [200, 200]])
    #expect(steps[0].kind == .pruning)
    guard case .quantization(let mean, let largest) = steps[1].kind else { throw CancellationError() }
    #expect(0 < mean && mean < largest)
    let (exact, pruned) = try #require(steps[0].heldOut)
    let (again, rounded) = try #require(steps[1].heldOut)
    #expect(abs(exact.crossEntropy - whole.crossEntropy(of: heldOut)) < 1e-9)
    #expect(pruned.crossEntropy == again.crossEntropy && pruned.normalization == nil)
    #expect(rounded.normalization?.contexts == heldOut.count)
    #expect(try reduction.apply(to: whole).steps.allSatisfy { $0.heldOut == nil })
    reduction.pruningSize = Self.v
    let error = #expect(throws: FileError.self) { try reduction.apply(to: whole) }
    #expect(
      error?.description
        == "--prune-to 40: the 40 words and <s> alone are more; give at least 41")
  }
}
