import LanguageModels

/// How well a classifier labelled texts, and how that is shown.
struct ClassificationResult: ShownResult {
  let path: String
  /// How the texts are called.
  let text: String
  let report: ClassificationReport
  /// What a user must know before believing it.
  let warnings: [String]
  let seconds: Double

  init(
    path: String, text: String, texts: [LabelledText], longest: Int = 0,
    lengthLimit: Int = ClassifierCheckpoint.usualLengthLimit, report: ClassificationReport, seconds: Double
  ) {
    (self.path, self.text, self.report, self.seconds) = (path, text, report, seconds)
    warnings = LabelWarnings.about(texts, longest: longest, lengthLimit: lengthLimit)
  }

  /// Labels in a table for people; a program is told of all.
  private static let (mostLabels, mostConfused) = (50, 12)
  /// Labels whose confusion is a matrix for programs: the numbers of one of more are too many.
  private static let mostInMatrix = 500

  fileprivate static func percent(_ share: Double) -> String {
    share.isFinite ? Format.fixed(100 * share, 2) + " %" : "none"
  }

  fileprivate var interval: String {
    "95 % interval \(Format.fixed(100 * report.interval.lowerBound, 2)) to \(Self.percent(report.interval.upperBound))"
  }

  var forPeople: String {
    let majority = report.majority
    var rows = [
      ("model", "\(path)  (lmctl \(programVersion))"), ("texts", "\(text), \(report.judged) in all"),
      ("labels", "\(report.labels.count)" + (report.isMultiple ? ", several to a text" : "")),
      ("accuracy", "\(Self.percent(report.accuracy))  (\(interval))"),
      (
        "  always '\(report.labels[majority.label])'",
        Self.percent(majority.accuracy)
      ),
      ("macro-F1", Self.percent(report.macroF1)),
    ]
    if report.isMultiple { rows.append(("micro-F1", Self.percent(report.micro.f1))) }
    rows += [
      ("P@1, R@1", "\(Self.percent(report.accuracy)), \(Self.percent(report.recallAtOne))"),
      ("cross-entropy", "\(Format.large(report.crossEntropy, 4)) nats per text"),
      ("seconds", Format.fixed(seconds, 2)),
    ]
    rows += warnings.map { ("warning", $0) }
    return Format.table(rows) + "\n" + labelTable
      + (report.labels.count <= Self.mostConfused && !report.isMultiple ? "\n" + confusionTable : "")
  }

  private var labelTable: String {
    var rows = [["label", "texts", "answers", "precision", "recall", "F1"]]
    for (name, label) in zip(report.labels, report.perLabel).prefix(Self.mostLabels) {
      rows.append([
        name, "\(label.count)", "\(label.answered)", Self.percent(label.precision),
        Self.percent(label.recall), Self.percent(label.f1),
      ])
    }
    let left = report.labels.count - Self.mostLabels
    return Format.columns(rows, leftAligned: 1)
      + (left > 0 ? "and \(Format.count(left, "label")) more; --json has all\n" : "")
  }

  private var confusionTable: String {
    var rows = [["texts of, by answer"] + report.labels]
    for (name, counts) in zip(report.labels, report.confusionMatrix) {
      rows.append([name] + counts.map(String.init))
    }
    return Format.columns(rows, leftAligned: 1)
  }

  /// The matrix, a row for each label; of more labels, only what there is of it.
  private var confusion: JSONValue {
    if report.labels.count <= Self.mostInMatrix {
      return .array(report.confusionMatrix.map { .array($0.map { .integer($0) }) })
    }
    let found = report.confusion.sorted { ($0.key.label, $0.key.answer) < ($1.key.label, $1.key.answer) }
    return .array(
      found.map { one, count in
        [
          "label": .string(report.labels[one.label]), "answer": .string(report.labels[one.answer]),
          "texts": .integer(count),
        ]
      })
  }

  var forPrograms: JSONValue {
    let labels = zip(report.labels, report.perLabel).map { name, label -> JSONValue in
      [
        "label": .string(name), "texts": .integer(label.count), "answers": .integer(label.answered),
        "correct": .integer(label.correct), "precision": .number(label.precision),
        "recall": .number(label.recall), "f1": .number(label.f1),
      ]
    }
    let majority = report.majority
    return .object([
      .init("model", .string(path)), .init("text", .string(text)), .init("texts", .integer(report.judged)),
      .init("correct", .integer(report.correct)), .init("accuracy", .number(report.accuracy)),
      .init(
        "accuracy_interval",
        .array([.number(report.interval.lowerBound), .number(report.interval.upperBound)])),
      .init("standard_error", .number(report.standardError)), .init("macro_f1", .number(report.macroF1)),
      .init("micro_f1", .number(report.micro.f1)), .init("precision_at_1", .number(report.accuracy)),
      .init("recall_at_1", .number(report.recallAtOne)),
      .init("majority_label", .string(report.labels[majority.label])),
      .init("majority_accuracy", .number(majority.accuracy)),
      .init("cross_entropy_nats", .number(report.crossEntropy)),
      .init("unknown_labels", .integer(report.unknown)), .init("multi_label", .bool(report.isMultiple)),
      .init("labels", .array(labels)),
      .init("confusion", confusion),
      .init("seconds", .number((seconds * 1e6).rounded() / 1e6)),
      .init("warnings", .array(warnings.map { .string($0) })),
      .init("lmctl_version", .string(programVersion)),
    ])
  }
}

extension [ClassificationResult] {
  /// One table of all models, for people: a column for each, the others compared with the first by McNemar's test.
  var table: String {
    guard let first else { return "" }
    func row(_ name: String, _ value: (ClassificationResult) -> String) -> [String] { [name] + map(value) }
    let rows: [[String]] = [
      row("") { $0.path },
      row("accuracy") { ClassificationResult.percent($0.report.accuracy) },
      row("  standard error") { ClassificationResult.percent($0.report.standardError) },
      row("macro-F1") { ClassificationResult.percent($0.report.macroF1) },
      row("cross-entropy") { Format.large($0.report.crossEntropy, 4) },
      row("right, the first wrong") { "\($0.report.mcNemar(first.report).onlyThis)" },
      row("wrong, the first right") { "\($0.report.mcNemar(first.report).onlyOther)" },
      row("  p by McNemar's test") { Format.significant($0.report.mcNemar(first.report).p, 3) },
      row("seconds") { Format.fixed($0.seconds, 2) },
    ]
    return Format.table([("texts", "\(first.text), \(first.report.judged) in all  (lmctl \(programVersion))")]
    )
      + "\n" + Format.columns(rows, leftAligned: 1)
  }

  /// The objects for programs; what is compared with the first says how.
  var json: JSONValue {
    guard let first else { return .array([]) }
    if count == 1 { return first.forPrograms }
    return .array(
      enumerated().map { i, result in
        let (this, other, p) = result.report.mcNemar(first.report)
        let comparison: [JSONValue.Member] =
          i == 0
          ? []
          : [
            .init(
              "compared_with_first",
              [
                "only_this_right": .integer(this), "only_first_right": .integer(other), "p": .number(p),
              ])
          ]
        return .object((result.forPrograms.members ?? []) + comparison)
      })
  }
}
