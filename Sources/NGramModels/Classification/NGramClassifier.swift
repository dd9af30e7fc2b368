import Glibc
import LanguageModels

/// Labels texts by Bayes' rule, with an n-gram model of the texts of each label (Peng and Schuurmans 2003):
///
///     p(c | text) ∝ p(c) Π_t p_c(w_t | h_t),   p(c) = texts of c / texts
///
/// The models have one vocabulary, and the end of the text is a word too.
public final class NGramClassifier: TextClassifier {
  public let vocabulary: Vocabulary
  public let labels: [String]
  public let rules: LabelRules
  public let lengthLimit: Int
  /// ln p(c).
  private let logPriors: [Double]
  /// The model of each label's texts.
  public let models: [NGramModel]

  /// A model for each label, and how many texts have it.
  init(
    _ models: [NGramModel], counts: [Int], labels: [String], rules: LabelRules, lengthLimit: Int
  ) {
    precondition(models.count == labels.count && counts.allSatisfy { $0 > 0 }, "each label has texts")
    (self.models, self.labels, self.rules, self.lengthLimit) = (models, labels, rules, lengthLimit)
    vocabulary = models[0].vocabulary
    let all = Double(counts.reduce(0, +))
    logPriors = counts.map { log(Double($0) / all) }
    self.counts = counts
  }

  private let counts: [Int]

  /// Trains on labelled texts, each of which has one label.
  ///
  /// - Parameters:
  ///   - notice: called with a label, and a sentence for the user where its texts are too small for what was asked.
  ///   - progress: called with what is being done.
  /// - Throws: `FileError` when a label has more n-grams than can be numbered.
  public convenience init(
    training texts: [LabelledText], vocabulary: Vocabulary, labels: [String], rules: LabelRules,
    lengthLimit: Int, options: NGramModel.Options, notice: (String, String) -> Void = { _, _ in },
    progress: (String) -> Void = { _ in }
  ) throws {
    var tokens = labels.map { _ in [TokenID]() }
    var counts = labels.map { _ in 0 }
    for text in texts {
      for label in text.labels {
        tokens[label] += text.tokens + [Vocabulary.endOfSentence]
        counts[label] += 1
      }
    }
    let models = try labels.indices.map { label in
      try NGramModel(
        counting: tokens[label], vocabulary: vocabulary, options: options,
        notice: { notice(labels[label], $0) }, progress: { progress("\(labels[label]): \($0)") })
    }
    self.init(models, counts: counts, labels: labels, rules: rules, lengthLimit: lengthLimit)
  }

  public var size: JSONValue.Member {
    let orders = models.map { $0.levelCounts.count }.max() ?? 0
    return .init(
      "ngrams",
      .array(
        (0..<orders).map { k in
          .integer(models.reduce(0) { $0 + (k < $1.levelCounts.count ? $1.levelCounts[k] : 0) })
        }))
  }

  public func evaluate(_ texts: [LabelledText], watch: (Int) throws -> Void) rethrows -> (
    losses: [Double], probabilities: [[Float]]
  ) {
    var scores = texts.map { _ in logPriors }
    let sentences = texts.map { Array($0.tokens.prefix(lengthLimit)) }
    for (label, model) in models.enumerated() {
      for (i, score) in model.logProbabilities(ofSentences: sentences, watch: { _ in }).enumerated() {
        scores[i][label] += score
      }
    }
    try watch(texts.count)
    var losses: [Double] = []
    var probabilities: [[Float]] = []
    for (text, scores) in zip(texts, scores) {
      // A text that is impossible with every label says nothing of its own.
      let z = scores.contains { $0 > -.infinity } ? scores : logPriors
      let largest = z.max() ?? 0
      let normalizer = largest + log(z.reduce(0) { $0 + exp($1 - largest) })
      probabilities.append(z.map { Float(exp($0 - normalizer)) })
      losses.append(text.labels.first.map { normalizer - z[$0] } ?? 0)
    }
    return (losses, probabilities)
  }
}

// MARK: Checkpoints

extension NGramClassifier {
  private static func name(_ label: Int) -> String { "label.\(label)" }

  /// The configuration, for the checkpoint.
  public var configuration: JSONValue {
    .object(
      [.init("encoder", .string(NGramModel.kind))]
        + ClassifierCheckpoint.members(rules, lengthLimit: lengthLimit) + [
          .init("order", .integer(models.map { $0.levelCounts.count }.max() ?? 0)),
          .init("texts", .array(counts.map { .integer($0) })),
          .init(
            "members",
            .array(
              models.map { ["model": .string(NGramModel.kind), "configuration": $0.configuration] })),
        ])
  }

  /// The numbers of all models, for the checkpoint.
  public var tensors: [Tensor] {
    models.enumerated().flatMap { label, model in model.tensors.map { $0.ofMember(Self.name(label)) } }
  }

  /// The classifier in `checkpoint`.
  ///
  /// - Throws: `CheckpointError` when its parts do not fit together.
  public convenience init(_ checkpoint: Checkpoint) throws {
    let configuration = checkpoint.configuration
    let labels = try ClassifierCheckpoint.labels(of: checkpoint)
    let (rules, limit) = try ClassifierCheckpoint.rules(configuration)
    guard let members = configuration["members"]?.elements, members.count == labels.count,
      let counts = configuration["texts"]?.elements?.compactMap(\.integerValue),
      counts.count == labels.count, counts.allSatisfy({ (1...1 << 40).contains($0) }), !rules.isMultiple
    else { throw CheckpointError("damaged: 'configuration' is not that of a classifier") }
    let models = try members.enumerated().map { label, description in
      try NGramModel(checkpoint.member(Self.name(label), description))
    }
    self.init(models, counts: counts, labels: labels, rules: rules, lengthLimit: limit)
  }
}
