/// A model that labels texts: p(label | text).
public protocol TextClassifier: AnyObject, Sendable {
  /// The tokens that it knows.
  var vocabulary: Vocabulary { get }
  /// The names of its labels.
  var labels: [String] { get }
  /// How the labels of texts are written, and whether a text may have several.
  var rules: LabelRules { get }
  /// The tokens of a text that it reads; what is behind them is left out.
  var lengthLimit: Int { get }
  /// How large it is, for programs: `parameters`, or `ngrams` by order.
  var size: JSONValue.Member { get }

  /// p of each label for each text, and the loss of each in nats, 0 where it has no label; `watch` hears how many more texts are done, and
  /// stops it by throwing.
  func evaluate(_ texts: [LabelledText], watch: (Int) throws -> Void) rethrows -> (
    losses: [Double], probabilities: [[Float]]
  )
}

extension TextClassifier {
  /// How well it labels `texts`.
  public func report(_ texts: [LabelledText], watch: (Int) throws -> Void) rethrows
    -> ClassificationReport
  {
    let (losses, probabilities) = try evaluate(texts, watch: watch)
    return ClassificationReport(
      labels: labels, isMultiple: rules.isMultiple, texts: texts, probabilities: probabilities,
      losses: losses)
  }
}

/// What classifiers share in checkpoints.
public enum ClassifierCheckpoint {
  /// The kind of model.
  public static let kind = "classifier"
  /// The name of the labels among a checkpoint's vocabularies.
  public static let labelVocabulary = "labels"
  /// The tokens of a text that are read where nobody says otherwise.
  public static let usualLengthLimit = 1000

  /// The names of the labels, behind the two tokens that every vocabulary has.
  ///
  /// - Throws: `CheckpointError` when there are fewer than two.
  public static func labels(of checkpoint: Checkpoint) throws -> [String] {
    let labels = Array(try checkpoint.vocabulary(labelVocabulary).tokens.dropFirst(2))
    guard labels.count > 1 else { throw CheckpointError("damaged: it has fewer than two labels") }
    return labels
  }

  /// Members of a configuration: how labels are written, and how much of a text is read.
  public static func members(_ rules: LabelRules, lengthLimit: Int) -> [JSONValue.Member] {
    [
      .init("multi_label", .bool(rules.isMultiple)), .init("label_prefix", .string(rules.prefix)),
      .init("max_length", .integer(lengthLimit)),
    ]
  }

  /// What `members` wrote.
  ///
  /// - Throws: `CheckpointError` when it is not there.
  public static func rules(_ configuration: JSONValue) throws -> (rules: LabelRules, lengthLimit: Int) {
    guard let isMultiple = configuration["multi_label"]?.boolValue,
      let prefix = configuration["label_prefix"]?.stringValue, !prefix.isEmpty,
      let limit = configuration["max_length"]?.integerValue, (1...1 << 30).contains(limit)
    else { throw CheckpointError("damaged: 'configuration' is not that of a classifier") }
    var rules = LabelRules()
    (rules.isMultiple, rules.prefix) = (isMultiple, prefix)
    return (rules, limit)
  }
}
