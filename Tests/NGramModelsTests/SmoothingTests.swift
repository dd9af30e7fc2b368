import Foundation
import LanguageModels
import NGramModels
import TestSupport
import Testing

private func model(
  _ tokens: [TokenID], _ v: Int, _ order: Int, _ smoothing: Smoothing, context: ContextMode = .sentence,
  delta: Double = 1, form: SmoothingForm? = nil
) -> NGramModel {
  var options = NGramModel.Options()
  options.form = form
  options.order = order
  options.smoothing = smoothing
  options.context = context
  options.delta = delta
  return train(tokens, v, options)
}

/// Modified Kneser–Ney by dictionary, straight from the equations of Chen and Goodman (1998, section 4.2).
private struct NaiveKneserNey {
  let v: Int
  let order: Int
  let adjusted: [[[UInt32]: Int]]
  let discounts: [[Double]]

  init(_ tokens: [TokenID], v: Int, order: Int) {
    self.v = v
    self.order = order
    let raw = NaiveCounts(tokens, vocabularySize: v, order: order, context: .sentence).counts
    adjusted = (0..<order).map { k in
      if k == order - 1 { return raw[k].filter { $0.key != [UInt32(v)] } }
      var counts: [[UInt32]: Int] = [:]
      for ngram in raw[k + 1].keys { counts[Array(ngram.dropFirst()), default: 0] += 1 }
      for (ngram, count) in raw[k] where ngram[0] == v { counts[ngram] = k == 0 ? nil : count }
      return counts
    }
    discounts = adjusted.map { counts in
      let n = (1...4).map { r in Double(counts.values.filter { $0 == r }.count) }
      guard n[0] > 0, n[1] > 0, n[2] > 0 else { return [0.5, 1, 1.5] }
      let y = n[0] / (n[0] + 2 * n[1])
      let d = [1 - 2 * y * n[1] / n[0], 2 - 3 * y * n[2] / n[1], 3 - 4 * y * n[3] / n[2]]
      return d.enumerated().allSatisfy { $1 > 0 && $1 <= Double($0 + 1) } ? d : [0.5, 1, 1.5]
    }
  }

  func p(_ word: TokenID, _ context: [UInt32]) -> Double {
    let context = Array(context.suffix(order - 1))
    let level = adjusted[context.count]
    let following = level.filter { $0.key.dropLast() == context[...] }
    let lower = context.isEmpty ? 1 / Double(v) : p(word, Array(context.dropFirst()))
    guard !following.isEmpty else { return lower }
    let d = discounts[context.count]
    let total = Double(following.values.reduce(0, +))
    let gamma = following.values.reduce(0) { $0 + d[min($1, 3) - 1] } / total
    let count = level[context + [word]] ?? 0
    let alpha = count == 0 ? 0 : (Double(count) - d[min(count, 3) - 1]) / total
    return alpha + gamma * lower
  }
}

@Suite("Smoothing")
struct SmoothingTests {
  @Test("Modified Kneser-Ney is that of the equations", arguments: [1, 2, 3, 4])
  func kneserNey(order: Int) {
    for (v, sentences) in [(40, 300), (5, 10)] {
      let tokens = RandomText.tokens(sentences: sentences, vocabularySize: v, seed: 5, maximumLength: 8)
      let kn = model(tokens, v, order, .modifiedKneserNey)
      let naive = NaiveKneserNey(tokens, v: v, order: order)
      for context in Self.contexts(tokens, v) {
        let state = state(kn, after: context)
        for word in [0, 1, 2, TokenID(v - 1)] {
          let expected = naive.p(word, [UInt32(v)] + context)
          let found = exp(Double(kn.logProbability(of: word, after: state).0))
          // Each order adds one rounding of a Float; the logarithm adds its own.
          #expect(abs(found / expected - 1) < 1e-5)
        }
      }
    }
  }

  @Test("Additive smoothing is Lidstone's equation", arguments: [1, 2, 3])
  func additive(order: Int) {
    let v = 12
    let tokens = RandomText.tokens(sentences: 80, vocabularySize: v, seed: 6)
    let counts = NaiveCounts(tokens, vocabularySize: v, order: order, context: .sentence).counts
    let lidstone = model(tokens, v, order, .additive, delta: 0.3)
    for context in Self.contexts(tokens, v) {
      let history = Array(([UInt32(v)] + context).suffix(order - 1))
      for word in 0..<TokenID(v) {
        let count = counts[history.count][history + [word]] ?? 0
        let total = (0..<UInt32(v)).reduce(0) { $0 + (counts[history.count][history + [$1]] ?? 0) }
        let expected = (Double(count) + 0.3) / (Double(total) + 0.3 * Double(v))
        let found = exp(Double(lidstone.logProbability(of: word, after: state(lidstone, after: context)).0))
        #expect(abs(found / expected - 1) < 1e-5)
      }
    }
  }

  @Test("Maximum likelihood is the relative frequency")
  func maximumLikelihood() {
    // <s> a b </s>, <s> a c </s>, <s> a b </s> with a = 2, b = 3, c = 4.
    let ml = model([2, 3, 1, 2, 4, 1, 2, 3, 1], 6, 2, .maximumLikelihood)
    let afterA = state(ml, after: [2])
    #expect(abs(exp(ml.logProbability(of: 3, after: afterA).0) - 2 / 3) < 1e-6)
    #expect(abs(exp(ml.logProbability(of: 4, after: afterA).0) - 1 / 3) < 1e-6)
    #expect(ml.logProbability(of: 5, after: afterA).0 == -.infinity)
  }

  /// The beginning of a sentence, contexts of the text, the same with a word changed, and random ones.
  static func contexts(_ tokens: [TokenID], _ v: Int) -> [[TokenID]] {
    var generator = SeededGenerator(seed: 9)
    var contexts: [[TokenID]] = [[]]
    for length in 1...5 {
      for _ in 0..<6 {
        let i = Int.random(in: 0..<tokens.count - length, using: &generator)
        var context = Array(tokens[i..<i + length])
        if !context.contains(Vocabulary.endOfSentence) { contexts.append(context) }
        context[0] = TokenID(v - 1)
        if !context.contains(Vocabulary.endOfSentence) { contexts.append(context) }
        contexts.append((0..<length).map { _ in TokenID.random(in: 2..<TokenID(v), using: &generator) })
      }
    }
    return contexts
  }

  // MARK: What every method promises

  /// Every method in every form that it has.
  static let methods = Smoothing.allCases.flatMap { smoothing in smoothing.forms.map { (smoothing, $0) } }

  @Test("Probabilities sum to one in seen and unseen contexts", arguments: methods, [1, 2, 3, 5])
  func sums(method: (Smoothing, SmoothingForm), order: Int) {
    let (smoothing, form) = method
    for (context, v, sentences) in [
      (.sentence, 30, 100), (.stream, 30, 100), (.sentence, 4, 300), (.sentence, 400, 20),
    ] as [(ContextMode, Int, Int)] {
      let tokens = RandomText.tokens(sentences: sentences, vocabularySize: v, seed: 7)
      let model = model(tokens, v, order, smoothing, context: context, form: form)
      var all: [Float] = []
      for context in Self.contexts(tokens, v) {
        let state = state(model, after: context)
        model.logProbabilities(after: state, into: &all)
        #expect(all.count == v)
        // v probabilities, each off by a few ε of itself.
        if smoothing.isNormalized { #expect(abs(all.reduce(0) { $0 + exp(Double($1)) } - 1) < 1e-5) }
        for (word, logProbability) in all.enumerated() {
          #expect(!smoothing.isPositive || logProbability > -.infinity)
          #expect(logProbability <= 1e-6)
          let single = model.logProbability(of: TokenID(word), after: state).0
          #expect(single == logProbability || abs(single - logProbability) < 1e-5)
        }
      }
    }
  }

  @Test("Scoring many tokens is scoring each", arguments: methods)
  func scoring(method: (Smoothing, SmoothingForm)) {
    let tokens = RandomText.tokens(sentences: 50, vocabularySize: 20, seed: 8)
    let model = model(tokens, 20, 4, method.0, form: method.1)
    let text = RandomText.tokens(sentences: 20, vocabularySize: 20, seed: 10)
    var (fast, slow) = (model.initialState, model.initialState)
    var scores: [Float] = []
    model.score(text[...], context: .stream, after: &fast, into: &scores)
    for (i, token) in text.enumerated() {
      let (logProbability, next) = model.logProbability(of: token, after: slow)
      #expect(scores[i] == logProbability)
      slow = next
    }
    #expect(fast == slow)
  }

  @Test("A checkpoint gives back the model", arguments: methods, [1, 2, 4])
  func roundTrip(method: (Smoothing, SmoothingForm), order: Int) throws {
    let tokens = RandomText.tokens(sentences: 50, vocabularySize: 20, seed: 11)
    let original = model(tokens, 20, order, method.0, form: method.1)
    let folder = try TemporaryFolder()
    for format in TensorFormat.allCases {
      let checkpoint = Checkpoint(
        model: NGramModel.kind, programVersion: "0", tokenizer: Tokenizer(), vocabulary: original.vocabulary,
        configuration: original.configuration, training: .object([]), tensors: original.tensors)
      try checkpoint.write(to: folder("m.json"), tensors: format)
      let read = try NGramModel(Checkpoint(path: folder("m.json")))
      #expect(read.configuration == original.configuration)
      for context in Self.contexts(tokens, 20) {
        let (a, b) = (state(original, after: context), state(read, after: context))
        #expect(a == b)
        for word in 0..<TokenID(20) {
          #expect(original.logProbability(of: word, after: a).0 == read.logProbability(of: word, after: b).0)
        }
      }
    }
  }

  @Test("Draws agree with the probabilities at any temperature", arguments: methods, [0.5, 1, 1.7])
  func sampling(method: (Smoothing, SmoothingForm), temperature: Double) throws {
    let v = 20
    let tokens = RandomText.tokens(sentences: 200, vocabularySize: v, seed: 12)
    let model = model(tokens, v, 3, method.0, form: method.1)
    guard model.isNormalized else {
      // Scores are normalized over the whole vocabulary before each draw.
      #expect(model.makeTokenSampler(temperature: temperature) == nil)
      return
    }
    let draw = try #require(model.makeTokenSampler(temperature: temperature))
    var generator = SeededGenerator(seed: 13)
    let n = 4000
    for context in [[], [2], [2, 17], [19, 18], Array(tokens[0..<1])] as [[TokenID]] {
      let state = state(model, after: context)
      var all: [Float] = []
      model.logProbabilities(after: state, into: &all)
      let weights = all.map { exp(Double($0) / temperature) }
      let total = weights.reduce(0, +)
      var counts = [Double](repeating: 0, count: v)
      for _ in 0..<n { counts[Int(draw(state, &generator))] += 1 }
      // Pearson's statistic over words expected at least five times; its mean is the number of classes, its variance twice that.
      var (statistic, classes, rest, restExpected) = (0.0, 0.0, 0.0, 0.0)
      for word in 0..<v {
        let expected = Double(n) * weights[word] / total
        if expected >= 5 {
          statistic += (counts[word] - expected) * (counts[word] - expected) / expected
          classes += 1
        } else {
          rest += counts[word]
          restExpected += expected
        }
      }
      #expect(statistic < classes + 6 * (2 * classes).squareRoot())
      #expect(abs(rest - restExpected) <= 6 * (restExpected + 1).squareRoot())
    }
  }

  @Test("The matched order is the longest n-gram of the text")
  func matchedOrder() {
    let tokens: [TokenID] = [2, 3, 4, 1, 3, 5, 1]
    let model = model(tokens, 6, 3, .modifiedKneserNey)
    #expect(model.matchedOrder(of: 2, after: model.initialState) == 2)  // <s> 2
    #expect(model.matchedOrder(of: 4, after: state(model, after: [2, 3])) == 3)  // 2 3 4
    #expect(model.matchedOrder(of: 5, after: state(model, after: [2, 3])) == 2)  // 3 5
    #expect(model.matchedOrder(of: 2, after: state(model, after: [2, 3])) == 1)
  }

  @Test("Discounts that the text does not give are replaced, with one warning that names orders and counts")
  func fallback() {
    var notices: [String] = []
    var options = NGramModel.Options()
    options.order = 2
    let vocabulary = Vocabulary(unit: .word, tokens: ["a", "b"])
    let model = NGramModel(tokens: [2, 3, 1, 2, 1], vocabulary: vocabulary, options: options) {
      notices.append($0)
    }
    #expect(notices.count == 1)
    #expect(notices[0].contains("order 1 (n1=") && notices[0].contains("order 2 (n1="))
    let discounts = model.configuration["discounts"]?.elements
    #expect(discounts?.map { $0["fallback"] } == [true, true])
    #expect(discounts?.first?["values"] == [0.5, 1.0, 1.5])
  }
}
