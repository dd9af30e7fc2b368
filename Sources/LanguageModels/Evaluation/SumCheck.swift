import Glibc

/// Checks a model by its own numbers: that Σ_w p(w | h) is one, that all of them are numbers, and that a word's probability is the same
/// whether it is asked for alone or with all others.
public struct SumCheck: Sendable {
  /// Where contexts come from.
  public enum Kind: String, CaseIterable, Sendable {
    /// Texts that the model itself makes up.
    case seen
    /// Texts that the model itself makes up, with one word in another's place.
    case partlySeen = "partly seen"
    /// Words at random.
    case unseen
  }

  /// What was found after the contexts of one kind.
  public struct Result: Sendable {
    /// Where they come from.
    public let kind: Kind
    /// How many there were.
    public fileprivate(set) var contexts = 0
    /// The smallest sum.
    public fileprivate(set) var smallest = Double.infinity
    /// The largest sum.
    public fileprivate(set) var largest = -Double.infinity
    /// Probabilities that are no number, or infinite.
    public fileprivate(set) var notNumbers = 0
    /// Probabilities of zero, ln p being −∞.
    public fileprivate(set) var zeros = 0
    /// The largest difference of p(w | h) asked for alone and with all others.
    public fileprivate(set) var largestDisagreement = 0.0

    /// The largest |Σ − 1|; infinite where a sum is no number.
    public var worst: Double {
      if notNumbers > 0 { return .infinity }
      return contexts == 0 ? 0 : max(abs(smallest - 1), abs(largest - 1))
    }

    /// Whether all sums are one, and all pairs equal, but for `tolerance`; whether or not there are zeros.
    public func passes(tolerance: Double = 1e-3) -> Bool {
      notNumbers == 0 && worst <= tolerance && largestDisagreement <= tolerance
    }
  }

  /// Contexts of each kind.
  public var contexts = 300
  /// What decides all that is random.
  public var seed: UInt64 = 1

  /// 300 contexts of each kind.
  public init() {}

  /// A sentence goes on for so many words at most before the next context is the beginning of a text again.
  private static let maximumLength = 20

  /// Checks `model`; the results come in the order of `Kind.allCases`.
  ///
  /// - Parameter watch: called after each context; stops the check when it throws.
  public func run<Model: LanguageModel>(_ model: Model, watch: () throws -> Void) rethrows -> [Result] {
    try Kind.allCases.map { kind in
      var generator = SeededGenerator(seed: seed)
      var draws = SeededGenerator(seed: seed)
      let sampler = Sampler(model: model, options: SamplingOptions(), seed: seed)
      var result = Result(kind: kind)
      var all: [Float] = []
      var (words, state) = ([TokenID](), model.initialState)
      for _ in 0..<contexts {
        let context =
          kind == .partlySeen && !words.isEmpty
          ? self.state(of: model, after: replacingOne(words, model.vocabulary, &generator)) : state
        result.check(model, context, &all, &generator)
        let next =
          kind == .unseen
          ? randomWord(model.vocabulary, &generator) : sampler.draw(after: state, using: &draws)
        words.append(next)
        state = model.advance(state, by: next)
        let isEnd = model.defaultContext == .sentence && next == Vocabulary.endOfSentence
        if isEnd || words.count >= Self.maximumLength { (words, state) = ([], model.initialState) }
        try watch()
      }
      return result
    }
  }

  /// Checks `model` without being watched.
  public func run(_ model: some LanguageModel) -> [Result] { run(model) {} }

  /// Any word but the end of sentence.
  private func randomWord(_ vocabulary: Vocabulary, _ generator: inout SeededGenerator) -> TokenID {
    let word = TokenID.random(in: 0..<TokenID(vocabulary.count - 1), using: &generator)
    return word < Vocabulary.endOfSentence ? word : word + 1
  }

  /// `words`, one of the last three of which is another.
  private func replacingOne(
    _ words: [TokenID], _ vocabulary: Vocabulary, _ generator: inout SeededGenerator
  ) -> [TokenID] {
    var words = words
    let place = words.count - 1 - Int.random(in: 0..<min(3, words.count), using: &generator)
    words[place] = randomWord(vocabulary, &generator)
    return words
  }

  private func state<Model: LanguageModel>(of model: Model, after words: [TokenID]) -> Model.State {
    words.reduce(model.initialState) { model.advance($0, by: $1) }
  }
}

extension SumCheck.Result {
  /// What is found in distributions after contexts of words at random, each ln p of all that there is.
  public init(_ distributions: [ArraySlice<Float>]) {
    self.init(kind: .unseen)
    for logProbabilities in distributions { add(logProbabilities) }
  }

  /// Adds a distribution.
  private mutating func add(_ logProbabilities: ArraySlice<Float>) {
    contexts += 1
    var sum = 0.0
    for logProbability in logProbabilities {
      if logProbability.isNaN || logProbability == .infinity { notNumbers += 1 }
      if logProbability == -.infinity { zeros += 1 }
      sum += exp(Double(logProbability))
    }
    smallest = min(smallest, sum)
    largest = max(largest, sum)
  }

  /// Adds what is found after `state`.
  fileprivate mutating func check<Model: LanguageModel>(
    _ model: Model, _ state: Model.State, _ all: inout [Float], _ generator: inout SeededGenerator
  ) {
    model.logProbabilities(after: state, into: &all)
    add(all[...])
    let likeliest = all.indices.reduce(0) { all[$1] > all[$0] ? $1 : $0 }
    for word in [likeliest, Int.random(in: 0..<all.count, using: &generator)] {
      let alone = exp(Double(model.logProbability(of: TokenID(word), after: state).0))
      let difference = abs(alone - exp(Double(all[word])))
      largestDisagreement = difference.isNaN ? .infinity : max(largestDisagreement, difference)
    }
  }
}
