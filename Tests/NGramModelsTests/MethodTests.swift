import Foundation
import LanguageModels
import NGramModels
import TestSupport
import Testing

/// The equations of each method, against models of random text.
@Suite("Smoothing methods")
struct MethodTests {
  private let v = 40

  private func tokens(_ seed: UInt64 = 21) -> [TokenID] {
    RandomText.tokens(sentences: 300, vocabularySize: v, seed: seed, maximumLength: 8)
  }

  /// Compares the model with `naive` in contexts seen, half seen and unseen.
  private func compare(_ options: NGramModel.Options, _ tokens: [TokenID], _ naive: NaiveModel) {
    let model = train(tokens, v, options)
    for context in SmoothingTests.contexts(tokens, v) {
      let history = Array(([UInt32(v)] + context).suffix(options.order - 1))
      let expected = naive.distribution(history)
      let state = state(model, after: context)
      for word in 0..<TokenID(v) {
        let found = exp(Double(model.logProbability(of: word, after: state).0))
        // Each order adds some roundings of a Float; where little is left for the unseen, they weigh more.
        #expect(abs(found / expected[Int(word)] - 1) < 1e-4, "\(options.smoothing) \(context) \(word)")
      }
    }
  }

  private func options(_ smoothing: Smoothing, _ form: SmoothingForm, _ order: Int) -> NGramModel.Options {
    var options = NGramModel.Options()
    options.order = order
    options.smoothing = smoothing
    options.form = form
    return options
  }

  @Test("Witten-Bell is method C", arguments: SmoothingForm.allCases, [1, 2, 4])
  func wittenBell(form: SmoothingForm, order: Int) {
    let tokens = tokens()
    let counts = NaiveModel.counts(tokens, v: v, order: order, adjusted: false)
    compare(
      options(.wittenBell, form, order), tokens,
      NaiveModel(v: v, order: order, form: form, counts: counts) { count, following, _ in
        Double(count) / Double(following.reduce(0, +) + following.count)
      })
  }

  @Test(
    "Absolute discounting and Kneser-Ney differ in their counts", arguments: SmoothingForm.allCases, [2, 4])
  func absolute(form: SmoothingForm, order: Int) {
    let tokens = tokens()
    for smoothing in [Smoothing.absoluteDiscounting, .kneserNey] {
      let counts = NaiveModel.counts(tokens, v: v, order: order, adjusted: smoothing == .kneserNey)
      compare(
        options(smoothing, form, order), tokens,
        NaiveModel(v: v, order: order, form: form, counts: counts) { count, following, k in
          let n = NaiveModel.countsOfCounts(counts, order: k)
          let d = n[1] > 0 && n[2] > 0 ? n[1] / (n[1] + 2 * n[2]) : 0.75
          return (Double(count) - d) / Double(following.reduce(0, +))
        })
    }
  }

  @Test("Modified Kneser-Ney backs off with its own discounts", arguments: [2, 3])
  func modifiedKneserNey(order: Int) {
    let tokens = tokens()
    let counts = NaiveModel.counts(tokens, v: v, order: order, adjusted: true)
    var options = options(.modifiedKneserNey, .backedOff, order)
    options.discounts = [[0.4, 0.8, 1.2], [0.6, 1.1, 1.4]]
    compare(
      options, tokens,
      NaiveModel(v: v, order: order, form: .backedOff, counts: counts) { count, following, k in
        let d = k == 1 ? [0.4, 0.8, 1.2] : [0.6, 1.1, 1.4]
        return (Double(count) - d[min(count, 3) - 1]) / Double(following.reduce(0, +))
      })
  }

  @Test("Good-Turing discounts are Katz's", arguments: [1, 2, 3])
  func goodTuring(order: Int) throws {
    let tokens = tokens()
    let counts = NaiveModel.counts(tokens, v: v, order: order, adjusted: false)
    // The limit that the statistics allow, lowered where they are not smooth.
    func ratios(_ k: Int) -> [Double] {
      let n = NaiveModel.countsOfCounts(counts, order: k)
      for limit in stride(from: 3, to: 0, by: -1) {
        let a = Double(limit + 1) * n[limit + 1] / n[1]
        let d = (1...limit).map { r in
          ((Double(r) + 1) * n[r + 1] / n[r] / Double(r) - a) / (1 - a)
        }
        if a < 1, d.allSatisfy({ $0 > 0 && $0 < 1 }) { return d }
      }
      return [0.5, 0.75, 1 - 0.5 / 3]
    }
    let table = (1...order).map { ratios($0) }
    var options = options(.goodTuring, .backedOff, order)
    options.katzLimit = 3
    compare(
      options, tokens,
      NaiveModel(v: v, order: order, form: .backedOff, counts: counts) { count, following, k in
        let d = table[k - 1]
        return (count <= d.count ? d[count - 1] : 1) * Double(count) / Double(following.reduce(0, +))
      })
  }

  @Test(
    "Stupid back-off takes its factor for each word less, also after contexts that the text does not have")
  func stupidBackoff() {
    // <s> a b c </s>, <s> b c </s> with a = 2, b = 3, c = 4; words: <unk>, </s>, a, b, c, d.
    var options = options(.stupidBackoff, .backedOff, 3)
    options.context = .sentence
    let model = train([2, 3, 4, 1, 3, 4, 1], 6, options)
    func score(_ word: TokenID, after words: [TokenID]) -> Double {
      exp(Double(model.logProbability(of: word, after: state(model, after: words)).0))
    }
    let close = { (a: Double, b: Double) in abs(a / b - 1) < 1e-5 }
    #expect(close(score(4, after: [2, 3]), 1))  // c(a b c)/c(a b) = 1
    #expect(close(score(3, after: []), 0.5))  // c(<s> b)/c(<s>)
    #expect(close(score(1, after: [2, 3]), 0.4 * 0.4 * 2 / 7))  // a b </s>, b </s> unseen: c(</s>)/N
    #expect(close(score(1, after: [4, 4]), 0.4))  // no context c c: c </s> after c
    #expect(close(score(4, after: [2, 5]), 0.4 * 0.4 * 2 / 7))  // neither a d nor d
    #expect(close(score(4, after: [5]), 0.4 * 0.4 * 2 / 7))  // neither <s> d nor d
    #expect(close(score(5, after: [2, 3]), 0.4 * 0.4 * 0.4 / 6))  // d never occurs
    #expect(!model.isNormalized)
  }

  @Test("Deleted interpolation finds the weights that make held-out text likeliest")
  func jelinekMercer() throws {
    let order = 2
    let tokens = tokens()
    let heldOut = RandomText.tokens(sentences: 200, vocabularySize: v, seed: 22, maximumLength: 8)
    let options = options(.jelinekMercer, .interpolated, order)
    let model = train(tokens, v, options, tuning: heldOut)
    let orders = try #require(model.configuration["interpolation"]?.elements)
    let weights = orders.map { $0["weights"]?.elements?.compactMap(\.doubleValue) ?? [] }
    let bounds = orders.map { $0["context_counts_up_to"]?.elements?.compactMap(\.doubleValue) ?? [] }
    let counts = NaiveModel.counts(tokens, v: v, order: order, adjusted: false)
    func naive(_ weights: [[Double]]) -> NaiveModel {
      NaiveModel(v: v, order: order, form: .interpolated, counts: counts) { count, following, k in
        let total = Double(following.reduce(0, +))
        let bucket = bounds[k - 1].firstIndex { total <= $0 } ?? bounds[k - 1].count
        return weights[k - 1][bucket] * Double(count) / total
      }
    }
    compare(options, tokens, naive(weights), tuning: heldOut)
    // A step to either side of any weight makes the held-out text less likely.
    let best = crossEntropy(naive(weights), heldOut)
    for k in 0..<order {
      for b in weights[k].indices {
        for step in [-0.05, 0.05] {
          var other = weights
          other[k][b] = min(max(other[k][b] + step, 0.001), 0.999)
          #expect(crossEntropy(naive(other), heldOut) >= best - 1e-6)
        }
      }
    }
  }

  private func compare(
    _ options: NGramModel.Options, _ tokens: [TokenID], _ naive: NaiveModel, tuning: [TokenID]
  ) {
    let model = train(tokens, v, options, tuning: tuning)
    for context in SmoothingTests.contexts(tokens, v) {
      let expected = naive.distribution(Array(([UInt32(v)] + context).suffix(options.order - 1)))
      let state = state(model, after: context)
      for word in 0..<TokenID(v) {
        let found = exp(Double(model.logProbability(of: word, after: state).0))
        #expect(abs(found / expected[Int(word)] - 1) < 1e-5)
      }
    }
  }

  private func crossEntropy(_ naive: NaiveModel, _ tokens: [TokenID]) -> Double {
    var (sum, history) = (0.0, [UInt32(v)])
    var known: [[UInt32]: [Double]] = [:]
    for token in tokens {
      let context = Array(history.suffix(naive.order - 1))
      let distribution = known[context] ?? naive.distribution(context)
      known[context] = distribution
      sum -= log(distribution[Int(token)])
      history = token == Vocabulary.endOfSentence ? [UInt32(v)] : history + [token]
    }
    return sum / Double(tokens.count)
  }

  @Test("Without held-out text, the weights come from the last tenth of the text, or are said to be guessed")
  func jelinekMercerAlone() throws {
    var notices: [String] = []
    let model = train(tokens(), v, options(.jelinekMercer, .interpolated, 2)) { notices.append($0) }
    #expect(notices.isEmpty)
    let events = model.configuration["interpolation"]?.elements?[0]["held_out_tokens"]?.elements?
      .compactMap(\.integerValue).reduce(0, +)
    #expect(try (100...250).contains(#require(events)))
    _ = train([2, 3, 1], 4, options(.jelinekMercer, .interpolated, 2)) { notices.append($0) }
    #expect(notices.count == 1 && notices[0].contains("Jelinek-Mercer weights for order 1, 2"))
  }

  @Test("Methods give the values that a small text gives by hand")
  func byHand() {
    // a b, a c with a = 2, b = 3, c = 4; V = 5 with <unk> and </s>. Unigrams: a 2, b 1, c 1, </s> 2, N = 6, N₁₊ = 4.
    // Bigrams: <s> a 2, a b 1, a c 1, b </s> 1, c </s> 1; after a, c(a) = 2 and N₁₊(a·) = 2.
    let tokens: [TokenID] = [2, 3, 1, 2, 4, 1]
    func p(_ word: TokenID, _ smoothing: Smoothing, _ form: SmoothingForm) -> Double {
      let model = train(tokens, 5, options(smoothing, form, 2))
      return exp(Double(model.logProbability(of: word, after: state(model, after: [2])).0))
    }
    let expectations: [(TokenID, Smoothing, SmoothingForm, Double)] = [
      // p(b) = (1 + 4/5) / (6 + 4) = 0.18; (1 + 2 · 0.18) / (2 + 2)
      (3, .wittenBell, .interpolated, 0.34),
      // p(</s>) = (2 + 4/5) / 10 = 0.28; 2 · 0.28 / 4
      (1, .wittenBell, .interpolated, 0.14),
      // 1 / (2 + 2)
      (3, .wittenBell, .backedOff, 0.25),
      // p(b) = p(c) = 0.1, p(</s>) = 0.2; b(a) = (1 − 2 · 0.25) / (1 − 2 · 0.1) = 0.625
      (1, .wittenBell, .backedOff, 0.125),
      // <unk> has what the four words leave: p(<unk>) = 4/10
      (0, .wittenBell, .backedOff, 0.25),
      // Unigrams n₁ = n₂ = 2, D = 1/3; bigrams n₁ = 4, n₂ = 1, D = 2/3.
      // p(b) = (2/3)/6 + (1/3 · 4/6)/5 = 7/45; (1/3)/2 + (2/3 · 2/2) · 7/45 = 73/270
      (3, .absoluteDiscounting, .interpolated, 73.0 / 270),
      // p(b) = (2/3)/6 = 1/9, p(</s>) = (5/3)/6 = 5/18; b(a) = (2/3) / (1 − 2/9) = 6/7
      (1, .absoluteDiscounting, .backedOff, 5.0 / 21),
      // Continuations: a 1, b 1, c 1, </s> 2, of 5; n₁ = 3, n₂ = 1, D = 3/5. p(b) = 0.4/5 + (0.6 · 4/5)/5 = 0.176;
      // (1/3)/2 + (2/3) · 0.176 = 0.284
      (3, .kneserNey, .interpolated, 0.284),
      // p(b) = 0.4/5 = 0.08, p(</s>) = 1.4/5 = 0.28; b(a) = (2/3) / (1 − 0.16) = 50/63
      (1, .kneserNey, .backedOff, 2.0 / 9),
    ]
    for (word, smoothing, form, expected) in expectations {
      #expect(abs(p(word, smoothing, form) / expected - 1) < 1e-5, "\(smoothing) \(form) \(word)")
    }
  }

  // MARK: Tuning

  @Test(
    "Tuning makes the text likelier, and says so in the record",
    arguments: [Smoothing.additive, .absoluteDiscounting, .kneserNey, .modifiedKneserNey],
    SmoothingForm.allCases)
  func tuning(smoothing: Smoothing, form: SmoothingForm) {
    guard smoothing.forms.contains(form) else { return }
    let tokens = tokens()
    let heldOut = RandomText.tokens(sentences: 200, vocabularySize: v, seed: 23, maximumLength: 8)
    for cutoffs in [[], [0, 1]] as [[UInt32]] {
      var options = options(smoothing, form, 3)
      options.cutoffs = cutoffs
      let plain = crossEntropy(train(tokens, v, options), heldOut)
      let model = train(tokens, v, options, tuning: heldOut)
      #expect(crossEntropy(model, heldOut) < plain - 0.001)
      if smoothing != .additive {
        #expect(model.configuration["discounts"]?.elements?.allSatisfy { $0["tuned"] == true } == true)
      }
    }
  }

  @Test("A text that tuning cannot help leaves the discounts as they are")
  func tuningInVain() {
    // One unseen word at the beginning of a sentence: nothing but the mass kept back for it counts, which is tuned; an
    // empty text leaves all as it is.
    let tokens = tokens()
    let options = options(.modifiedKneserNey, .interpolated, 3)
    let plain = train(tokens, v, options)
    #expect(train(tokens, v, options, tuning: []).configuration == plain.configuration)
  }

  private func crossEntropy(_ model: NGramModel, _ tokens: [TokenID]) -> Double {
    var state = model.initialState
    var scores: [Float] = []
    model.score(tokens[...], context: .sentence, after: &state, into: &scores)
    return -scores.reduce(0) { $0 + Double($1) } / Double(tokens.count)
  }

  @Test("Given discounts are used, the last for all higher orders")
  func discounts() {
    var options = options(.kneserNey, .interpolated, 3)
    options.discounts = [[0.3], [0.6]]
    let record = train(tokens(), v, options).configuration["discounts"]?.elements
    #expect(record?.map { $0["values"] } == [[0.3], [0.6], [0.6]])
    #expect(record?.allSatisfy { $0["given"] == true && $0["fallback"] == false } == true)
  }

  @Test(
    "Discounts that the text does not give are replaced, with one warning",
    arguments: [Smoothing.absoluteDiscounting, .goodTuring])
  func fallback(smoothing: Smoothing) {
    var notices: [String] = []
    let model = train([2, 1], 4, options(smoothing, smoothing.forms[0], 2)) { notices.append($0) }
    #expect(notices.count == 1 && notices[0].contains("order 1 (n1=2 n2=0"))
    let record = model.configuration[smoothing == .goodTuring ? "good_turing" : "discounts"]?.elements
    #expect(record?.last?["fallback"] == true)
  }

  @Test("Every method has a form, and methods without a second one say so")
  func forms() {
    for smoothing in Smoothing.allCases { #expect(!smoothing.forms.isEmpty) }
    #expect(Smoothing.goodTuring.forms == [.backedOff])
    #expect(Smoothing.jelinekMercer.forms == [.interpolated])
  }
}

/// A model of `tokens` with words `w2`, `w3`, … up to number v − 1.
func train(
  _ tokens: [TokenID], _ v: Int, _ options: NGramModel.Options, tuning: [TokenID]? = nil,
  notice: (String) -> Void = { _ in }
) -> NGramModel {
  let vocabulary = Vocabulary(unit: .word, tokens: (2..<v).map { "w\($0)" })
  return NGramModel(tokens: tokens, vocabulary: vocabulary, options: options, tuning: tuning, notice: notice)
}

/// The state after `words` at the beginning of a sentence.
func state(_ model: NGramModel, after words: [TokenID]) -> NGramModel.State {
  words.reduce(model.initialState) { model.logProbability(of: $1, after: $0).1 }
}

/// The model as it comes back from a checkpoint: the same probabilities and back-offs, bit for bit.
func readBack(_ model: NGramModel) throws -> NGramModel {
  let folder = try TemporaryFolder()
  try Checkpoint(
    model: NGramModel.kind, programVersion: "0", tokenizer: Tokenizer(), vocabulary: model.vocabulary,
    configuration: model.configuration, training: .object([]), tensors: model.tensors
  ).write(to: folder("m.json"))
  let read = try NGramModel(Checkpoint(path: folder("m.json")))
  #expect(read.trie.logProbabilities == model.trie.logProbabilities)
  #expect(read.trie.logBackoffs == model.trie.logBackoffs)
  return read
}
