/// How many words of sentences are wrong: substitutions, deletions and insertions of the alignments that have fewest of them together
/// (Levenshtein 1966). The numbers of several sentences add up.
public struct WordErrors: Sendable, Equatable {
  /// Words that stand in the place of others.
  public var substitutions = 0
  /// Words of the references that are missing.
  public var deletions = 0
  /// Words too many.
  public var insertions = 0
  /// Words of the references.
  public var referenceWords = 0
  /// Sentences.
  public var sentences = 0
  /// Sentences with an error.
  public var wrongSentences = 0

  /// Of no sentence.
  public init() {}

  /// Of one sentence.
  public init(of hypothesis: [TokenID], reference: [TokenID]) {
    // row[j]: from the reference's words so far to the first j of the hypothesis.
    var row = (0...hypothesis.count).map { Alignment(insertions: $0) }
    for (i, right) in reference.enumerated() {
      var diagonal = row[0]
      row[0] = Alignment(deletions: i + 1)
      for (j, word) in hypothesis.enumerated() {
        var best = diagonal
        if word != right { best.substitutions += 1 }
        diagonal = row[j + 1]
        if diagonal.errors + 1 < best.errors {
          best = diagonal
          best.deletions += 1
        }
        if row[j].errors + 1 < best.errors {
          best = row[j]
          best.insertions += 1
        }
        row[j + 1] = best
      }
    }
    let best = row[hypothesis.count]
    (substitutions, deletions, insertions) = (best.substitutions, best.deletions, best.insertions)
    (referenceWords, sentences) = (reference.count, 1)
    wrongSentences = best.errors > 0 ? 1 : 0
  }

  /// The errors up to some word of both sentences.
  private struct Alignment {
    var substitutions = 0
    var deletions = 0
    var insertions = 0
    var errors: Int { substitutions + deletions + insertions }
  }

  /// All errors.
  public var errors: Int { substitutions + deletions + insertions }

  /// The word error rate: errors for each word of the references; infinite if there are errors but no words.
  public var rate: Double { errors == 0 ? 0 : Double(errors) / Double(referenceWords) }

  /// Adds those of other sentences.
  public mutating func add(_ other: WordErrors) {
    substitutions += other.substitutions
    deletions += other.deletions
    insertions += other.insertions
    referenceWords += other.referenceWords
    sentences += other.sentences
    wrongSentences += other.wrongSentences
  }
}
