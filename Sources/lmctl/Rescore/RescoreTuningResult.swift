import LanguageModels

/// The weights that were chosen, and what they are good for.
struct RescoreTuningResult {
  let weights: [FeatureWeight]
  let lists: CandidateLists
  /// What the lists have as their best.
  let own: [Int]
  let hypotheses: Int
  let seed: UInt64
  let references: String

  /// What `--weight` takes.
  private var option: String { weights.map(\.text).joined(separator: ",") }

  private var tuned: [Int] { lists.choice(weights.map(\.value)) }

  /// Writes the weights so that `--config` takes them.
  func write(to path: String) throws {
    let file = try AtomicFile(path: path)
    let object: JSONValue = ["weight": .string(option)]
    try Array((object.text + "\n").utf8).withUnsafeBytes { try file.write($0) }
    try file.commit()
  }

  /// The tables for people.
  var table: String {
    let tuned = tuned
    let errors = lists.standardErrors(own, tuned, seed: seed)
    func shown(_ value: Double) -> String {
      lists.metric == .bleu ? Format.fixed(value, 2) : Format.fixed(100 * value, 2) + " %"
    }
    let (before, after) = (lists.value(own), lists.value(tuned))
    let rows = [
      [lists.metric.rawValue, "\(Format.count(lists.count, "list"))", ""],
      ["  best as it was", shown(before), "± \(shown(errors.first))"],
      ["  with weights", shown(after), "± \(shown(errors.second))"],
      ["  difference", shown(after - before), "± \(shown(errors.difference))"],
      ["  oracle", shown(lists.value(lists.oracle)), ""],
    ]
    return Format.columns(
      [["feature", "weight"]] + weights.map { [$0.name, Format.significant($0.value, 6)] }, leftAligned: 1)
      + "\n" + Format.columns(rows, leftAligned: 1) + "\n--weight \(Shell.quoted(option))\n"
  }

  /// The object for programs.
  var json: JSONValue {
    let tuned = tuned
    let errors = lists.standardErrors(own, tuned, seed: seed)
    let (before, after) = (lists.value(own), lists.value(tuned))
    return [
      "weights": .object(weights.map { .init($0.name, .number($0.value)) }), "weight": .string(option),
      "metric": .string(lists.metric.rawValue), "lists": .integer(lists.count),
      "hypotheses": .integer(hypotheses), "references": .string(references), "before": .number(before),
      "before_standard_error": .number(errors.first), "after": .number(after),
      "after_standard_error": .number(errors.second), "difference": .number(after - before),
      "difference_standard_error": .number(errors.difference),
      "oracle": .number(lists.value(lists.oracle)), "lmctl_version": .string(programVersion),
    ]
  }
}
