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
}
