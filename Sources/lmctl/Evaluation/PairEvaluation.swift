import LanguageModels
import Threads

/// How often a model finds the better sentence of a pair the likelier one: all sentences are scored by themselves.
struct PairEvaluation {
  let path: String
  /// By group, in the order in which they first appear.
  fileprivate private(set) var groups: [(name: String, accuracy: PairAccuracy)] = []
  fileprivate private(set) var overall = PairAccuracy()
  fileprivate private(set) var unknown = 0
  /// Pairs that are the same tokens, which tie whatever the batches do to rounding.
  private var same = 0
  /// Pairs that are the same text.
  private var twice = 0
  private let seconds: Double

  /// Scores the pairs of `file` with a model.
  init(
    _ model: any LanguageModel, path: String, _ tokenizer: Tokenizer, _ pairs: [MinimalPair], file: String
  ) throws {
    let stopwatch = Stopwatch()
    self.path = path
    var sentences: [[TokenID]] = []
    for pair in pairs {
      let (good, bad) = try pair.tokens(tokenizer, model.vocabulary, file: file)
      sentences += [good, bad]
    }
    for sentence in sentences { for token in sentence where token == Vocabulary.unknown { unknown += 1 } }
    Progress.begin("scoring")
    var scored = 0
    let scores = model.logProbabilities(ofSentences: sentences) { count in
      scored += count
      Progress.show("\(scored) tokens")
    }
    Progress.end()
    seconds = stopwatch.seconds
    var places: [String: Int] = [:]
    for (i, pair) in pairs.enumerated() {
      let place = places[pair.group] ?? groups.count
      if place == groups.count {
        places[pair.group] = place
        groups.append((pair.group, PairAccuracy()))
      }
      let isSame = sentences[2 * i] == sentences[2 * i + 1]
      groups[place].accuracy.add(good: scores[2 * i], bad: scores[isSame ? 2 * i : 2 * i + 1])
      if isSame { same += 1 }
      if pair.good == pair.bad { twice += 1 }
    }
    for group in groups { overall.add(group.accuracy) }
    if same > twice {
      Terminal.warn(
        "\(path): \(Format.count(same - twice, "pair")) of \(overall.pairs) differ only in words that the model does not know, so they tie"
      )
    }
    if twice > 0 {
      Terminal.warn(
        "\(path): \(Format.count(twice, "pair")) of \(overall.pairs) are twice the same sentence, so they tie"
      )
    }
  }

  /// The mean of the groups' accuracies, and its standard error.
  fileprivate var macro: (share: Double, standardError: Double) {
    let n = Double(groups.count)
    let variance = groups.reduce(0) { $0 + $1.accuracy.standardError * $1.accuracy.standardError }
    return (groups.reduce(0) { $0 + $1.accuracy.share } / n, variance.squareRoot() / n)
  }

  /// The object for programs.
  func json(file: String) -> JSONValue {
    func members(_ accuracy: PairAccuracy) -> [JSONValue.Member] {
      [
        .init("pairs", .integer(accuracy.pairs)), .init("correct", .integer(accuracy.correct)),
        .init("ties", .integer(accuracy.ties)), .init("accuracy", .number(accuracy.share)),
        .init("standard_error", .number(accuracy.standardError)),
      ]
    }
    return .object(
      [.init("model", .string(path)), .init("file", .string(file))] + members(overall) + [
        .init("macro_accuracy", .number(macro.share)),
        .init("macro_standard_error", .number(macro.standardError)), .init("unknown", .integer(unknown)),
        .init("same_tokens", .integer(same)), .init("seconds", .number((seconds * 1e6).rounded() / 1e6)),
        .init("lmctl_version", .string(programVersion)),
        .init(
          "groups", .array(groups.map { .object([.init("group", .string($0.name))] + members($0.accuracy)) })),
      ])
  }
}

extension [PairEvaluation] {
  /// One table of all models, for people: a column for each.
  func table(file: String) -> String {
    guard let first else { return "" }
    func percent(_ share: Double) -> String { Format.fixed(100 * share, 2) + " %" }
    var rows = [["group", "pairs"] + map(\.path)]
    if first.groups.count > 1 || first.groups.first?.name != "" {
      for (i, group) in first.groups.enumerated() {
        rows.append(
          [group.name.isEmpty ? "(none)" : group.name, "\(group.accuracy.pairs)"]
            + map { percent($0.groups[i].accuracy.share) })
      }
    }
    if first.groups.count > 1 {
      rows.append(["macro average", ""] + map { percent($0.macro.share) })
      rows.append(["  standard error", ""] + map { percent($0.macro.standardError) })
    }
    rows.append(["overall", "\(first.overall.pairs)"] + map { percent($0.overall.share) })
    rows.append(["  standard error", ""] + map { percent($0.overall.standardError) })
    rows.append(["  ties, half right", ""] + map { "\($0.overall.ties)" })
    rows.append(["  unknown tokens", ""] + map { "\($0.unknown)" })
    return Format.table([("pairs", "\(file)  (lmctl \(programVersion))")]) + "\n"
      + Format.columns(rows, leftAligned: 1)
  }
}
