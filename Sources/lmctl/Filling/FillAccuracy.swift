import LanguageModels
import Threads

/// How often a model finds tokens of a text that are hidden.
struct FillAccuracy {
  private let path: String
  private let text: String
  /// How many likeliest tokens count besides the first.
  private let top: Int
  private let hidden: HiddenTokens
  /// Where each hidden token stands among the likeliest, from 0; `nil` where it does not.
  private var ranks: [Int?] = []
  private let seconds: Double

  /// Hides some tokens of a text from a model.
  init(_ model: FillingModel, hiding count: Int, _ settings: FillSettings, _ input: TextInput) throws {
    let stopwatch = Stopwatch()
    (path, text, top) = (model.path, input.name, settings.search.count)
    hidden = HiddenTokens(
      count, of: try input.tokens(tokenizer: model.tokenizer, vocabulary: model.vocabulary),
      seed: settings.seed)
    if hidden.count < count {
      Terminal.warn(
        "the text has \(Format.count(hidden.count, "sentence")) only, and as many tokens are hidden")
    }
    Progress.begin("filling")
    for i in 0..<hidden.count {
      let best = model.fill(hidden.sentence(i), settings.search).best
      let token = hidden.token(i)
      ranks.append(
        token == Vocabulary.unknown ? nil : best.firstIndex { $0.tokens == [[token]] })
      Progress.show("\(i + 1) of \(hidden.count) gaps")
    }
    Progress.end()
    seconds = stopwatch.seconds
  }

  /// How many hidden tokens the model does not know.
  private var unknown: Int {
    (0..<hidden.count).reduce(0) { $0 + (hidden.token($1) == Vocabulary.unknown ? 1 : 0) }
  }

  /// How many are found among the first `k`.
  private func found(_ k: Int) -> Int { ranks.reduce(0) { $0 + ($1.map { $0 < k } == true ? 1 : 0) } }

  /// The share of those, and its standard error √(p (1 − p) / n).
  private func accuracy(_ k: Int) -> (share: Double, error: Double) {
    let share = Double(found(k)) / Double(hidden.count)
    return (share, (share * (1 - share) / Double(hidden.count)).squareRoot())
  }

  /// The object for programs.
  fileprivate var json: JSONValue {
    func members(_ k: Int) -> JSONValue {
      let (share, error) = accuracy(k)
      return [
        "k": .integer(k), "found": .integer(found(k)), "share": .number(share),
        "standard_error": .number(error),
      ]
    }
    return [
      "model": .string(path), "text": .string(text), "hidden": .integer(hidden.count),
      "unknown": .integer(unknown), "accuracy": .array((top > 1 ? [1, top] : [1]).map(members)),
      "seconds": .number((seconds * 1e6).rounded() / 1e6), "lmctl_version": .string(programVersion),
    ]
  }

  fileprivate var row: [String] {
    let cells = (top > 1 ? [1, top] : [1]).flatMap { k in
      let (share, error) = accuracy(k)
      return [Format.fixed(100 * share, 2) + " %", Format.fixed(100 * error, 2) + " %"]
    }
    return [path, "\(hidden.count)", "\(unknown)"] + cells + [Format.fixed(seconds, 2)]
  }

  fileprivate var header: [String] {
    ["model", "hidden", "unknown", "at 1", "± error"] + (top > 1 ? ["at \(top)", "± error"] : []) + [
      "seconds"
    ]
  }

  /// The text, and whether all models were asked for the same tokens.
  fileprivate var name: String { text }
  fileprivate func isAsked(as other: FillAccuracy) -> Bool {
    hidden.places == other.hidden.places
      && hidden.sentences.map(\.count) == other.hidden.sentences.map(\.count)
  }
}

extension [FillAccuracy] {
  /// Writes one table of all models, or their objects.
  func write(asJSON: Bool) {
    guard let first else { return }
    if let other = self.first(where: { !$0.isAsked(as: first) }) {
      Terminal.warn(
        "\(other.row[0]) and \(first.row[0]) read the text in different ways, and were not asked for the same tokens"
      )
    }
    if asJSON {
      let objects = map(\.json)
      StandardOutput.shared.write((count == 1 ? objects[0] : .array(objects)).text + "\n")
    } else {
      StandardOutput.shared.write(
        Format.table([("text", "\(first.name)  (lmctl \(programVersion))")]) + "\n"
          + Format.columns([first.header] + map(\.row), leftAligned: 1))
    }
  }
}
