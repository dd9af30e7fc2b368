/// How good chosen hypotheses are, by what their references say.
public enum RescoringMetric: String, CaseIterable, Sendable {
  /// Word error rate: fewer is better.
  case wer
  /// BLEU of the corpus.
  case bleu
  /// The share of hypotheses that are their references.
  case exact

  /// What a sentence should be.
  struct Reference {
    let words: [TokenID]
    let ngrams: BLEU.References
  }

  func reference(_ words: [TokenID]) -> Reference {
    Reference(words: words, ngrams: BLEU.References(self == .bleu ? [words] : []))
  }

  /// How many numbers a hypothesis counts with.
  var size: Int { self == .bleu ? 2 * BLEU.order + 2 : 2 }

  /// What a hypothesis counts with: numbers whose sums decide the metric.
  func statistics(of words: [TokenID], _ reference: Reference) -> [Int] {
    switch self {
    case .wer:
      let errors = WordErrors(of: words, reference: reference.words)
      return [errors.errors, errors.referenceWords]
    case .bleu:
      let bleu = BLEU(of: words, reference.ngrams)
      return bleu.matches + bleu.totals + [bleu.words, bleu.referenceWords]
    case .exact: return [words == reference.words ? 1 : 0, 1]
    }
  }

  /// The metric: errors for each word, BLEU from 0 to 100, or a share.
  public func value(_ sums: [Int]) -> Double {
    switch self {
    case .wer: sums[0] == 0 ? 0 : Double(sums[0]) / Double(sums[1])
    case .bleu: Self.bleu(sums).score
    case .exact: Double(sums[0]) / Double(max(1, sums[1]))
    }
  }

  /// What is to be as large as can be.
  func merit(_ sums: [Int]) -> Double { self == .wer ? -value(sums) : value(sums) }

  /// The same of a single hypothesis: the oracle takes the one that has most.
  func merit(ofOne statistics: [Int]) -> Double {
    switch self {
    case .wer: -Double(statistics[0])
    case .bleu: Self.bleu(statistics).sentenceScore
    case .exact: Double(statistics[0])
    }
  }

  private static func bleu(_ sums: [Int]) -> BLEU {
    var bleu = BLEU()
    bleu.matches = Array(sums[..<BLEU.order])
    bleu.totals = Array(sums[BLEU.order..<2 * BLEU.order])
    (bleu.words, bleu.referenceWords) = (sums[2 * BLEU.order], sums[2 * BLEU.order + 1])
    return bleu
  }
}
