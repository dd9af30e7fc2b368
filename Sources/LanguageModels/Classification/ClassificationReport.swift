import Glibc

/// How well texts were labelled.
///
/// A text's answer is its likeliest label; where texts may have several, it is right if it is one of them. Precision, recall and F1 of a label
/// are those of answers with it: of the likeliest label or, where texts may have several, of all labels of probability one half and more.
public struct ClassificationReport: Sendable {
  /// What was found of one label.
  public struct Label: Sendable, Equatable {
    /// Texts that have it; answers with it; and both.
    public var count = 0, answered = 0, correct = 0

    public var precision: Double { answered == 0 ? 0 : Double(correct) / Double(answered) }
    public var recall: Double { count == 0 ? 0 : Double(correct) / Double(count) }
    /// 2 precision recall / (precision + recall)
    public var f1: Double { count + answered == 0 ? 0 : 2 * Double(correct) / Double(count + answered) }
  }

  /// The names of the labels.
  public let labels: [String]
  /// Whether a text may have several.
  public let isMultiple: Bool
  /// Texts that have a label, and were judged.
  public private(set) var judged = 0
  /// Texts whose likeliest label is right.
  public private(set) var correct = 0
  /// Texts all of whose labels are unknown, so that no answer is right.
  public private(set) var unknown = 0
  /// Labels of all texts.
  public private(set) var labelCount = 0
  /// What was found of each label.
  public private(set) var perLabel: [Label]
  /// A label that a text has, its first, and what was answered.
  public struct Answer: Hashable, Sendable {
    public let label, answer: Int
  }

  /// How often texts of each label were answered with each, where that happened.
  public private(set) var confusion: [Answer: Int] = [:]
  /// Whether the answer to each text was right, in the order of the texts.
  public private(set) var isRight: [Bool] = []
  private var lossSum = 0.0

  /// The report of some texts, all of which have labels, given p of each label and the loss of each.
  public init(
    labels: [String], isMultiple: Bool, texts: [LabelledText], probabilities: [[Float]], losses: [Double]
  ) {
    (self.labels, self.isMultiple) = (labels, isMultiple)
    perLabel = labels.map { _ in Label() }
    for (i, text) in texts.enumerated() {
      let p = probabilities[i]
      let answer = p.indices.reduce(0) { p[$1] > p[$0] ? $1 : $0 }
      judged += 1
      lossSum += losses[i]
      labelCount += text.labels.count + text.unknownLabels
      if text.labels.isEmpty { unknown += 1 }
      let right = text.labels.contains(answer)
      isRight.append(right)
      if right { correct += 1 }
      if let first = text.labels.first { confusion[Answer(label: first, answer: answer), default: 0] += 1 }
      let answers = isMultiple ? p.indices.filter { p[$0] >= 0.5 } : [answer]
      for label in text.labels { perLabel[label].count += 1 }
      for label in answers {
        perLabel[label].answered += 1
        if text.labels.contains(label) { perLabel[label].correct += 1 }
      }
    }
  }

  /// How often texts of each label were answered with each: [label][answer].
  public var confusionMatrix: [[Int]] {
    var matrix = labels.map { _ in labels.map { _ in 0 } }
    for (one, count) in confusion { matrix[one.label][one.answer] = count }
    return matrix
  }

  /// The share of texts whose likeliest label is right; fastText's P@1.
  public var accuracy: Double { Double(correct) / Double(judged) }
  /// Right answers by the labels that there are: fastText's R@1.
  public var recallAtOne: Double { Double(correct) / Double(labelCount) }
  /// The mean loss of the texts whose labels are known, in nats.
  public var crossEntropy: Double { lossSum / Double(judged - unknown) }
  /// The mean of F1 over the labels that texts or answers have.
  public var macroF1: Double {
    let seen = perLabel.filter { $0.count + $0.answered > 0 }
    return seen.reduce(0) { $0 + $1.f1 } / Double(seen.count)
  }
  /// The most frequent label, which alone would be right as often as it says.
  public var majority: (label: Int, accuracy: Double) {
    let label = perLabel.indices.reduce(0) { perLabel[$1].count > perLabel[$0].count ? $1 : $0 }
    return (label, Double(perLabel[label].count) / Double(judged))
  }
  /// Over all labels: precision, recall and F1 of answers, of which there are several where texts may have several labels.
  public var micro: Label {
    perLabel.reduce(into: Label()) {
      $0.count += $1.count
      $0.answered += $1.answered
      $0.correct += $1.correct
    }
  }
  /// √(p (1 − p) / n) of the accuracy.
  public var standardError: Double { (accuracy * (1 - accuracy) / Double(judged)).squareRoot() }

  /// The interval that holds the true accuracy in 95 of 100 cases (Wilson 1927).
  public var interval: ClosedRange<Double> {
    let (n, p, z) = (Double(judged), accuracy, 1.959964)
    let center = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, center - half)...min(1, center + half)
  }

  /// McNemar's test of two classifiers on the same texts: how many only one of them has right, and the probability of a difference as large by
  /// chance, by the exact binomial distribution.
  public func mcNemar(_ other: ClassificationReport) -> (onlyThis: Int, onlyOther: Int, p: Double) {
    var (this, that) = (0, 0)
    for (a, b) in zip(isRight, other.isRight) where a != b {
      if a { this += 1 } else { that += 1 }
    }
    let n = this + that
    var tail = 0.0
    for k in 0...min(this, that) where n > 0 {
      tail += exp(
        lgamma(Double(n + 1)) - lgamma(Double(k + 1)) - lgamma(Double(n - k + 1)) - Double(n) * M_LN2)
    }
    return (this, that, n == 0 ? 1 : min(1, 2 * tail))
  }
}
