import LanguageModels

/// Wrong usage: exit status 2.
struct UsageError: UserError {
  let description: String
  init(_ description: String) { self.description = description }
}

/// One option of a command.
struct Option {
  /// Its name without dashes.
  let name: String
  /// A one-letter name, without the dash.
  let short: Character?
  /// What its value is called in the help; `nil` for a flag.
  let value: String?
  /// What it does, in one line.
  let help: String

  /// An option that takes a value.
  init(_ name: String, short: Character? = nil, _ value: String, _ help: String) {
    (self.name, self.short, self.value, self.help) = (name, short, value, help)
  }

  /// A flag.
  init(flag name: String, _ help: String) {
    (self.name, self.short, self.value, self.help) = (name, nil, nil, help)
  }

  /// An option whose values are the cases of an enumeration.
  init<Choice: CaseIterable & RawRepresentable>(_ name: String, _ choices: Choice.Type, _ help: String)
  where Choice.RawValue == String {
    self.init(name, Choice.allCases.map(\.rawValue).joined(separator: "|"), help)
  }
}

/// A command line, taken apart by the options of its command.
struct Arguments {
  /// The arguments that are not options.
  private(set) var operands: [String]
  private var values: [String: String]
  /// Options that `--no-NAME` takes back from the configuration.
  private let withdrawn: Set<String>
  private var configured: (file: String, names: [String]) = ("", [])

  /// Takes `words` apart: `--name value`, `--name=value`, `-o value`, flags, `--no-name`, `--` before operands that begin with a
  /// dash.
  ///
  /// - Throws: `UsageError` for an unknown option (with the nearest real one), a missing or superfluous value.
  init(_ words: [String], options: [Option]) throws {
    var operands: [String] = []
    var withdrawn: Set<String> = []
    var values: [String: String] = [:]
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        break
      }
      guard word.hasPrefix("-"), word != "-" else {
        operands.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = options.first(where: { "--\($0.name)" == name || $0.short.map { "-\($0)" } == name })
      else {
        if let option = options.first(where: { "--no-\($0.name)" == word }) {
          withdrawn.insert(option.name)
          continue
        }
        let known = options.map { "--\($0.name)" }
        throw UsageError("unknown option '\(name)'" + Suggestion.text(for: name, among: known))
      }
      if values[option.name] != nil { throw UsageError("option '\(name)' is given twice") }
      switch (option.value, parts.count) {
      case (nil, 1): values[option.name] = ""
      case (nil, _): throw UsageError("option '\(name)' takes no value")
      case (_?, 2): values[option.name] = String(parts[1])
      case (let placeholder?, _):
        // A dash alone or a negative number is a value; another word with a dash is the next option.
        guard let value = rest.first, !value.hasPrefix("--") else {
          throw UsageError("option '\(name)' needs a value: \(name) \(placeholder)")
        }
        values[option.name] = value
        rest = rest.dropFirst()
      }
    }
    for option in options where withdrawn.contains(option.name) && values[option.name] != nil {
      throw UsageError("--\(option.name) and --no-\(option.name) exclude each other")
    }
    self.operands = operands
    self.withdrawn = withdrawn
    self.values = values
  }

  /// Adds what a configuration says about options that the command line does not speak of.
  ///
  /// - Parameter operands: the operands where the command line has none.
  mutating func add(values: [String: String], operands: [String], from file: String) {
    let added = values.filter { self.values[$0.key] == nil && !withdrawn.contains($0.key) }
    self.values.merge(added) { given, _ in given }
    if self.operands.isEmpty { self.operands = operands }
    configured = (file, added.keys.sorted())
  }

  /// The options that are given, and those that are taken back, which have no value.
  var given: [(name: String, value: String?)] {
    values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } + withdrawn.sorted().map { ($0, nil) }
  }

  /// `error`, and which of the options that it speaks of stand in the configuration.
  func locating(_ error: UsageError) -> UsageError {
    let words = error.description.split { !($0.isLetter || $0.isNumber || $0 == "-") }
    let guilty = configured.names.map { "--\($0)" }.filter { words.contains(Substring($0)) }
    guard !guilty.isEmpty else { return error }
    return UsageError(
      "\(error) (\(guilty.joined(separator: ", ")) \(guilty.count == 1 ? "stands" : "stand") in \(configured.file))"
    )
  }

  /// Whether option or flag `name` is given.
  func has(_ name: String) -> Bool { values[name] != nil }

  /// The value of option `name` as it stands.
  func string(_ name: String) -> String? { values[name] }

  /// The value of option `name`, a whole number in `range`.
  func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let text = values[name] else { return nil }
    guard let value = Int(text), range.contains(value) else {
      let isTooLarge = !text.isEmpty && text.allSatisfy(\.isNumber)
      let bounds =
        range.upperBound == .max && !isTooLarge
        ? "from \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      throw UsageError("--\(name) takes a whole number \(bounds), not '\(text)'")
    }
    return value
  }

  /// The value of option `name`, a number that `isValid` accepts; `requirement` says which ones those are.
  func number(_ name: String, _ requirement: String, _ isValid: (Double) -> Bool) throws -> Double? {
    guard let text = values[name] else { return nil }
    guard let value = Double(text), value.isFinite, isValid(value) else {
      throw UsageError("--\(name) takes a number \(requirement), not '\(text)'")
    }
    return value
  }

  /// The value of option `name`, one of an enumeration's.
  func choice<Choice: CaseIterable & RawRepresentable>(_ name: String, _: Choice.Type = Choice.self) throws
    -> Choice?
  where Choice.RawValue == String {
    guard let text = values[name] else { return nil }
    guard let value = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue)
      throw UsageError(
        "--\(name) takes one of \(known.joined(separator: ", ")), not '\(text)'"
          + Suggestion.text(for: text, among: known))
    }
    return value
  }
}

/// The nearest of several names to a mistyped one.
enum Suggestion {
  /// `; did you mean 'x'?`, or nothing if no name is near.
  static func text(for typed: String, among names: [String]) -> String {
    if typed.count > 3, let longer = names.first(where: { $0.hasPrefix(typed) }) {
      return "; did you mean '\(longer)'?"
    }
    let ranked = names.map { (name: $0, distance: distance(typed, $0)) }
    guard let nearest = ranked.min(by: { $0.distance < $1.distance }),
      nearest.distance <= max(1, typed.count / 3)
    else { return "" }
    return "; did you mean '\(nearest.name)'?"
  }

  /// The edit distance of Levenshtein, in which a transposition counts one (Damerau 1964).
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var best = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
