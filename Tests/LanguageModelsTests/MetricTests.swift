import Foundation
import LanguageModels
import Testing

@Suite("Metrics of sentences")
struct MetricTests {
  /// Words as numbers, the same for the same word.
  private func numbers(_ sentences: [String]) -> [[TokenID]] {
    var known: [Substring: TokenID] = [:]
    return sentences.map { sentence in
      sentence.split(separator: " ").map { word in
        let number = known[word] ?? TokenID(known.count)
        known[word] = number
        return number
      }
    }
  }

  private func bleu(_ hypothesis: String, _ references: String...) -> BLEU {
    let all = numbers([hypothesis] + references)
    return BLEU(of: all[0], BLEU.References(Array(all[1...])))
  }

  private static let pairs = [
    ("the cat sat on the mat", "the cat sat on the mat"),
    ("there is a cat on the mat today", "there is a dog on the mat"), ("a b c", "a b d c"),
    ("the the the the the the the", "the cat is on the mat"), ("x y", "p q r"), ("", "not empty"),
    (
      "the quick brown fox jumped over the lazy dog", "the quick brown fox jumps over the lazy dog"
    ), ("one two three four five", "one two three four six five"),
  ]

  // sacrebleu 2.6.0: sentence_bleu(hypothesis, [reference], tokenize="none").score of each pair.
  @Test("BLEU of single sentences is sacreBLEU's")
  func sentences() {
    let expected = [
      100.00000000000004, 34.57207846419412, 45.13864405503391, 7.809849842300637, 0, 0, 59.694917920196445,
      57.89300674674101,
    ]
    for (pair, value) in zip(Self.pairs, expected) {
      #expect(abs(bleu(pair.0, pair.1).sentenceScore - value) < 1e-9, "\(pair)")
    }
  }

  // sacrebleu 2.6.0: corpus_bleu(hypotheses, [references], tokenize="none").score.
  @Test("BLEU of several sentences together is sacreBLEU's")
  func corpus() {
    for (chosen, value) in [
      (Array(0..<8), 45.87598828593219), ([0, 1, 2, 3], 42.686912129353615), ([2, 3], 13.432124147794278),
      ([4, 5], 0),
    ] {
      var sum = BLEU()
      for i in chosen { sum.add(bleu(Self.pairs[i].0, Self.pairs[i].1)) }
      #expect(abs(sum.score - value) < 1e-9, "\(chosen)")
    }
  }

  // The same with two references: corpus_bleu(hypotheses, [firsts, seconds], tokenize="none").score.
  @Test("Of several references, an n-gram counts as often as in one, and the nearest length counts")
  func references() {
    var sum = bleu(
      "there is a cat on the mat today", "there is a cat on a mat", "a cat is on the mat today now")
    #expect(sum.referenceWords == 8)
    sum.add(bleu("one two three four five", "one two three four six five", "one two three four five"))
    #expect(abs(sum.score - 89.26472275706662) < 1e-9)
    // Both lengths are as near: the shorter one counts.
    let tie = bleu(
      "there is a cat on the mat today", "a cat is on the mat today", "there is a cat on a mat right here")
    #expect(tie.referenceWords == 7 && abs(tie.score - 84.0896415253715) < 1e-9)
  }

  @Test(
    "Word errors are those of the shortest alignment",
    arguments: [
      ("a b c", "a b c", 0, 0, 0), ("a x c", "a b c", 1, 0, 0), ("a c", "a b c", 0, 1, 0),
      ("a b b c", "a b c", 0, 0, 1), ("", "a b", 0, 2, 0), ("a b", "", 0, 0, 2),
      ("b c d e", "a b c d", 0, 1, 1), ("x y", "a b c", 2, 1, 0),
    ])
  func wordErrors(_ hypothesis: String, _ reference: String, _ s: Int, _ d: Int, _ i: Int) {
    let all = numbers([hypothesis, reference])
    let errors = WordErrors(of: all[0], reference: all[1])
    #expect(errors.substitutions == s && errors.deletions == d && errors.insertions == i, "\(errors)")
    #expect(errors.referenceWords == all[1].count && errors.wrongSentences == (s + d + i > 0 ? 1 : 0))
  }

  @Test("Errors of sentences add up to a rate")
  func rate() {
    var sum = WordErrors()
    #expect(sum.rate == 0)
    let all = numbers(["a x c", "a b c", "d", "d e", "f", ""])
    sum.add(WordErrors(of: all[0], reference: all[1]))
    sum.add(WordErrors(of: all[2], reference: all[3]))
    #expect(sum.errors == 2 && sum.rate == 0.4 && sum.sentences == 2 && sum.wrongSentences == 2)
    #expect(WordErrors(of: all[4], reference: all[5]).rate == .infinity)
  }

  private static let odd =
    pairs + [("word", ""), ("", ""), ("größe 猫 です", "größe 犬 です")]

  private func chrF(_ hypothesis: String, _ reference: String) -> ChrF {
    func characters(_ text: String) -> [UInt32] {
      text.unicodeScalars.filter { $0 != " " }.map(\.value)
    }
    return ChrF(of: characters(hypothesis), reference: characters(reference))
  }

  // sacrebleu 2.6.0: CHRF().sentence_score(hypothesis, [reference]).score of each pair, and corpus_score of all.
  @Test("chrF is sacreBLEU's, of single sentences and of several")
  func characters() {
    let expected = [
      100.0, 63.20215121558108, 38.23529411764706, 14.232426848159646, 0, 0, 88.37997874830685,
      74.0500859336367, 0, 0, 45.654761904761905,
    ]
    var sum = ChrF()
    for (pair, value) in zip(Self.odd, expected) {
      #expect(abs(chrF(pair.0, pair.1).score - value) < 1e-9, "\(pair)")
      sum.add(chrF(pair.0, pair.1))
    }
    #expect(abs(sum.score - 66.94075945436683) < 1e-9)
  }

  // sacrebleu 2.6.0: BLEU(tokenize="none").corpus_score.
  @Test("Scores of texts are those of their lines together")
  func texts() {
    var scores = TranslationScores()
    for pair in Self.odd { scores.add(Array(pair.0.utf8), reference: Array(pair.1.utf8)) }
    #expect(abs(scores.bleu.score - 45.77) < 0.005)
    #expect(abs(scores.chrF.score - 66.94075945436683) < 1e-9)
    for (value, expected) in zip(scores.bleu.precisions, [72.7, 54.3, 44.4, 30.0]) {
      #expect(abs(value - expected) < 0.05)
    }
    #expect(scores.lines == 11 && scores.exact == 2)
    let sum = Self.odd.reduce(0) { $0 + bleu($1.0, $1.1).halvingScore(order: 4) }
    #expect(abs(scores.halvingScore - sum / 11) < 1e-12)
  }

  // p = 4/5, 3/4, 1/3, 0; r = 6, h = 5.
  @Test("The measure of lectures weighs n-grams by 1/2ⁿ")
  func halving() {
    let one = bleu("A B B C D", "A B C D E F")
    let penalty = exp(1 - 6.0 / 5)
    #expect(one.halvingScore(order: 4) == 0)
    #expect(abs(one.halvingScore(order: 1) - penalty * 0.8.squareRoot()) < 1e-12)
    let two = penalty * pow(0.8, 0.5) * pow(0.75, 0.25)
    #expect(abs(one.halvingScore(order: 2) - two) < 1e-12)
    #expect(abs(one.halvingScore(order: 3) - two * pow(1 / 3.0, 0.125)) < 1e-12)
    #expect(bleu("a b", "a b").halvingScore(order: 4) == 1)
    #expect(bleu("", "a").halvingScore(order: 4) == 0)
  }
}
