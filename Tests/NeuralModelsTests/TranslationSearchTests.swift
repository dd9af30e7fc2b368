import LanguageModels
import Tensors
import TestSupport
import Testing

@testable import NeuralModels

/// Searching for translations, and drawing them.
@Suite("Search for translations")
struct TranslationSearchTests {
  private func translator(_ configuration: TranslatorConfiguration, limit: Double = 0.7) throws -> Translator
  {
    Translator(
      TranslationCases.network(configuration, try Engine(threads: 2), limit: limit),
      source: TranslationCases.vocabulary,
      target: TranslationCases.target(configuration), configuration: configuration)
  }

  /// −ln p of a translation that may be broken off: of its tokens alone.
  private func logProbability(_ translator: Translator, _ source: [TokenID], _ found: Hypothesis) -> Double {
    let target = Array(found.tokens.dropLast(found.isEnded ? 1 : 0))
    return -translator.losses(of: [SentencePair(source: source, target: target)])[0]
  }

  private static let sources: [[TokenID]] = [[2, 3, 4, 5], [6], [], [10, 9, 8, 7, 6, 5, 4], [3, 3]]

  @Test(
    "Scores are those of the translations, and sources side by side are as one by one",
    arguments: TranslationCases.shapes)
  func scores(configuration: TranslatorConfiguration) throws {
    let translator = try translator(configuration)
    for width in [1, 3] {
      let found = translator.translations(of: Self.sources, TranslationCases.search(width, count: width))
      for (source, translations) in zip(Self.sources, found) {
        let alone = translator.translations(of: [source], TranslationCases.search(width, count: width))
        #expect(alone == [translations])
        #expect(translations.count <= width && !translations.isEmpty)
        for one in translations where one.isEnded {
          #expect(abs(one.logProbability - logProbability(translator, source, one)) < 1e-4)
        }
      }
    }
  }

  @Test("A beam of 1 takes the likeliest token at each step", arguments: TranslationCases.shapes)
  func greedy(configuration: TranslatorConfiguration) throws {
    let translator = try translator(configuration)
    let size = TranslationCases.target(configuration).count
    for source in Self.sources {
      let found = translator.translations(of: [source], TranslationCases.search(1, length: 6))[0][0]
      var prefix: [TokenID] = []
      // p(prefix, w) of every w, from the losses of texts that end and of those that do not.
      while prefix.count < 6, prefix.last != Vocabulary.endOfSentence {
        let pairs = (0..<TokenID(size)).filter { $0 != Vocabulary.endOfSentence }.map {
          SentencePair(source: source, target: prefix + [$0])
        }
        let network = TokenLosses(translator)
        var best = (token: Vocabulary.endOfSentence, loss: network.end(of: prefix, source))
        for pair in pairs {
          let loss = network.last(of: pair)
          if loss < best.loss || (loss == best.loss && pair.target[prefix.count] < best.token) {
            best = (pair.target[prefix.count], loss)
          }
        }
        prefix.append(best.token)
      }
      #expect(found.tokens == prefix)
    }
  }

  /// −ln p of single tokens, which are differences of those of whole translations.
  private struct TokenLosses {
    let translator: Translator
    init(_ translator: Translator) { self.translator = translator }

    func end(of prefix: [TokenID], _ source: [TokenID]) -> Double {
      token(prefix.count, SentencePair(source: source, target: prefix))
    }

    func last(of pair: SentencePair) -> Double { token(pair.target.count - 1, pair) }

    private func token(_ index: Int, _ pair: SentencePair) -> Double {
      translator.tokenLosses(of: pair)[index]
    }
  }

  @Test(
    "A beam that is wide enough finds what a search of all translations finds",
    arguments: [LengthPenalty.none, .power(0.75), .gnmt(0.6)])
  func exhaustive(penalty: LengthPenalty) throws {
    for (configuration, coverageWeight) in [
      (TranslationCases.shape(.lstm, layers: 1, .general), 0.0),
      (TranslationCases.shape(.gru, layers: 1, .none), 0),
      (TranslationCases.shape(.lstm, layers: 1, .additive) { $0.feedsInput = true }, 0.3),
    ] {
      let translator = try translator(configuration, limit: 1.5)
      let (source, length, size) = ([TokenID](arrayLiteral: 4, 2, 7), 4, TokenID(9))
      var all: [(tokens: [TokenID], score: Double)] = []
      func visit(_ tokens: [TokenID]) {
        let losses = translator.tokenLosses(of: SentencePair(source: source, target: tokens))
        let ends = [tokens + [Vocabulary.endOfSentence]]
        let broken = tokens.count == length - 1 ? (0..<size).filter { $0 != 1 }.map { tokens + [$0] } : []
        for found in ends + broken {
          let isEnded = found.last == Vocabulary.endOfSentence
          let own =
            isEnded
            ? losses
            : Array(
              translator.tokenLosses(of: SentencePair(source: source, target: found)).prefix(found.count))
          var score = -own.reduce(0, +) / penalty.divisor(length: found.count)
          if coverageWeight > 0 {
            let shares = translator.attention(of: [SentencePair(source: source, target: tokens)])[0]
            score +=
              coverageWeight
              * shares[0].indices.reduce(0.0) { sum, i in
                sum + min(shares.reduce(0.0) { $0 + Double($1[i]) }, 1).logarithm
              }
          }
          all.append((found, score))
        }
        if tokens.count < length - 1 {
          for token in (0..<size) where token != Vocabulary.endOfSentence { visit(tokens + [token]) }
        }
      }
      visit([])
      all.sort { $0.score > $1.score }
      var search = TranslationCases.search(7000, count: 5, length: length)
      search.penalty = penalty
      let found = translator.translations(of: [source], search, coverageWeight: coverageWeight)[0]
      #expect(found.map(\.tokens) == all.prefix(5).map(\.tokens))
      for (a, b) in zip(found, all) { #expect(abs(a.score - b.score) < 1e-4) }
    }
  }

  @Test("Samples are decided by the seed and the number of the source, and of the model's probabilities")
  func sampling() throws {
    let translator = try translator(TranslationCases.shape(.lstm, layers: 1, .general))
    var options = SamplingOptions()
    options.maximumTokens = 8
    let sources = [[TokenID]](repeating: [3, 4], count: 2000)
    let samples = translator.samples(of: sources, numbers: Array(0..<2000), options, seed: 5)
    let some = [6, 1, 40]
    #expect(
      translator.samples(of: some.map { sources[$0] }, numbers: some, options, seed: 5)
        == some.map { samples[$0] })
    #expect(translator.samples(of: sources, numbers: Array(0..<2000), options, seed: 6) != samples)
    // How often translations are empty.
    let p = Double.exponential(-translator.losses(of: [SentencePair(source: [3, 4], target: [])])[0])
    let empty = samples.filter { $0.tokens == [Vocabulary.endOfSentence] }.count
    let deviation = (2000 * p * (1 - p)).squareRoot()
    #expect(abs(Double(empty) - 2000 * p) < 4 * deviation, "\(empty), p \(p)")
    options.temperature = 0
    let likeliest = translator.samples(
      of: Self.sources, numbers: Array(Self.sources.indices), options, seed: 1)
    let greedy = translator.translations(of: Self.sources, TranslationCases.search(1, length: 8)).map {
      $0[0]
    }
    #expect(likeliest.map(\.tokens) == greedy.map(\.tokens))
  }
}
