import Foundation
import LanguageModels
import TestSupport
import Testing

@testable import NGramModels

/// Gaps that n-gram models fill.
@Suite("Gaps")
struct GapTests {
  private func model(_ order: Int, _ smoothing: Smoothing = .modifiedKneserNey, seed: UInt64 = 5)
    -> NGramModel
  {
    let vocabulary = Vocabulary(unit: .word, tokens: (2..<30).map { "w\($0)" })
    var options = NGramModel.Options()
    (options.order, options.smoothing) = (order, smoothing)
    let tokens = RandomText.tokens(sentences: 300, vocabularySize: 30, seed: seed, maximumLength: 9)
    return NGramModel(tokens: tokens, vocabulary: vocabulary, options: options)
  }

  /// p of every filling, by the probabilities of whole sentences.
  private func check(
    _ model: some LanguageModel, _ sentence: GappedSentence, _ fillings: [[[TokenID]]], width: Int = 1000
  ) throws {
    let texts = fillings.map { filling in
      zip(sentence.parts, filling + [[]]).flatMap { $0 + $1 }
    }
    let scores = model.logProbabilities(ofSentences: texts) { _ in }
    let largest = scores.max() ?? 0
    let sum = scores.reduce(0) { $0 + exp($1 - largest) }
    let found = model.fill(sentence, GapSearch(count: fillings.count, width: width))
    #expect(found.isComplete && found.compared == fillings.count)
    #expect(abs(found.best.reduce(0) { $0 + exp($1.logProbability) } - 1) < 1e-4)
    var previous = 0.0
    for filling in found.best {
      let i = try #require(fillings.firstIndex(of: filling.tokens))
      #expect(abs(filling.logProbability - (scores[i] - largest - log(sum))) < 1e-4)
      #expect(filling.logProbability <= previous)
      previous = filling.logProbability
    }
  }

  @Test("An n-gram model tries the whole vocabulary, as by whole sentences", arguments: [1, 2, 3, 5])
  func ngrams(order: Int) throws {
    let model = model(order)
    let words = (2..<TokenID(30)).map { [[$0]] }
    let parts: [([TokenID], [TokenID])] = [
      ([3, 9, 4], [7, 12, 8, 5, 2, 20]), ([], [4, 4]), ([6, 7], []), ([], []),
    ]
    for (left, right) in parts {
      try check(model, GappedSentence(parts: [left, right], gaps: [.anyToken]), words)
    }
    let choices: [[TokenID]] = [[3], [4, 5, 6], []]
    let both = (2..<TokenID(30)).flatMap { a in choices.map { [[a], $0] } }
    let sentence = GappedSentence(parts: [[3], [8, 9], [5, 6, 7]], gaps: [.anyToken, .choices(choices)])
    try check(model, sentence, both)
    // With a narrow search, the best that is found is no better than the best there is.
    let narrow = model.fill(sentence, GapSearch(count: 1, width: 2))
    #expect(!narrow.isComplete && narrow.compared == 6)
  }

  @Test("A mixture of n-gram models does too, and so do scores that do not sum to one")
  func mixtures() throws {
    let models = [model(3), model(2, .wittenBell, seed: 8)]
    let mixture = Mixture(
      models, tokens: SharedVocabulary(models.map(\.vocabulary)), weights: MixtureWeights(equal: 2))
    #expect(mixture.contextLength == 2)
    let sentence = GappedSentence(parts: [[3, 9, 4], [7, 12, 8, 5]], gaps: [.anyToken])
    let words = (2..<TokenID(30)).map { [[$0]] }
    try check(mixture, sentence, words)
    try check(model(3, .stupidBackoff), sentence, words)
  }

  @Test("Hidden tokens depend on the seed and the lengths of sentences alone")
  func hidden() {
    let text = RandomText.tokens(sentences: 200, vocabularySize: 30, seed: 5, maximumLength: 9)
    let (a, b) = (HiddenTokens(50, of: text, seed: 1), HiddenTokens(50, of: text, seed: 2))
    let other = HiddenTokens(50, of: text.map { $0 == Vocabulary.endOfSentence ? $0 : 0 }, seed: 1)
    #expect(
      a.count == 50 && a.places == other.places && a.sentences.map(\.count) == other.sentences.map(\.count))
    #expect(a.places != b.places)
    #expect(zip(a.places, a.sentences).allSatisfy { $0 < $1.count })
    let sentence = a.sentence(7)
    #expect(sentence.parts[0] + [a.token(7)] + sentence.parts[1] == a.sentences[7])
    #expect(HiddenTokens(1000, of: text, seed: 1).count <= 200)
  }
}
